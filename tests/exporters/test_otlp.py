"""The exporters `otlp_grpc` and `otlp_http` before a receiver, and before servers that answer as they are told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import grpc
import pytest
import trustme
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from pydantic import ValidationError

from otel_sessions.component import ComponentId, Host, Outcome, Request
from otel_sessions.errors import Permanent, Retryable, Throttled, TooLarge
from otel_sessions.exporters.otlp import OtlpConfig, OtlpExporter, OtlpHttpConfig, answers, factory, http_factory
from otel_sessions.receivers.otlp import factory as receiver_factory
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from otel_sessions.testing.otlp import request, span
from tests.exporters.test_otlp_encode import batch_of

Transport = Literal["grpc", "http"]
SECRET = "hunter2-and-more"
OTLP = ComponentId("otlp")


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@dataclass
class Peer:
    """A receiver, and an exporter that sends to it."""

    consumer: RecordingConsumer
    exporter: OtlpExporter

    def received(self) -> ExportTraceServiceRequest:
        return ExportTraceServiceRequest.FromString(b"".join(self.consumer.bodies))


def exporter_to(transport: Transport, address: str, host: Host, **config: Any) -> OtlpExporter:
    if transport == "grpc":
        settings = {"endpoint": address, "tls": {"insecure": True}, **config}
        exporter = factory.create(OTLP, OtlpConfig.model_validate(settings), host)
    else:
        scheme = "https" if "tls" in config else "http"
        settings = {"endpoint": f"{scheme}://{address}", **config}
        exporter = http_factory.create(OTLP, OtlpHttpConfig.model_validate(settings), host)
    exporter.start()
    return exporter


@pytest.fixture(params=["grpc", "http"])
def transport(request: pytest.FixtureRequest) -> Transport:
    return request.param


@pytest.fixture
def peer(transport: Transport, host: Host) -> Iterator[Callable[..., Peer]]:
    """Starts a receiver of this protocol with the settings given, and an exporter to it."""
    running: list[Any] = []

    def start(consumer: RecordingConsumer | None = None, receiver: dict[str, Any] | None = None, **config: Any) -> Peer:
        consumer = consumer or RecordingConsumer()
        settings = {"protocols": {transport: {"endpoint": "127.0.0.1:0", **(receiver or {})}}}
        server = receiver_factory.create(
            ComponentId("otlp"), receiver_factory.config.model_validate(settings), Host(Metrics()), consumer
        )
        server.start()
        running.append(server)
        address = server.endpoints[f"otlp/{transport}"].replace("127.0.0.1", "localhost")
        running.append(exporter_to(transport, address, host, **config))
        return Peer(consumer, running[-1])

    yield start
    for component in reversed(running):
        component.shutdown(5.0)


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_spans_arrive_as_they_were_sent(peer: Callable[..., Peer], compression: str) -> None:
    message = request(span("a", attributes={"n": 7, "l": [True]}), span("b"), resource={"service.name": "shop"})
    there = peer(compression=compression)
    there.exporter.export([batch_of(message)], "t")
    assert there.received() == message


def test_nothing_is_sent_of_batches_without_spans(peer: Callable[..., Peer]) -> None:
    there = peer()
    there.exporter.export([], "t")
    assert there.consumer.requests == []


def test_tls_on_both_sides(peer: Callable[..., Peer], tmp_path: Path, transport: Transport) -> None:
    authority = trustme.CA()
    files = _files(tmp_path, authority, "server.example", "client@example.com")
    server_tls = {"cert_file": files["server"], "key_file": files["server_key"], "client_ca_file": files["ca"]}
    tls = {"ca_file": files["ca"], "cert_file": files["client"], "key_file": files["client_key"]}
    there = peer(receiver={"tls": server_tls}, tls=tls | {"server_name_override": "server.example"}, timeout="5s")
    there.exporter.export([batch_of(request(span("a")))], "t")
    assert len(there.consumer.requests) == 1
    stranger = peer(receiver={"tls": server_tls}, tls=tls, timeout="1s")
    with pytest.raises(Retryable):
        stranger.exporter.export([batch_of(request(span("a")))], "t")


def _files(path: Path, authority: trustme.CA, server: str, client: str) -> dict[str, str]:
    blobs: dict[str, list[trustme.Blob]] = {"ca": [authority.cert_pem]}
    for name, identity in (("server", server), ("client", client)):
        issued = authority.issue_cert(identity)
        blobs |= {name: issued.cert_chain_pems, f"{name}_key": [issued.private_key_pem]}
    for name, parts in blobs.items():
        (path / name).write_bytes(b"".join(blob.bytes() for blob in parts))
    return {name: str(path / name) for name in blobs}


def test_a_back_end_that_is_away_is_retryable_and_no_secret_is_told(
    transport: Transport, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = exporter_to(transport, "127.0.0.1:1", host, headers={"authorization": SECRET}, timeout="2s")
    with pytest.raises(Retryable, match=r"127\.0\.0\.1:1") as found:
        exporter.export([batch_of(request(span("a")))], "t")
    exporter.shutdown(1.0)
    assert host.health()["otlp"] == str(found.value)
    assert SECRET not in caplog.text + str(found.value) + repr(found.value.__cause__)


def test_a_stopped_exporter_sends_nothing(peer: Callable[..., Peer]) -> None:
    there = peer()
    there.exporter.shutdown(1.0)
    with pytest.raises(Retryable):
        there.exporter.export([batch_of(request(span("a")))], "t")


def test_what_is_too_large_is_sent_in_parts(peer: Callable[..., Peer], transport: Transport) -> None:
    limit = {"max_recv_msg_size_mib": 1} if transport == "grpc" else {"max_request_body_size": "1MiB"}
    there = peer(receiver=limit)
    spans = [span(f"{n}", attributes={"x": "y" * 100_000}) for n in range(40)]
    there.exporter.export([batch_of(request(*spans[:35])), batch_of(request(*spans[35:]))], "t")
    found = [s.name for group in there.received().resource_spans for s in group.scope_spans[0].spans]
    assert found == [s.name for s in spans]
    with pytest.raises(TooLarge):
        there.exporter.export([batch_of(request(span("a"), span(attributes={"x": "y" * 2**20})))], "t2")


def test_a_repeated_attempt_does_not_send_again_what_was_taken(peer: Callable[..., Peer]) -> None:
    problems = [Retryable("busy", retry_after=0.25)]

    def script(request: Request) -> Outcome | Exception:
        return problems.pop() if problems and b"late" in request.body else Outcome(1)

    there = peer(RecordingConsumer(script))
    batches = [batch_of(request(span(name, attributes={"x": "y" * 2**21}))) for name in ("early", "late")]
    with pytest.raises(Throttled) as found:
        there.exporter.export(batches, "t")
    assert 0 < found.value.retry_after <= 1
    there.exporter.export(batches, "t")
    assert [b"early" in body for body in there.consumer.bodies] == [True, False, False]


def test_what_the_other_side_refuses_in_part_is_logged_and_counted(
    peer: Callable[..., Peer], host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    there = peer(RecordingConsumer(lambda _: Outcome(1, 2, "two are\nwrong")))
    with caplog.at_level(logging.WARNING, "otel_sessions"):
        there.exporter.export([batch_of(request(span("a")))], "t")
    assert "2 of its spans: two are\\nwrong" in caplog.text
    assert host.metrics.registry.get_sample_value("otel_sessions_rejected_spans_total", {"exporter": "otlp"}) == 2
    assert host.health()["otlp"] is None


# --- answers ---


def status(seconds: float | None = None) -> bytes:
    found = Status(message="not\nnow")
    if seconds is not None:
        found.details.add().Pack(RetryInfo(retry_delay=Duration(nanos=round(seconds * 1e9))))
    return found.SerializeToString()


@pytest.mark.parametrize(
    ("code", "details", "class_", "after"),
    [
        *(
            (code, b"", Retryable, 1.0)
            for code in ("CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS")
        ),
        *((code, status(0.5), Permanent, None) for code in ("UNKNOWN", "INVALID_ARGUMENT", "INTERNAL")),
        *((code, b"", Retryable, 1.0) for code in ("UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED")),
        ("UNAVAILABLE", status(0.5), Throttled, 0.5),
        ("RESOURCE_EXHAUSTED", status(0.25), Throttled, 0.25),
        ("RESOURCE_EXHAUSTED", status(), TooLarge, None),
        ("UNAVAILABLE", b"\xff\xff", Retryable, 1.0),
    ],
)
def test_codes_of_grpc(code: str, details: bytes, class_: type[Exception], after: float | None) -> None:
    error = answers.error_of_grpc("peer:1", grpc.StatusCode[code], "not\nnow", details)
    assert type(error) is class_
    assert getattr(error, "retry_after", None) == after
    assert str(error) == f"peer:1 answered {code}: not\\nnow"


@pytest.mark.parametrize(
    ("code", "header", "body", "class_", "after"),
    [
        *((code, None, status(), Retryable, 1.0) for code in (429, 502, 503, 504, 401, 403, 404)),
        *((code, "5", status(1), Permanent, None) for code in (301, 400, 408, 500, 501)),
        (413, None, b"", TooLarge, None),
        (503, "7", status(1), Throttled, 7.0),
        (429, None, status(0.5), Throttled, 0.5),
        (503, "999999", b"", Throttled, answers.LONGEST_WAIT_S),
        (503, "Mon, 01 Jan 2001 00:00:00 GMT", b"", Throttled, 0.0),
        (503, "soon", b"<html>", Retryable, 1.0),
    ],
)
def test_codes_of_http(code: int, header: str | None, body: bytes, class_: type, after: float | None) -> None:
    error = answers.error_of_http("http://peer", code, body, header)
    assert type(error) is class_
    assert getattr(error, "retry_after", None) == after
    assert "\n" not in str(error)


def test_a_date_says_when_to_come_back() -> None:
    error = answers.error_of_http("http://peer", 503, b"", formatdate(time.time() + 60, usegmt=True))
    assert isinstance(error, Throttled)
    assert 55 < error.retry_after <= 60


@dataclass
class Server:
    """Answers every POST with `code` and `body`; keeps what came."""

    code: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def start(self) -> ThreadingHTTPServer:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                script.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(script.code)
                for name, value in {"Content-Length": str(len(script.body)), **script.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(script.body)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server


@pytest.fixture
def scripted(host: Host) -> Iterator[Callable[..., tuple[Server, OtlpExporter]]]:
    running: list[Any] = []

    def start(server: Server, **config: Any) -> tuple[Server, OtlpExporter]:
        http = server.start()
        base = f"http://127.0.0.1:{http.server_port}"
        named = {name: value.replace("BASE", base) for name, value in config.items() if isinstance(value, str)}
        settings = OtlpHttpConfig.model_validate({"endpoint": f"{base}/base/", **config, **named})
        exporter = http_factory.create(OTLP, settings, host)
        exporter.start()
        running.append((http, exporter))
        return server, exporter

    yield start
    for http, exporter in running:
        exporter.shutdown(1.0)
        http.shutdown()
        http.server_close()


@pytest.mark.parametrize(
    ("config", "path"), [({}, "/base/v1/traces"), ({"traces_endpoint": "BASE/elsewhere"}, "/elsewhere")]
)
def test_paths_and_headers(scripted: Callable[..., Any], config: dict[str, str], path: str) -> None:
    partial = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(error_message="hm"))
    answer = Server(body=partial.SerializeToString(), headers={"Content-Type": "application/x-protobuf"})
    server, exporter = scripted(answer, headers={"X-Key": SECRET}, **config)
    for token in "ab":
        exporter.export([batch_of(request(span(token)))], token)
    [(found, headers), _] = server.seen
    assert found == path
    assert headers["x-key"] == SECRET
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["content-encoding"] == "gzip"
    assert headers["user-agent"].startswith("otel-sessions/")


@pytest.mark.parametrize("body", [b"{}", b"\xff" * 200_000, b""])
def test_any_answer_of_200_is_success(scripted: Callable[..., Any], body: bytes) -> None:
    for kind in ("application/json", "application/x-protobuf"):
        _, exporter = scripted(Server(body=body, headers={"Content-Type": kind}))
        exporter.export([batch_of(request(span("a")))], "t")


def test_a_redirect_is_not_followed(scripted: Callable[..., Any]) -> None:
    server, exporter = scripted(Server(code=307, headers={"Location": "/else"}), headers={"authorization": SECRET})
    with pytest.raises(Permanent, match="307"):
        exporter.export([batch_of(request(span("a")))], "t")
    assert len(server.seen) == 1


# --- configuration ---


@pytest.mark.parametrize(
    ("endpoint", "insecure", "secure"),
    [
        ("otlp.example:4317", False, True),
        ("otlp.example:4317", True, False),
        ("http://otlp.example:4317", False, False),
        ("https://otlp.example:4317/", True, True),
        ("[::1]:4317", False, True),
    ],
)
def test_whether_grpc_is_secure(endpoint: str, insecure: bool, secure: bool) -> None:
    config = OtlpConfig.model_validate({"endpoint": endpoint, "tls": {"insecure": insecure}})
    assert config.secure is secure
    assert config.target in {"otlp.example:4317", "[::1]:4317"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "otlp.example"},
        {"endpoint": "ftp://otlp.example:1"},
        {"endpoint": f"http://u:{SECRET}@otlp.example:1"},
        {"endpoint": "http://otlp.example:1?key=1"},
        {"endpoint": "otlp.example:99999"},
        {"headers": {"a b": SECRET}},
        {"headers": {"a": f"{SECRET}\r\nb: c"}},
        {"headers": {"grpc-timeout": SECRET}},
        {"tls": {"insecure_skip_verify": True}},
        {"tls": {"ca_file": "/nowhere"}},
        {"compression": "zstd"},
        {"timeout": 0},
    ],
)
def test_what_is_wrong_is_said_without_secrets(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as found:
        OtlpConfig.model_validate({"endpoint": "otlp.example:4317", **wrong})
    assert SECRET not in "".join(error["msg"] for error in found.value.errors())


def test_headers_are_not_in_what_a_configuration_prints() -> None:
    config = OtlpHttpConfig.model_validate({"endpoint": "https://otlp.example", "headers": {"a": SECRET}})
    assert SECRET not in f"{config!r} {config} {config.model_dump()}"
    assert config.sending_queue.storage == "wal"


@pytest.mark.parametrize("wrong", [{}, {"endpoint": "otlp.example:4318"}])
def test_otlp_http_wants_a_url(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OtlpHttpConfig.model_validate(wrong)
