"""The proxy fails as it was told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.integration import faults
from tests.integration.faulty import Fault, Proxy
from tests.integration.running import wait_until


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"
    received = 0

    def do_POST(self) -> None:
        type(self).received += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    proxy = Proxy(f"127.0.0.1:{server.server_address[1]}")
    Echo.received = 0
    yield proxy
    proxy.close()
    server.shutdown()
    server.server_close()


def ask(proxy: Proxy, body: bytes = b"SELECT 1", **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection(proxy.address, timeout=60)
    try:
        connection.request("POST", "/?query=", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_passes_what_it_is_asked(proxy: Proxy) -> None:
    assert ask(proxy) == (200, b"SELECT 1")
    assert proxy.count("SELECT 1") == 1


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (faults.resets(), 0),
        (faults.resets(after=4), 0),
        (faults.half_closes, 0),
        (faults.hangs, 0),
        (faults.loses_the_answer, 1),
        (faults.cuts_the_answer, 1),
        (faults.drips(0.1), 1),
    ],
)
def test_a_fault_strikes_as_often_as_it_is_told(proxy: Proxy, fault: Fault, arrives: int) -> None:
    proxy.fails(fault, requests=1, only="SELECT 2")
    assert ask(proxy)[0] == 200
    if fault is faults.hangs:
        threading.Thread(target=lambda: wait_until(lambda: proxy.count("SELECT 2")) and proxy.lift()).start()
    if arrives and fault not in (faults.loses_the_answer, faults.cuts_the_answer):
        assert ask(proxy, b"SELECT 2")[0] == 200
    else:
        with pytest.raises((OSError, HTTPException)):
            ask(proxy, b"SELECT 2")
    assert Echo.received == 1 + arrives
    assert ask(proxy, b"SELECT 2")[0] == 200


def test_an_error_is_ClickHouses(proxy: Proxy) -> None:
    proxy.fails(faults.answers(252, "TOO_MANY_PARTS"))
    status, body = ask(proxy)
    assert (status, body[:34]) == (500, b"Code: 252. DB::Exception: too many")
    proxy.lift()
    assert ask(proxy)[0] == 200


def test_who_is_refused_may_come_back(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionError):
        ask(proxy)
    proxy.accept()
    assert ask(proxy)[0] == 200


def test_it_wants_its_credentials(proxy: Proxy) -> None:
    guarded = Proxy(proxy.upstream, credentials=("me", "secret"))
    assert ask(guarded)[0] == 401
    assert ask(guarded, Authorization="Basic bWU6d3Jvbmc=")[0] == 403
    assert ask(guarded, Authorization="Basic bWU6c2VjcmV0")[0] == 200
    guarded.close()
