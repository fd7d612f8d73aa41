"""Request bodies, read within bounds of size, memory and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import Request

from otel_sessions.errors import Retryable
from otel_sessions.http.content_encoding import over

READ_TIMEOUT_S: Final = 30.0


class SlowBody(Retryable):
    """The body was not there in `READ_TIMEOUT_S` seconds."""


class Bodies:
    """Reads bodies of at most so many bytes together; all calls are of one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes

    @asynccontextmanager
    async def read(self, request: Request, limit: int) -> AsyncIterator[bytes]:
        """The body, which counts until the block ends.

        Raises `TooLarge` for more than `limit` bytes, and for a header that announces them; `Retryable` when there is
        no room; `SlowBody`; Starlette's `ClientDisconnect`.
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            raise over(limit)
        body = await self._collected(request, limit)
        try:
            yield body
        finally:
            self._left += len(body)

    async def _collected(self, request: Request, limit: int) -> bytes:
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                await self._collect(request, limit, parts)
        except BaseException as error:
            self._left += sum(map(len, parts))
            if isinstance(error, TimeoutError):
                raise SlowBody(f"the request was not there after {READ_TIMEOUT_S:g} s") from None
            raise
        return b"".join(parts)

    async def _collect(self, request: Request, limit: int, parts: list[bytes]) -> None:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise over(limit)
            if len(chunk) > self._left:
                raise Retryable("too many requests are being read")
            self._left -= len(chunk)
            parts.append(chunk)
