"""Every HTTP endpoint closes the connections of those who make no request, or an ambiguous one, and no others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from starlette.responses import Response

from otel_sessions.http import protocol
from otel_sessions.http.server import HttpServer
from otel_sessions.types import HostPort

ANSWER_S = 60
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class App:
    """Answers 204, and never reads a body; `/held` when it is `released`."""

    def __init__(self) -> None:
        self.released = Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while scope["path"] == "/held" and not self.released.is_set():
            await asyncio.sleep(0.01)
        await Response(status_code=204)(scope, receive, send)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def server(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    monkeypatch.setattr(protocol, "HEADERS_TIMEOUT_S", 0.3)
    server = HttpServer(app, HostPort("127.0.0.1", 0), name="a", path="a", keep_alive_s=ANSWER_S)
    server.start()
    yield server
    server.shutdown(5.0)


@pytest.fixture
def connection(server: HttpServer) -> Iterator[socket.socket]:
    host, _, port = server.endpoints["a"].rpartition(":")
    with socket.create_connection((host, int(port)), ANSWER_S) as connection:
        yield connection


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
    assert not caplog.records
