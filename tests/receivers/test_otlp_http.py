"""The receiver `otlp` over HTTP, as its clients see it. Codes are those of docs/otlp-checklist.md."""

from __future__ import annotations

import json
import socket
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from google.protobuf import json_format
from google.rpc import code_pb2 as code
from google.rpc.error_details_pb2 import BadRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from pydantic import ValidationError

from otel_sessions.component import ComponentId, Host, Outcome, Request
from otel_sessions.errors import ConfigError, InvalidData, Permanent, Retryable, SchemaError, TooLarge
from otel_sessions.pdata import decode
from otel_sessions.receivers.otlp import accounting, factory, http
from otel_sessions.receivers.otlp.config import HttpSettings, OtlpSettings
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import FullConsumer, RecordingConsumer
from tests.integration.running import wait_until
from tests.logged import told_by, unexpected

from .conftest import BODY, JSON, PROTOBUF, UNKNOWN, Answer, Start, retry_delay_of

FORMATS = pytest.mark.parametrize(("type_", "body"), [(PROTOBUF, BODY), (JSON, b"{}")], ids=["protobuf", "json"])


def response(answer: Answer) -> ExportTraceServiceResponse:
    assert answer.code == 200
    if answer.headers["content-type"] == PROTOBUF:
        return ExportTraceServiceResponse.FromString(answer.body)
    return json_format.Parse(answer.body, ExportTraceServiceResponse())


@pytest.mark.parametrize(("type_", "empty"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b" {} \n")])
def test_A4_an_empty_request_succeeds(start_http: Start, consumer, type_, empty):
    assert start_http(consumer).post(empty, type_).body == {PROTOBUF: b"", JSON: b"{}"}[type_]
    assert consumer.bodies == [b""]


@FORMATS
def test_A5_full_success_leaves_partial_success_unset(start_http, type_, body):
    assert not response(start_http().post(body, type_)).HasField("partial_success")


@FORMATS
@pytest.mark.parametrize(
    ("outcome", "rejected", "message"),
    [
        (Outcome(1, 2, "2 spans without a trace id"), 2, "2 spans without a trace id"),
        (Outcome(3, 0, "session.id too long"), 0, "session.id too long"),
        (Outcome(1, 1), 1, "1 spans were rejected"),
    ],
)
def test_A6_rejected_spans_and_warnings_are_a_partial_success(start_http, type_, body, outcome, rejected, message):
    answer = response(start_http(RecordingConsumer(lambda _: outcome)).post(body, type_))
    assert answer.partial_success.rejected_spans == rejected
    assert answer.partial_success.error_message == message


def test_A6_in_JSON_the_count_is_text_and_the_names_are_camel_case(start_http):
    answer = start_http(RecordingConsumer(lambda _: Outcome(1, 2, "two"))).post(b"{}", JSON)
    assert json.loads(answer.body) == {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "two"}}


@pytest.mark.parametrize(
    ("type_", "body"), [(PROTOBUF, BODY + UNKNOWN), (JSON, b'{"new": [{"x": 1}], "resourceSpans": [{"new": null}]}')]
)
def test_A7_unknown_fields_are_ignored_and_the_same_again_is_taken(start_http, consumer, type_, body):
    running = start_http(consumer)
    for _ in range(2):
        assert response(running.post(body, type_)) == ExportTraceServiceResponse()
    known = decode([BODY if type_ == PROTOBUF else b""], ["p"]).batch.record
    assert [decode([sent], ["p"]).batch.record.equals(known) for sent in consumer.bodies] == [True] * 2


def test_H1_a_request_arrives_as_the_bytes_that_were_sent(start_http, consumer):
    start_http(consumer).post(BODY)
    assert consumer.requests == [Request(BODY)]


def test_H1_a_chunked_request_arrives_whole(start_http, consumer):
    start_http(consumer).post([BODY[:7], BODY[7:]])
    assert consumer.requests == [Request(BODY)]


def test_H1_a_target_may_name_the_host(start_http, consumer):
    running = start_http(consumer)
    assert running.post(path=f"http://{running.endpoint}/v1/traces?a=b").code == 200
    assert running.post(path="HTTPS://elsewhere/v1/tr%61ces").code == 200
    assert consumer.bodies == [BODY] * 2
    assert running.post(path="http://elsewhere").code == 404
    assert running.post(path="ftp://elsewhere/v1/traces").code == 404


def test_H1_the_path_is_a_setting(start_http, consumer):
    running = start_http(consumer, traces_url_path="in/traces")
    assert running.post(path="/in/traces").code == 200
    assert running.post().code == 404


def test_H1_concurrent_requests_each_get_their_own_outcome(start_http):
    running = start_http(RecordingConsumer(lambda r: Outcome(0, len(r.body), "")))

    def send(size: int) -> bool:
        return response(running.post(bytes(size))).partial_success.rejected_spans == size

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(send, range(1, 200)))


@pytest.mark.parametrize(
    ("type_", "answered"),
    [
        ("application/x-protobuf", PROTOBUF),
        ("Application/X-Protobuf;charset=utf-8", PROTOBUF),
        ("application/json; charset=UTF-8", JSON),
        ("APPLICATION/JSON", JSON),
    ],
)
def test_H2_both_encodings_are_on_one_port_and_answered_in_kind(start_http, consumer, type_, answered):
    message = ExportTraceServiceRequest.FromString(BODY)
    body = BODY if answered == PROTOBUF else b'{"resourceSpans": [{}]}'
    answer = start_http(consumer).post(body, type_)
    assert answer.headers["content-type"] == answered
    sent = [ExportTraceServiceRequest.FromString(each) for each in consumer.bodies]
    assert sent == [message if answered == PROTOBUF else ExportTraceServiceRequest(resource_spans=[{}])]


@pytest.mark.parametrize(("type_", "body", "said"), [(PROTOBUF, BODY, b""), (JSON, b"{}", b"{}")])
def test_H3_success_is_200_and_the_response_message(start_http, type_, body, said):
    answer = start_http().post(body, type_)
    assert (answer.code, answer.body) == (200, said)


ERRORS = [
    (InvalidData("truncated at byte 7"), 400, code.INVALID_ARGUMENT),
    (TooLarge("too large"), 413, code.RESOURCE_EXHAUSTED),
    (SchemaError("run `otel-sessions migrate`"), 500, code.INTERNAL),
    (Permanent(""), 500, code.INTERNAL),
    (InvalidData("ü\n" * 10_000), 400, code.INVALID_ARGUMENT),
    (Retryable("ü\0\n" * 10_000), 503, code.UNAVAILABLE),
    (Retryable("\udc80", retry_after=float("inf")), 503, code.UNAVAILABLE),
    (ZeroDivisionError("secret detail"), 503, code.UNAVAILABLE),
]


@FORMATS
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("error", "http", "grpc"), ERRORS)
def test_H4_every_error_is_a_Status_in_the_encoding_of_the_request(start_http, type_, body, at_once, error, http, grpc):
    running = start_http(FullConsumer(error) if at_once else RecordingConsumer(lambda _: error))
    answer = running.post(body, type_)
    assert (answer.code, answer.headers["content-type"]) == (http, type_)
    assert answer.status.code == grpc
    assert answer.status.message
    assert b"secret" not in answer.body
    assert ("retry-after" in answer.headers) == (http == 503)
    assert running.sample("otelcol_receiver_refused_requests_total", code=code.Code.Name(grpc)) == 1


def test_H6_undecodable_data_say_why(start_http):
    answer = start_http(RecordingConsumer(lambda _: InvalidData("truncated at byte 7"))).post()
    detail = BadRequest()
    assert answer.status.details[0].Unpack(detail)
    assert detail.field_violations[0].description == "truncated at byte 7"


@pytest.mark.parametrize(
    ("seconds", "header"), [(0.0, "1"), (-1.0, "1"), (0.2, "1"), (2.0, "2"), (2.1, "3"), (1e9, "3600")]
)
def test_H7_overload_is_503_with_Retry_After_in_whole_seconds(start_http, seconds, header):
    answer = start_http(FullConsumer(Retryable("the queue is full", retry_after=seconds))).post()
    assert (answer.code, answer.headers["retry-after"]) == (503, header)
    assert answer.status.message == "the queue is full"
    assert retry_delay_of(answer.status) == min(max(seconds, 0.0), 3600.0)


def test_H7_requests_beyond_the_bound_are_told_to_come_back(start_http, consumer, monkeypatch):
    monkeypatch.setattr(http, "OPEN_REQUESTS", 3)
    consumer.hold()
    running = start_http(consumer)
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(running.post) for _ in range(3)]
        consumer.wait_for(3)
        refused = running.post()
        consumer.release()
        assert (refused.code, refused.headers["retry-after"]) == (503, "1")
        assert [call.result().code for call in calls] == [200] * 3
    assert running.post().code == 200


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "", None, "application/json2"])
def test_H8_an_unsupported_content_type_is_415_in_JSON(start_http, consumer, type_):
    answer = start_http(consumer).post(type_=type_)
    assert (answer.code, answer.headers["content-type"]) == (415, JSON)
    assert "application/x-protobuf or application/json" in answer.status.message
    assert not consumer.requests


@FORMATS
@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "snappy"])
def test_H8_an_unsupported_content_encoding_is_415_and_names_the_supported(start_http, type_, body, encoding):
    answer = start_http().post(body, type_, content_encoding=encoding)
    assert (answer.code, answer.headers["content-type"]) == (415, type_)
    assert "gzip, deflate, zstd or none" in answer.status.message
    assert answer.headers["accept-encoding"] == "gzip, deflate, zstd"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("type_", [PROTOBUF, JSON])
def test_H8_another_method_is_405_and_names_the_one(start_http, method, type_):
    answer = start_http().post(b"", type_, method=method)
    assert (answer.code, answer.headers["allow"], answer.headers["content-type"]) == (405, "POST", type_)
    assert "POST" in answer.status.message


@pytest.mark.parametrize("path", ["/", "/v1/traces/", "/v1/profiles", "/v1/TRACES", "//v1/traces", "/%ff"])
def test_an_unknown_path_is_404_with_a_Status(start_http, path):
    answer = start_http().post(path=path)
    assert answer.code == 404
    assert "/v1/traces" in answer.status.message


@FORMATS
@pytest.mark.parametrize("base", ["", "/api/public/otel"])
@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_other_signals_are_told_how_to_turn_themselves_off_and_logged_once_a_host(
    start_http, caplog, type_, body, signal, base
):
    running = start_http()
    for _ in range(3):
        answer = running.post(body, type_, f"{base}/v1/{signal}")
        assert (answer.code, answer.headers["content-type"]) == (404, type_)
        assert f"OTEL_{signal.upper()}_EXPORTER=none" in answer.status.message
    (line,) = told_by(caplog, accounting.__name__)
    assert "127.0.0.1" in line


def test_the_log_names_who_connects_and_not_what_a_header_says(start_http, caplog):
    running = start_http()
    for name in ("192.0.2.7", "\x1b[31m red"):
        running.post(path="/v1/logs", x_forwarded_for=name)
    assert [line.split()[0] for line in told_by(caplog, accounting.__name__)] == ["127.0.0.1"]


def test_the_spans_are_counted(start_http):
    running = start_http(RecordingConsumer(lambda _: Outcome(5, 2, "two")))
    running.post()
    running.post(b"{}", JSON)
    assert running.sample("otelcol_receiver_accepted_spans_total") == 10
    assert running.sample("otelcol_receiver_refused_spans_total") == 4


def test_an_unexpected_error_is_logged_and_the_client_comes_back(start_http, caplog):
    answer = start_http(FullConsumer(ZeroDivisionError("secret detail"))).post()
    assert (answer.code, answer.headers["retry-after"]) == (503, "5")
    assert "ZeroDivisionError: secret detail" in caplog.text


def test_a_cancelled_future_and_an_outcome_that_cannot_be_written_are_503(start_http):
    class Cancelling:
        def consume(self, request: Request) -> Future[Outcome]:
            future: Future[Outcome] = Future()
            future.cancel()
            return future

    assert start_http(Cancelling()).post().code == 503
    assert start_http(RecordingConsumer(lambda _: Outcome(0, 1, "\udc80"))).post().code == 503


def test_what_is_no_HTTP_does_no_harm(start_http):
    running = start_http()
    host, _, port = running.endpoint.rpartition(":")
    for nonsense in (
        b"\x16\x03\x01\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"b" * 200_000,
    ):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(nonsense)
            connection.recv(100)
    assert running.post().code == 200


# --- web pages ---

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type, x-token, x-requested-with",
}


def preflight(running, origin: str) -> Answer:
    headers = {name.replace("-", "_"): value for name, value in PREFLIGHT.items()}
    return running.post(None, None, method="OPTIONS", Origin=origin, **headers)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example.com", True),
        ("HTTPS://SHOP.EXAMPLE.COM", True),
        ("https://example.com", False),
        ("https://shop.example.com.evil.org", False),
        ("https://shopXexample.com", False),
        ("http://localhost:3000", True),
    ],
)
def test_pages_of_allowed_origins_may_send(start_http, origin, allowed):
    cors = {"allowed_origins": ["https://*.example.com", "http://localhost:3000"], "allowed_headers": ["X-Token"]}
    running = start_http(cors={**cors, "max_age": 600})
    asked, sent = preflight(running, origin), running.post(Origin=origin)
    for answer in (asked, sent):
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert sent.code == 200
    assert asked.code == (200 if allowed else 400)
    if allowed:
        assert asked.headers["access-control-max-age"] == "600"
        assert "X-Token" in asked.headers["access-control-allow-headers"]


def test_pages_may_not_send_by_default(start_http):
    running = start_http()
    assert preflight(running, "https://shop.example.com").code == 405
    assert "access-control-allow-origin" not in running.post(Origin="https://shop.example.com").headers


def test_any_origin_may_be_allowed_and_errors_are_readable_to_it(start_http):
    running = start_http(cors={"allowed_origins": ["*"], "allowed_headers": ["*"]})
    answer = running.post(type_="text/plain", Origin="https://a.b")
    assert (answer.code, answer.headers["access-control-allow-origin"]) == (415, "https://a.b")
    assert "x-token" in preflight(running, "https://a.b").headers["access-control-allow-headers"]


# --- settings ---


def test_a_protocol_that_is_only_named_has_the_defaults():
    protocols = OtlpSettings.model_validate({"protocols": {"http": None}}).protocols
    assert (protocols.grpc, protocols.http) == (None, HttpSettings())
    assert str(HttpSettings().endpoint) == "127.0.0.1:4318"
    assert HttpSettings().max_request_body_size == 64 << 20


@pytest.mark.parametrize(
    "settings", [{"tls": {}}, {"auth": {}}, {"max_request_body_size": 0}, {"cors": {"origins": []}}, {"endpoint": "x"}]
)
def test_a_wrong_setting_is_a_fault(settings):
    with pytest.raises(ValidationError):
        HttpSettings.model_validate(settings)


def test_a_taken_port_is_a_fault_that_names_the_endpoint(start_http):
    endpoint = start_http().endpoint
    with pytest.raises(ConfigError) as raised:
        start_http(endpoint=endpoint)
    fault = raised.value.faults[0]
    assert fault.path == "receivers.otlp.protocols.http.endpoint"
    assert fault.message == f"cannot listen on {endpoint}: Address already in use"


def test_one_receiver_serves_both_protocols_and_names_them():
    free = {"endpoint": "127.0.0.1:0"}
    config = factory.config.model_validate({"protocols": {"http": free, "grpc": free}})
    receiver = factory.create(ComponentId("otlp", "b"), config, Host(Metrics()), RecordingConsumer())
    receiver.start()
    assert list(receiver.endpoints) == ["otlp/b/grpc", "otlp/b/http"]
    receiver.shutdown(5.0)
    receiver.shutdown(5.0)


def test_a_client_that_has_gone_does_no_harm_and_its_spans_stay(start_http, consumer, caplog, monkeypatch):
    monkeypatch.setattr(http, "OPEN_REQUESTS", 5)
    consumer.hold()
    running = start_http(consumer)
    host, _, port = running.endpoint.rpartition(":")
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    for number in range(1, 20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head.encode() + BODY)
            consumer.wait_for(number)
    consumer.release()
    wait_until(lambda: running.sample("otelcol_receiver_accepted_spans_total") == 19)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + BODY[:5])
    wait_until(lambda: running.sample("otelcol_receiver_refused_requests_total", code="CANCELLED") == 1)
    assert running.post().code == 200
    assert not unexpected(caplog)
