"""Request bodies as JSON, read within bounds."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request

from otel_sessions.errors import InvalidData
from otel_sessions.http.body import Bodies
from otel_sessions.http.content_encoding import ContentEncoding

MAX_BODY: Final = 4 << 20
"""Bytes of a request, after decompression; the SDKs send 1 MiB at most."""
_READ_BODIES: Final = 8


class JsonBodies:
    """Reads bodies of at most `limit` bytes, a few at a time; all calls are of one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = min(limit, MAX_BODY)
        self._bodies = Bodies(_READ_BODIES * self._limit)

    async def read(self, request: Request) -> Any:
        """Raises `TooLarge`, `Retryable`, `InvalidData` for what is no JSON; Starlette's `ClientDisconnect`."""
        encoding = ContentEncoding(request.headers.get("content-encoding", ""))
        async with self._bodies.read(request, encoding.most(self._limit)) as body:
            return parsed(encoding.decoded(body, self._limit))

    async def pass_over(self, request: Request) -> None:
        """Reads a body that nobody wants; raises as `read`."""
        async with self._bodies.read(request, self._limit):
            pass


def parsed(body: bytes) -> Any:
    """Text that is no Unicode is kept, so that it costs only the event that it is in."""
    try:
        return json.loads(body)
    except RecursionError:
        raise InvalidData("the body is nested too deep") from None
    except ValueError as error:
        raise InvalidData(f"the body is not JSON: {error}") from error
