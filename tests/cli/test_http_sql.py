"""What ClickHouse may answer over HTTP, said by a small server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from otel_sessions.cli import http_sql
from otel_sessions.clickhouse.at_once import at_once, lend
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.errors import QueryError, Retryable

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def server() -> Iterator[Callable[[Answer], Endpoint]]:
    """Starts a server that gives one answer; returns where."""
    running: list[HTTPServer] = []

    def start(answer: Answer) -> Endpoint:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                answer(self)
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        running.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=running[0].serve_forever, daemon=True).start()
        return Endpoint("http", "otel", host="127.0.0.1", port=running[0].server_port, user="ä", password="p")

    yield start
    for each in running:
        each.shutdown()
        each.server_close()


def answer(status: int, body: bytes, headers: dict[str, str] | None = None, *, end: bytes = b"0\r\n\r\n") -> Answer:
    """In chunks; without an `end` the answer breaks off."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Transfer-Encoding": "chunked", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        for start in range(0, len(body), 10_000):
            piece = body[start : start + 10_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(end)

    return write


def outcome(endpoint: Endpoint) -> tuple[bytes, Exception | None]:
    """What came before the error, if there was one."""
    found = b""
    try:
        for piece in http_sql.run(endpoint, "SELECT 1", "TSV"):
            found += piece
    except (QueryError, Retryable) as error:
        return found, error
    return found, None


@pytest.mark.parametrize("size", [0, 1, 32_768, 32_769, 200_000])
def test_a_result_of_any_size_comes_whole(server: Callable[[Answer], Endpoint], size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    assert outcome(server(answer(200, body))) == (body, None)


@pytest.mark.parametrize("rows", [b"", b"1\n2\n", b"x" * 100_000])
def test_a_failure_after_the_result_began_is_raised_and_not_passed_on(
    server: Callable[[Answer], Endpoint], rows: bytes
) -> None:
    message = b"Code: 395. DB::Exception: Value is non-zero"
    tail = b"\r\n__exception__\r\nabcdef\r\n" + message + b"\r\n43 abcdef\r\n__exception__\r\n"
    found, error = outcome(server(answer(200, rows + tail, {"X-ClickHouse-Exception-Tag": "abcdef"}, end=b"")))
    assert found == rows
    assert isinstance(error, QueryError)
    assert str(error) == message.decode()


def test_a_result_that_breaks_off_is_an_error(server: Callable[[Answer], Endpoint]) -> None:
    found, error = outcome(server(answer(200, b"1\n", end=b"")))
    assert found == b"1\n"
    assert isinstance(error, QueryError)


def test_a_refusal_is_said_in_the_words_of_clickhouse(server: Callable[[Answer], Endpoint]) -> None:
    found, error = outcome(server(answer(404, b"Code: 60. No table\n", {"X-ClickHouse-Exception-Code": "60"})))
    assert found == b""
    assert isinstance(error, QueryError)
    assert str(error) == "Code: 60. No table"


def test_what_is_no_clickhouse_is_not_reached(server: Callable[[Answer], Endpoint]) -> None:
    _, error = outcome(server(answer(502, b"bad gateway")))
    assert isinstance(error, Retryable)
    assert "502" in str(error)


def test_ctrl_c_waits_for_no_statement_beside() -> None:
    endpoint = Endpoint("http", "otel", host="127.0.0.1", port=1)
    client: Any = http_sql.Reader(endpoint)
    lend(client, http_sql.Beside(endpoint))
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def is_interrupted(_: object) -> None:
        assert begun.wait(20)
        raise KeyboardInterrupt

    def is_slow(_: object) -> None:
        begun.set()
        go_on.wait(20)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        at_once(client, is_interrupted, is_slow)
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(20)
