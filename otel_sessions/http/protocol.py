# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as uvicorn speaks it, with limits to how long a client may take to make a request and to read an answer.

`H11Protocol` is uvicorn's own ground: the version is pinned, and tests/http/test_private_ground.py says what is used.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from otel_sessions.footprint import one_request
from otel_sessions.http.answers import Answer
from otel_sessions.telemetry import Intervals

HEADERS_TIMEOUT_S: Final = 30.0
"""How long a client may take for the headers of a request, from the opening of its connection or from its first byte.
"""

MAX_CONNECTIONS: Final = 2048
"""Connections of one listener; those beyond are closed at once, so that the queue on disk still has files to open."""
READ_ANSWER_TIMEOUT_S: Final = 60.0
"""How long a client may take to read some more of an answer."""
_logger = logging.getLogger(__name__)
_notices: Final = Intervals()
_STRANGERS: Final = {
    b"\x16\x03": ("TLS", "there is none here: send to http://, or set `tls` for this endpoint"),
    b"PRI * H": ("HTTP/2", "HTTP/1.1 is spoken here: OTLP over gRPC has a port of its own, 4317 by default"),
}
"""How the first bytes of other protocols begin, their names, and what to do."""
_SHUTTING_DOWN: Final = Response("the service is shutting down\n", 503, {"retry-after": "1"}, "text/plain")
_AUTHORITY: Final = re.compile(rb"https?://[^/]*", re.IGNORECASE)


class Requests:
    """Gives `app` its requests as RFC 9112 has them, where uvicorn does not.

    A target may name the host, as in `POST http://host/path` (3.2.2). A request with both `Content-Length` and
    `Transfer-Encoding` is the last of its connection: who stands between may see its end elsewhere (6.3). One that is
    still at work when the server's time to stop is over is answered 503. `cut` ends the connection; any thread may
    call it.
    """

    def __init__(self, app: ASGIApp, cut: Callable[[], object]) -> None:
        self._app = app
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope["headers"]}
        is_last = b"transfer-encoding" in names and b"content-length" in names
        if not scope["path"].startswith("/") and (authority := _AUTHORITY.match(scope["raw_path"])):
            raw = scope["raw_path"][authority.end() :] or b"/"
            scope = {**scope, "raw_path": raw, "path": unquote(raw.decode("ascii"))}
        answer = Answer(send, self._cut)

        async def sending(message: Message) -> None:
            if is_last and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await answer(message)

        try:
            with one_request():
                await self._app(scope, receive, sending)
        except asyncio.CancelledError:  # uvicorn does so, and would log it as an error of the application
            if not answer.has_begun:
                await _SHUTTING_DOWN(scope, receive, sending)
        finally:
            answer.leave()


class BoundedProtocol(H11Protocol):
    """Closes a connection that makes no request, leaves its answer unread, or is one too many.

    A client that sends nothing, or a few bytes now and then, is one; so is one that speaks another protocol, which the
    log names. How long a body takes is for the application to bound; one that nobody reads any more has the same limit.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.app = Requests(self.app, lambda: self.loop.call_soon_threadsafe(self.transport.abort))
        self._timer: asyncio.TimerHandle | None = None
        self._draining: asyncio.TimerHandle | None = None
        self._is_new = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            if _notices.due(f"connections {self._here()}"):
                _logger.warning("%s has %d connections; more are closed at once", self._here(), MAX_CONNECTIONS)
            self.transport.abort()
            return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        self._stop_draining()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_new:
            self._is_new = False
            if told := next((told for start, told in _STRANGERS.items() if data.startswith(start)), None):
                name, advice = told
                client = self.client[0] if self.client else "somebody"
                if _notices.due(f"{client} {name} {self._here()}"):
                    _logger.warning("%s speaks %s to %s: %s", client, name, self._here(), advice)
                self.transport.close()
                return
        super().data_received(data)
        if self._at_work():
            self._unwatch()
        elif not self.transport.is_closing():
            self._watch()

    def pause_writing(self) -> None:
        """Called by the event loop when more of an answer waits than the connection takes at a time."""
        super().pause_writing()
        self._expect_progress(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._stop_draining()
        super().resume_writing()

    def _expect_progress(self, waiting: int) -> None:
        """Breaks the connection off unless fewer than so many bytes wait when the time is over."""

        def look() -> None:
            left = self.transport.get_write_buffer_size()
            if left < waiting:
                self._expect_progress(left)
            else:
                self.transport.abort()

        self._draining = self.loop.call_later(READ_ANSWER_TIMEOUT_S, look)

    def _stop_draining(self) -> None:
        timer, self._draining = self._draining, None
        if timer is not None:
            timer.cancel()

    def _here(self) -> str:
        return ":".join(map(str, self.server or ()))

    def _should_upgrade(self) -> bool:
        """Returns False and logs nothing: Java's client asks for HTTP/2 with its every first request."""
        return False

    def _at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEADERS_TIMEOUT_S, self._close)

    def _unwatch(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _close(self) -> None:
        self._timer = None
        if not self._at_work():
            self.transport.close()
