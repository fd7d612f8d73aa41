"""The receiver `otlp` behind TLS, and before clients that need a certificate."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from otel_sessions.config import load
from otel_sessions.errors import ConfigError

from .conftest import BODY, EXPORT, PROTOBUF, Running, Start
from .secrets import Pki, pki
from .test_otlp_sdk import names

StartAny = Callable[..., Running]
ANSWER_S = 60


@pytest.fixture(autouse=True)
def nothing_else_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` puts these before what its session says."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Of another authority."""
    return pki(tmp_path_factory.mktemp("strangers"))


@pytest.fixture
def start_any(start: Start, start_http: Start) -> StartAny:
    """Starts a receiver of the transport that is named first."""
    return lambda transport, **settings: {"grpc": start, "http": start_http}[transport](**settings)


def exporter(running: Running, trusted: Pki, client: Pki | None = None) -> SpanExporter:
    if running.transport == "grpc":
        key, chain = (client.read("key_file"), client.read("cert_file")) if client else (None, None)
        credentials = grpc.ssl_channel_credentials(trusted.read("ca_file"), key, chain)
        return GrpcExporter(endpoint=f"https://{running.endpoint}", credentials=credentials, timeout=ANSWER_S)
    files = {"client_certificate_file": client.cert_file, "client_key_file": client.key_file} if client else {}
    endpoint = f"https://{running.endpoint}/v1/traces"
    return HttpExporter(endpoint=endpoint, certificate_file=trusted.ca_file, timeout=ANSWER_S, **files)


def send(exporter: SpanExporter) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("secret").end()
    provider.shutdown()


def context(trusted: Pki, client: Pki | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=trusted.ca_file)
    if client is not None:
        made.load_cert_chain(client.cert_file, client.key_file)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


def greet(running: Running, context: ssl.SSLContext) -> bytes:
    """What the server has to say after the handshake: nothing, in HTTP; its settings, in HTTP/2."""
    host, _, port = running.endpoint.rpartition(":")
    if running.transport == "grpc":
        context.set_alpn_protocols(["h2"])
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: " + PROTOBUF.encode() + b"\r\nContent-Length: 0\r\n\r\n"
    )
    with (
        socket.create_connection((host, int(port)), ANSWER_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        secured.sendall(preface if running.transport == "grpc" else head)
        return secured.recv(1 << 16)


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_SDK_sends_over_TLS(start_any, consumer, ours, transport):
    send(exporter(start_any(transport, consumer=consumer, tls=ours.server), ours))
    assert names(consumer.bodies) == ["secret"]


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_a_client_with_a_certificate_of_the_right_authority_is_let_in(start_any, consumer, ours, transport):
    tls = ours.server | {"client_ca_file": ours.ca_file}
    send(exporter(start_any(transport, consumer=consumer, tls=tls), ours, ours))
    assert names(consumer.bodies) == ["secret"]


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.parametrize("known", [False, True])
def test_a_client_without_a_certificate_of_that_authority_is_refused(
    start_any, consumer, ours, strangers, transport, known
):
    tls = ours.server | {"client_ca_file": ours.ca_file}
    running = start_any(transport, consumer=consumer, tls=tls)
    try:  # in TLS 1.3 the refusal comes after the handshake
        answer = greet(running, context(ours, strangers if known else None))
    except (ssl.SSLError, ConnectionError):
        answer = b""
    assert answer == b""
    assert consumer.bodies == []


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_who_does_not_speak_TLS_gets_nothing(start_any, consumer, ours, transport):
    running = start_any(transport, consumer=consumer, tls=ours.server)
    if transport == "grpc":
        with pytest.raises(grpc.RpcError) as caught:
            running.call(BODY)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    else:
        with pytest.raises(OSError, match=r"."):
            running.post()
    assert consumer.bodies == []


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_by_default_TLS_1_2_is_spoken_and_nothing_older(start_any, ours, transport):
    running = start_any(transport, tls=ours.server)
    assert greet(running, context(ours, version=ssl.TLSVersion.TLSv1_2))
    old = context(ours, version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError, match=r"."):
        greet(running, old)


@pytest.mark.parametrize("version", ["1.3", 1.3])
def test_over_HTTP_TLS_1_2_is_refused_where_1_3_is_asked_for(start_http, ours, version):
    running = start_http(tls=ours.server | {"min_version": version})
    assert greet(running, context(ours, version=ssl.TLSVersion.TLSv1_3)).startswith(b"HTTP/1.1 200")
    with pytest.raises(OSError, match=r"."):
        greet(running, context(ours, version=ssl.TLSVersion.TLSv1_2))


def test_over_gRPC_calls_in_TLS_1_3_are_taken_where_it_is_asked_for(start, consumer, ours):
    send(exporter(start(consumer, tls=ours.server | {"min_version": "1.3"}), ours))
    assert names(consumer.bodies) == ["secret"]


def test_over_gRPC_calls_in_TLS_1_2_are_refused_where_1_3_is_asked_for(start, consumer, ours):
    """gRPC for Python speaks 1.3 whenever it can: a proxy between takes it down to 1.2."""
    running = start(consumer, tls=ours.server | {"min_version": "1.3"})
    answer = export_by_hand(running, context(ours, version=ssl.TLSVersion.TLSv1_2))
    assert b"16" in answer  # UNAUTHENTICATED, in the trailers
    assert consumer.bodies == []
    assert running.sample("otelcol_receiver_refused_requests_total", code="UNAUTHENTICATED") == 1


def export_by_hand(running: Running, context: ssl.SSLContext) -> bytes:
    """The frames that answer an export over HTTP/2, up to the end of the stream."""
    context.set_alpn_protocols(["h2"])
    host, _, port = running.endpoint.rpartition(":")
    literals = {":path": EXPORT, ":authority": "a", "content-type": "application/grpc", "te": "trailers"}
    block = b"\x83\x87" + b"".join(  # :method POST, :scheme https; then literals, RFC 7541 section 6.2.2
        b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in literals.items()
    )
    with (
        socket.create_connection((host, int(port)), ANSWER_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 0x5, 1, block))
        found, file = b"", secured.makefile("rb")
        while True:
            head = file.read(9)
            payload = file.read(int.from_bytes(head[:3], "big"))
            if int.from_bytes(head[5:9], "big") == 1:
                found += payload
                if head[4] & 1:  # END_STREAM
                    return found


def frame(type_: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([type_, flags]) + stream.to_bytes(4, "big") + payload


def test_health_is_told_over_TLS(start, ours):
    running = start(tls=ours.server)
    with grpc.secure_channel(running.endpoint, grpc.ssl_channel_credentials(ours.read("ca_file"))) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=ANSWER_S)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def broken(path: Path, ours: Pki, strangers: Pki) -> list[tuple[dict[str, Any], str]]:
    """Settings of `tls`, and the fault there."""
    (path / "text").write_text("hello")
    text = str(path / "text")
    both = ours.server
    return [
        (both | {"cert_file": "/no/such/file"}, ".cert_file: cannot be read: No such file or directory"),
        (both | {"key_file": "/no/such/file"}, ".key_file: cannot be read: No such file or directory"),
        (both | {"client_ca_file": "/no/such/file"}, ".client_ca_file: cannot be read: No such file or directory"),
        (both | {"client_ca_file": text}, ".client_ca_file: has no certificates in PEM: "),
        (both | {"cert_file": text}, ": cert_file and key_file are no certificate and its key, in PEM: "),
        (both | {"key_file": strangers.server["key_file"]}, ": cert_file and key_file are no certificate and its key"),
        ({"cert_file": both["cert_file"]}, ".key_file: is required"),
        (both | {"min_version": "1.1"}, ".min_version: expected '1.2' or '1.3'"),
        (both | {"min_version": 1.0}, ".min_version: expected '1.2' or '1.3'"),
        (both | {"max_version": "1.2"}, ".max_version: is not a known key"),
    ]


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_wrong_files_and_versions_are_faults_with_their_path(tmp_path, ours, strangers, transport):
    for settings, message in broken(tmp_path, ours, strangers):
        with pytest.raises(ConfigError) as caught:
            load([], [f"receivers.otlp.protocols.{transport}.tls={settings}"])
        [fault] = caught.value.faults
        assert str(fault).startswith(f"receivers.otlp.protocols.{transport}.tls{message}")


def test_an_encrypted_key_is_a_fault_and_asks_nobody_for_its_password(tmp_path, ours):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(Path(ours.server["key_file"]).read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"hunter2")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    (tmp_path / "key").write_bytes(pem)
    settings = ours.server | {"key_file": str(tmp_path / "key")}
    with pytest.raises(ConfigError, match="key_file is encrypted"):
        load([], [f"receivers.otlp.protocols.http.tls={settings}"])
