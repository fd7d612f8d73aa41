"""HTTP/1.1 as uvicorn speaks it, with a limit to how long a client may take to make a request."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_TIMEOUT_S: Final = 30.0
"""For the headers of a request, from the opening of its connection or from its first byte."""


_AUTHORITY: Final = re.compile(rb"https?://[^/]*", re.IGNORECASE)


class Requests:
    """Gives `app` its requests as RFC 9112 has them, where uvicorn does not.

    A target may name the host, as in `POST http://host/path` (3.2.2). A request with both `Content-Length` and
    `Transfer-Encoding` is the last of its connection: who stands between may see its end elsewhere (6.3).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope["headers"]}
        if b"transfer-encoding" in names and b"content-length" in names:
            send = _last(send)
        if not scope["path"].startswith("/"):
            scope = _origin_form(scope)
        await self._app(scope, receive, send)


def _last(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return sending


def _origin_form(scope: Scope) -> Scope:
    authority = _AUTHORITY.match(scope["raw_path"])
    if authority is None:
        return scope
    raw = scope["raw_path"][authority.end() :] or b"/"
    return {**scope, "raw_path": raw, "path": unquote(raw.decode("ascii"))}


class BoundedProtocol(H11Protocol):
    """Closes a connection that sends nothing, or a few bytes now and then, and no request.

    How long a body takes is for the application to bound; one that nobody reads any more has the same limit.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.app = Requests(self.app)
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._at_work():
            self._unwatch()
        elif not self.transport.is_closing():
            self._watch()

    def _should_upgrade(self) -> bool:
        """Never, and without a word: Java's client asks for HTTP/2 with its every first request."""
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
