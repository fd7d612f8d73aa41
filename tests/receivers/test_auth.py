"""The receiver `otlp` asks an authenticator who may send, and into which project."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import pytest
from google.rpc.code_pb2 import UNAUTHENTICATED
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sessions.component import ComponentId, Host
from otel_sessions.errors import ConfigError
from otel_sessions.receivers.otlp import factory
from otel_sessions.telemetry import Intervals, Metrics
from otel_sessions.testing.consumers import RecordingConsumer

from .conftest import BODY, JSON, PROTOBUF, Running, Start
from .secrets import auth, authenticator, basic_of

SECRET = "hunter2-and-more"
ANSWER_S = 60
KNOWN = {
    "basicauth": authenticator(
        "basicauth",
        credentials=[
            {"username": "pk-shop", "password": SECRET, "project": "shop"},
            {"username": "pk-bank", "password": SECRET + "2", "project": "bank"},
        ],
    ),
    "bearertokenauth": authenticator("bearertokenauth", credentials=[{"token": SECRET, "project": "shop"}]),
}
RIGHT = {"basicauth": basic_of("pk-shop", SECRET), "bearertokenauth": f"Bearer {SECRET}"}
WRONG = {"basicauth": basic_of("pk-shop", SECRET + "2"), "bearertokenauth": f"Bearer {SECRET}2"}
StartAuth = Callable[..., Running]


@pytest.fixture
def start_auth(start: Start, start_http: Start, consumer: RecordingConsumer) -> StartAuth:
    """Starts a receiver of this transport that asks this authenticator."""

    def started(transport: str, type_: str = "basicauth", **settings: Any) -> Running:
        begin = {"grpc": start, "http": start_http}[transport]
        return begin(consumer, KNOWN, **auth(type_), **settings)

    return started


def send(running: Running, authorization: str | None) -> Status | Mapping[str, str]:
    """The status of a refusal; the headers of an answer that is none."""
    if running.transport == "grpc":
        metadata = [("authorization", authorization)] if authorization else []
        try:
            running.call(BODY, metadata=metadata)
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            assert status is not None
            return status
        return {}
    answer = running.post(**({"Authorization": authorization} if authorization else {}))
    return answer.status if answer.code != 200 else answer.headers


@pytest.mark.parametrize("type_", KNOWN)
@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_SDK_sends_into_the_project_of_its_credentials(start_auth, consumer, transport, type_):
    running = start_auth(transport, type_)
    if transport == "grpc":
        headers = {"authorization": RIGHT[type_]}
        exporter = GrpcExporter(endpoint=running.endpoint, insecure=True, headers=headers, timeout=ANSWER_S)
    else:
        headers = {"Authorization": RIGHT[type_]}
        exporter = HttpExporter(endpoint=f"http://{running.endpoint}/v1/traces", headers=headers, timeout=ANSWER_S)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("one").end()
    provider.shutdown()
    assert [request.project for request in consumer.requests] == ["shop"]


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_every_request_goes_into_the_project_of_its_own_credentials(start_auth, consumer, transport):
    running = start_auth(transport)
    for name, password in (("pk-shop", SECRET), ("pk-bank", SECRET + "2"), ("pk-shop", SECRET)):
        send(running, basic_of(name, password))
    assert [request.project for request in consumer.requests] == ["shop", "bank", "shop"]


@pytest.mark.parametrize("type_", KNOWN)
@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_wrong_and_missing_credentials_are_refused_counted_and_logged_once(
    start_auth, consumer, caplog, transport, type_
):
    caplog.set_level("DEBUG")
    running = start_auth(transport, type_)
    statuses = [send(running, value) for value in (WRONG[type_], None, "Basic x", WRONG[type_])]
    assert [status.code for status in statuses] == [UNAUTHENTICATED] * 4
    assert consumer.requests == []
    assert running.sample("otelcol_receiver_refused_requests_total", code="UNAUTHENTICATED") == 4
    records = [record for record in caplog.records if "is refused over" in record.message]
    assert len(records) == 1
    told = caplog.text + "".join(map(str, statuses)) + running.metrics.exposition().decode()
    assert SECRET not in told
    assert WRONG[type_].partition(" ")[2] not in told


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_without_auth_any_credentials_mean_the_default_project(start, start_http, consumer, transport):
    running = {"grpc": start, "http": start_http}[transport](consumer, KNOWN)
    for value in (None, WRONG["basicauth"], "nonsense"):
        send(running, value)
    assert [request.project for request in consumer.requests] == ["default"] * 3


@pytest.mark.parametrize(("type_", "scheme"), [("basicauth", "Basic"), ("bearertokenauth", "Bearer")])
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_over_HTTP_a_refusal_asks_for_what_is_missing(start_auth, type_, scheme, content_type):
    answer = start_auth("http", type_).post(type_=content_type)
    assert answer.code == 401
    assert answer.headers["www-authenticate"].startswith(f'{scheme} realm="otel-sessions"')
    assert answer.headers["content-type"] == content_type
    assert answer.status.code == UNAUTHENTICATED
    assert answer.status.message


def test_over_HTTP_nobody_reads_the_body_of_a_stranger(start_auth):
    host, _, port = start_auth("http").endpoint.rpartition(":")
    head = f"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: {PROTOBUF}\r\nContent-Length: 1000000\r\n\r\n"
    with socket.create_connection((host, int(port)), ANSWER_S) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 401 ")


def test_over_gRPC_nobody_reads_the_body_of_a_stranger(start_auth):
    running = start_auth("grpc", max_recv_msg_size_mib=1)
    with pytest.raises(grpc.RpcError) as caught:
        running.call(bytes(8 << 20))
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED  # and not RESOURCE_EXHAUSTED


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/logs"), ("GET", "/v1/traces"), ("POST", "/nothing")])
def test_over_HTTP_strangers_learn_nothing_of_other_paths(start_auth, method, path):
    assert start_auth("http").post(method=method, path=path).code == 401


def test_browsers_may_ask_about_CORS_without_credentials(start_auth):
    running = start_auth("http", cors={"allowed_origins": ["https://shop.example"], "allowed_headers": ["*"]})
    asking = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    assert running.post(None, None, method="OPTIONS", **asking).code == 200
    refusal = running.post(Origin="https://shop.example")
    assert refusal.code == 401
    assert refusal.headers["access-control-allow-origin"] == "https://shop.example"


def test_health_and_reflection_need_no_credentials(start_auth):
    channel = start_auth("grpc").channel()
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=ANSWER_S)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    services = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert "opentelemetry.proto.collector.trace.v1.TraceService" in services


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_an_authenticator_that_fails_costs_nobody_spans(start, start_http, consumer, transport):
    class Failing:
        def authenticate(self, headers: Mapping[str, str]) -> str:
            raise ZeroDivisionError

    running = {"grpc": start, "http": start_http}[transport](consumer, {"x": Failing()}, **auth("x"))
    assert send(running, None).code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert consumer.requests == []


def test_an_authenticator_that_does_not_run_is_a_fault_at_the_start():
    config = factory.config.model_validate({"protocols": {"http": {"endpoint": "127.0.0.1:0", **auth("basicauth/x")}}})
    receiver = factory.create(ComponentId("otlp", "a"), config, Host(Metrics()), RecordingConsumer())
    with pytest.raises(ConfigError, match=r"^receivers.otlp/a.protocols.http.auth.authenticator: 'basicauth/x' is no"):
        receiver.start()


def test_a_client_is_logged_once_a_minute_and_many_of_them_at_most_so_often():
    now = 0.0
    intervals = Intervals(lambda: now)
    assert [intervals.due(name) for name in ("a", "a", "b")] == [True, False, True]
    assert sum(intervals.due(f"client {number}") for number in range(2000)) == 1022
    now = 59.9
    assert not intervals.due("a")
    now = 60.0
    assert [intervals.due(name) for name in ("a", "a", "client 1999")] == [True, False, True]
