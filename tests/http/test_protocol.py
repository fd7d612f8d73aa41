"""Every HTTP endpoint closes the connections of those who make no request, or an ambiguous one, and no others."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Event
from typing import Any

import grpc
import pytest
from starlette.responses import Response

from otel_sessions.component import Host
from otel_sessions.errors import ConfigError
from otel_sessions.http import protocol
from otel_sessions.http.server import HttpServer
from otel_sessions.telemetry import Metrics
from otel_sessions.types import HostPort
from tests.logged import told_by, unexpected

ANSWER_S = 60
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class App:
    """Answers 204, and never reads a body; `/held`, which is `held` then, when it is `released`."""

    def __init__(self) -> None:
        self.held = Event()
        self.released = Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/held":
            self.held.set()
        while scope["path"] == "/held" and not self.released.is_set():
            await asyncio.sleep(0.01)
        await Response(status_code=204)(scope, receive, send)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def server(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    monkeypatch.setattr(protocol, "HEADERS_TIMEOUT_S", 0.3)
    server = HttpServer(app, HostPort("127.0.0.1", 0), Host(Metrics()), name="a", path="a", keep_alive_s=ANSWER_S)
    server.start()
    yield server
    server.shutdown(5.0)


@pytest.fixture
def connection(server: HttpServer) -> Iterator[socket.socket]:
    host, _, port = server.endpoints["a"].rpartition(":")
    with socket.create_connection((host, int(port)), ANSWER_S) as connection:
        yield connection


def test_a_start_that_failed_may_be_tried_again(app: App, server: HttpServer) -> None:
    taken = HostPort.parse(server.endpoints["a"])
    again = HttpServer(app, taken, Host(Metrics()), name="b", path="b")
    with pytest.raises(ConfigError):
        again.start()
    server.shutdown(5.0)
    again.start()
    assert again.endpoints == {"b": str(taken)}
    again.shutdown(5.0)


def answered(connection: socket.socket) -> bool:
    return connection.recv(1 << 16).startswith(b"HTTP/1.1 204 ")


def closed(connection: socket.socket) -> bool:
    """Waits for it, and passes over what is said before."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    return True


def test_a_connection_that_says_nothing_is_closed(connection: socket.socket) -> None:
    assert connection.recv(1) == b""


def test_headers_that_never_end_are_not_waited_for(connection: socket.socket) -> None:
    connection.sendall(REQUEST[:-2])
    assert connection.recv(1) == b""


def test_nor_those_of_a_later_request(connection: socket.socket) -> None:
    connection.sendall(REQUEST)
    assert answered(connection)
    connection.sendall(REQUEST[:-2])
    assert connection.recv(1) == b""


def test_a_body_that_nobody_reads_is_not_waited_for(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    assert answered(connection)
    connection.sendall(b"a")
    assert closed(connection)


def test_an_answer_may_take_longer(connection: socket.socket, app: App, server: HttpServer) -> None:
    host, _, port = server.endpoints["a"].rpartition(":")
    connection.sendall(REQUEST.replace(b"/ ", b"/held "))
    with socket.create_connection((host, int(port)), ANSWER_S) as silent:
        assert silent.recv(1) == b""  # the time is over
    app.released.set()
    assert answered(connection)


def test_an_idle_connection_is_kept_between_requests(connection: socket.socket, server: HttpServer) -> None:
    connection.sendall(REQUEST)
    assert answered(connection)
    host, _, port = server.endpoints["a"].rpartition(":")
    with socket.create_connection((host, int(port)), ANSWER_S) as silent:
        assert silent.recv(1) == b""
    connection.sendall(REQUEST)
    assert answered(connection)


def test_connections_beyond_the_bound_are_closed_and_take_nobodys_place(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protocol, "HEADERS_TIMEOUT_S", ANSWER_S)
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 2)
    host, _, port = server.endpoints["a"].rpartition(":")
    with ExitStack() as opened:
        few = [opened.enter_context(socket.create_connection((host, int(port)), ANSWER_S)) for _ in range(2)]
        for _ in range(3):
            with socket.create_connection((host, int(port)), ANSWER_S) as another:
                assert closed(another)
        for connection in few:
            connection.sendall(REQUEST)
            assert answered(connection)
    (line,) = told_by(caplog, protocol.__name__)
    assert line.endswith("has 2 connections; more are closed at once")


@pytest.mark.parametrize("ambiguous", [True, False])
def test_a_request_with_two_lengths_is_the_last_of_its_connection(connection: socket.socket, ambiguous: bool) -> None:
    length = b"Content-Length: 5\r\n" if ambiguous else b""
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\n" + length + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    connection.sendall(chunked + REQUEST)
    found = b""
    while part := connection.recv(1 << 16):
        found += part
        if found.count(b"HTTP/1.1 204 ") == 2:
            break
    assert found.count(b"HTTP/1.1 204 ") == (1 if ambiguous else 2)
    assert (b"connection: close" in found.lower()) is ambiguous


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_a_request_to_upgrade_is_answered_as_any(
    connection: socket.socket, caplog: pytest.LogCaptureFixture, protocol: bytes
) -> None:
    connection.sendall(REQUEST[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\n\r\n")
    assert answered(connection)
    assert not unexpected(caplog)


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "speaks HTTP/2 to 127.0.0.1:"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "speaks TLS to 127.0.0.1:"),
    ],
)
def test_who_speaks_another_protocol_is_named_once_and_sent_away(
    server: HttpServer, caplog: pytest.LogCaptureFixture, sent: bytes, named: str
) -> None:
    host, _, port = server.endpoints["a"].rpartition(":")
    for _ in range(3):
        with socket.create_connection((host, int(port)), ANSWER_S) as stranger:
            stranger.sendall(sent)
            assert closed(stranger)
    (line,) = told_by(caplog, protocol.__name__)
    assert named in line
    assert line.startswith("127.0.0.1 ")


def test_a_gRPC_client_is_named(server: HttpServer, caplog: pytest.LogCaptureFixture) -> None:
    with grpc.insecure_channel(server.endpoints["a"]) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")(b"", timeout=ANSWER_S)
    assert "OTLP over gRPC has a port of its own" in caplog.text


def test_a_request_at_work_at_the_end_is_answered_503(
    connection: socket.socket, server: HttpServer, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    connection.sendall(REQUEST.replace(b"/ ", b"/held "))
    assert app.held.wait(ANSWER_S)
    server.shutdown(0.4)
    answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in answer
    assert not [record for record in caplog.records if record.exc_info]


def test_a_server_whose_thread_dies_is_not_well(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def die(*_: object, **__: object) -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr("uvicorn.Server.run", die)
    host = Host(Metrics())
    server = HttpServer(App(), HostPort("127.0.0.1", 0), host, name="a", path="a")
    server.start()
    server.shutdown(5.0)
    assert "ZeroDivisionError: no" in str(host.health()["a-http"])
    assert "a-http has ended by an error" in caplog.text


class Large(App):
    """Answers 64 MiB, in one piece."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Response(bytes(64 << 20))(scope, receive, send)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Is set when the server is done with a connection."""
    lost, told = Event(), protocol.BoundedProtocol.connection_lost

    def tell(self: protocol.BoundedProtocol, exc: Exception | None) -> None:
        told(self, exc)
        lost.set()

    monkeypatch.setattr(protocol.BoundedProtocol, "connection_lost", tell)
    return lost


@pytest.fixture
def large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A connection that has asked for it, of a server that waits so many seconds for a part of it to be read."""
    monkeypatch.setattr(protocol, "READ_ANSWER_TIMEOUT_S", request.param)
    server = HttpServer(Large(), HostPort("127.0.0.1", 0), Host(Metrics()), name="a", path="a", keep_alive_s=1)
    server.start()
    host, _, port = server.endpoints["a"].rpartition(":")
    with socket.create_connection((host, int(port)), ANSWER_S) as connection:
        connection.sendall(REQUEST)
        yield connection
    server.shutdown(5.0)


@pytest.mark.parametrize("large", [0.3], indirect=True)
def test_an_answer_that_nobody_reads_is_broken_off(lost: Event, large: socket.socket) -> None:
    assert lost.wait(ANSWER_S)
    assert received(large) < 64 << 20


@pytest.mark.parametrize("large", [2.0], indirect=True)
def test_an_answer_that_is_read_slowly_arrives_whole(large: socket.socket) -> None:
    found = 0
    for _ in range(6):
        time.sleep(0.4)  # less than is waited for each part, and more for all
        found += received(large, 4 << 20)
    assert found + received(large) > 64 << 20


def received(connection: socket.socket, most: int = 1 << 40) -> int:
    """The bytes until the end of the connection, or about `most`."""
    found = 0
    with suppress(ConnectionError):
        while found < most and (part := connection.recv(1 << 20)):
            found += len(part)
    return found
