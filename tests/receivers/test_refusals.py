"""Every request that a receiver refuses, whole or in part, is a line in the log; see docs/operations.md."""

from __future__ import annotations

import grpc
import pytest

from otel_sessions.component import Outcome
from otel_sessions.errors import InvalidData, Permanent, Retryable, TooLarge, Unauthenticated
from otel_sessions.testing.consumers import RecordingConsumer
from tests.receivers.conftest import BODY, Running, Start

ERRORS = [
    (InvalidData("no OTLP"), "look at the sender"),
    (TooLarge("too much"), "send smaller batches"),
    (Unauthenticated("who is it", challenge="Basic"), "give the sender the credentials"),
    (Permanent("never"), "the sender may have dropped it"),
    (Retryable("the log is full", retry_after=2.0), "otel-sessions doctor"),
    (RuntimeError("a fault of ours"), "otel-sessions doctor"),
]


def send(running: Running, body: bytes = BODY) -> None:
    """As a client does that is told what is wrong."""
    if running.transport == "http":
        running.post(body)
        return
    try:
        running.call(body)
    except grpc.RpcError:
        return


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "otel_sessions.refused"]


@pytest.mark.parametrize(("error", "advice"), ERRORS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_each_kind_of_error_is_one_line_however_often_it_comes(
    start: Start, start_http: Start, caplog: pytest.LogCaptureFixture, transport: str, error: Exception, advice: str
) -> None:
    running = {"grpc": start, "http": start_http}[transport](RecordingConsumer(lambda _: error))
    for _ in range(3):
        send(running)
    (line,) = lines(caplog)
    assert "127.0.0.1 is refused over " in line
    assert f"project default, {len(BODY)} bytes" in line
    assert (str(error) in line) == (not isinstance(error, RuntimeError))
    assert advice in line


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_spans_that_are_rejected_of_a_request_are_told_as_well(
    start: Start, start_http: Start, caplog: pytest.LogCaptureFixture, transport: str
) -> None:
    outcome = Outcome(accepted_spans=3, rejected_spans=1, message="span ids of 7 bytes")
    running = {"grpc": start, "http": start_http}[transport](RecordingConsumer(lambda _: outcome))
    send(running)
    (line,) = lines(caplog)
    assert f"over otlp/{transport} (1 of 4 spans, project default): span ids of 7 bytes; mend what" in line


def test_what_is_over_the_size_limit_is_told_over_both(
    start: Start, start_http: Start, caplog: pytest.LogCaptureFixture
) -> None:
    body = BODY + b"\xfa\x07\x80\x80\x80\x01" + bytes(2 << 20)
    send(start(max_recv_msg_size_mib=1), body)
    send(start_http(max_request_body_size="1MiB"), body)
    over_grpc, over_http = lines(caplog)
    assert "ipv4:127.0.0.1 is refused over otlp/grpc" in over_grpc
    assert "over the size limit" in over_grpc
    assert "413" in over_http
    for line in (over_grpc, over_http):
        assert line.endswith("send smaller batches, or raise the limit of this endpoint")


@pytest.mark.parametrize(
    ("path", "type_", "encoding", "said"),
    [
        ("/v1/trace", "application/x-protobuf", "", "404 there is nothing here; traces go to /v1/traces"),
        ("/v1/traces", "text/plain", "", "415 the content type 'text/plain' is not supported"),
        ("/v1/traces", "application/x-protobuf", "br", "415 "),
        ("/v1/traces", "application/json", "", "400 "),
        ("/api/public/ingestion", "application/json", "", "/api/public/ingestion, project default"),
        ("/api/public/nothing", "application/json", "", "404 /api/public/nothing is not served here"),
    ],
)
def test_over_HTTP_wrong_paths_types_and_bodies_of_whatever_API_are_told(
    start_http: Start, caplog: pytest.LogCaptureFixture, path: str, type_: str, encoding: str, said: str
) -> None:
    headers = {"content_encoding": encoding} if encoding else {}
    start_http().post(b"{", type_, path, **headers)
    (line,) = lines(caplog)
    assert said in line
