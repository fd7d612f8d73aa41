"""A proxy before ClickHouse's HTTP port that fails as it is told; `faults` says in which ways."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_plus

from tests.integration.running import free_port

_RESET = struct.pack("ii", 1, 0)  # closing throws away what was not sent, and says RST
_NOT_FORWARDED = {"connection", "transfer-encoding", "date", "server", "content-length"}


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    protocol_version = "HTTP/1.1"
    server: _Server
    close_connection: bool

    def do_POST(self) -> None:
        proxy = self.server.proxy
        fault = proxy.fault_of(self)
        with suppress(OSError):
            fault(self) if fault else self.answer(*self.forward())

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""

    @property
    def length(self) -> int:
        return int(self.headers.get("Content-Length", 0))

    @property
    def statement(self) -> str:
        """The beginning of what is asked, before anything of the body is taken."""
        head = self.rfile.peek(4096)[:4096] if self.length else b""  # type: ignore[attr-defined]
        return unquote_plus(self.path) + head.decode("utf-8", "replace")

    def forward(self) -> tuple[int, dict[str, str], bytes]:
        """What ClickHouse answers."""
        upstream = HTTPConnection(self.server.proxy.upstream, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_FORWARDED}
            upstream.request(self.command, self.path, self.rfile.read(self.length), headers)
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    def answer(
        self, status: int, headers: dict[str, str], body: bytes, write: Callable[[bytes], object] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _NOT_FORWARDED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        (write or self.wfile.write)(body)

    def error(self, code: int, name: str, status: int = 500) -> None:
        """As ClickHouse says that something is wrong."""
        self.rfile.read(self.length)
        text = f"Code: {code}. DB::Exception: {name.replace('_', ' ').lower()}. ({name}) (version 26.9.2.1)\n"
        self.answer(status, {"X-ClickHouse-Exception-Code": str(code)}, text.encode())

    def reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()


Fault = Callable[[Exchange], None]


def _wrong_password(exchange: Exchange) -> None:
    exchange.error(516, "AUTHENTICATION_FAILED", 403)


def _no_password(exchange: Exchange) -> None:
    exchange.error(194, "REQUIRED_PASSWORD", 401)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], proxy: Proxy) -> None:
        self.proxy = proxy
        self.connections: set[socket.socket] = set()
        super().__init__(address, Exchange)
        if proxy.tls is not None:
            self.socket = proxy.tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self.connections.add(request)
        super().process_request(request, client_address)

    def handle_error(self, *_: object) -> None:
        """A client that goes away is none of ours."""


class Proxy:
    """Listens at `address` and passes to `upstream`; ends TLS with `tls`, wants `credentials` as ClickHouse does."""

    def __init__(
        self, upstream: str, *, tls: ssl.SSLContext | None = None, credentials: tuple[str, str] | None = None
    ) -> None:
        self.upstream = upstream
        self.tls = tls
        self.statements: list[str] = []
        self.lifted = threading.Event()
        self._basic = "Basic " + base64.b64encode(":".join(credentials).encode()).decode() if credentials else None
        self._fault: Fault | None = None
        self._only = ""
        self._left = 0
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._port = free_port()
        self.accept()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def fails(self, fault: Fault, requests: int = 1 << 60, only: str = "") -> None:
        """The next so many requests with `only` in their statement fail in this way."""
        with self._lock:
            self._fault, self._left, self._only = fault, requests, only
            self.lifted.clear()

    def lift(self) -> None:
        with self._lock:
            self._fault = None
            self.lifted.set()

    def refuse(self) -> None:
        """Nobody listens any more, and open connections are reset."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            self.lifted.set()
            for connection in server.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    close = refuse

    def accept(self) -> None:
        """Listens again, at the same port."""
        self._server = _Server(("127.0.0.1", self._port), self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def count(self, text: str) -> int:
        """How many requests with this in their statement came, whatever became of them."""
        return sum(text in statement for statement in self.statements)

    def fault_of(self, exchange: Exchange) -> Fault | None:
        statement = exchange.statement
        given = exchange.headers.get("Authorization")
        with self._lock:
            self.statements.append(statement)
            if self._basic is not None and given != self._basic:
                return _wrong_password if given else _no_password
            if self._fault is None or self._left == 0 or self._only not in statement:
                return None
            self._left -= 1
            return self._fault
