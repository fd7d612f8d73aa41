# SPDX-License-Identifier: Apache-2.0
"""Turns of a session as they arrive, as server-sent events that resume where a connection broke."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Final, Literal
from weakref import WeakSet

import orjson
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from otel_sessions.clickhouse.surface import Client
from otel_sessions.config.typed import fault_error
from otel_sessions.errors import OtelSessionsError, Retryable
from otel_sessions.extensions.web.api.operation import Call, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import Preview
from otel_sessions.extensions.web.api.sessions import SESSION, check_session
from otel_sessions.http.answers import SMALL, hold, in_pieces, next_held, release
from otel_sessions.queries import shapes
from otel_sessions.queries.paging import CursorError
from otel_sessions.queries.watch import Watch

HEARTBEAT_S: Final = 15.0
MAX_STREAMS: Final = 200


class Events(Parameters):
    from_: Annotated[Literal["start"] | None, Field(alias="from")] = None
    preview: Preview = None


class Streams:
    """Opens streams of events, of so many readers at most, those included whose first look is not over."""

    def __init__(self) -> None:
        self._readers: WeakSet[Watch] = WeakSet()

    async def open(self, call: Call[Events, None]) -> Response:
        """What is there is looked at before the answer begins, so that all that comes later is told.

        Raises `Retryable` where too many read, before anything is looked at, and a `ValidationError` that names the
        header for a `Last-Event-ID` that no event had.
        """
        if len(self._readers) >= MAX_STREAMS:
            raise Retryable(f"{MAX_STREAMS} readers follow sessions already", retry_after=5.0)
        last = call.headers.get("last-event-id", "")
        try:
            watch = Watch(call.project, call.session_id, after=last, from_start=call.parameters.from_ == "start")
        except CursorError as error:
            raise fault_error("Last-Event-ID", str(error)) from error
        self._readers.add(watch)

        def begin(client: Client) -> bytes:
            check_session(client, call.project, call.session_id)
            return _told(client, watch, call.parameters.preview)

        try:
            first = await call.store.run(begin)
        except BaseException:
            self._readers.discard(watch)
            raise
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(call, watch, first), headers=headers, media_type="text/event-stream")

    async def _events(self, call: Call[Events, None], watch: Watch, first: bytes) -> AsyncIterator[bytes]:
        """The bytes of the stream, until the service stops or ClickHouse cannot be read; browsers come back and go on.
        What is told is counted among what clients leave unread."""
        took = 0.0

        async def following() -> bytes:
            nonlocal took
            began = time.monotonic()
            told = await call.store.run(lambda client: _told(client, watch, call.parameters.preview))
            took = time.monotonic() - began
            return told

        try:
            yield b"retry: 1000\n\n"
            told, said = first, time.monotonic()
            del first
            await hold(len(told))
            while not call.is_stopping():
                if not told and time.monotonic() - said > HEARTBEAT_S:
                    told = b": still here\n\n"
                if told:
                    for part in in_pieces(told):
                        yield part
                    said, told, part = time.monotonic(), b"", b""
                release()
                await asyncio.sleep(watch.pause_after(took))
                told = await next_held(following, SMALL)
        except OtelSessionsError as error:
            yield f": {type(error).__name__}, come back\n\n".encode()
        finally:
            self._readers.discard(watch)


def _told(client: Client, watch: Watch, preview: int | None) -> bytes:
    """What the reader has not had, as events."""
    events = bytearray()
    for arrival in watch.look(client):
        body = orjson.dumps(shapes.turn(arrival.turn, preview))
        events += b"id: " + arrival.id.encode() + b"\nevent: turn\ndata: " + body + b"\n\n"
    return bytes(events)


_STREAMS = Streams()
OPERATIONS = (
    Operation(
        "GET",
        f"{SESSION}/events",
        "Follow its turns as they arrive",
        "sessions",
        stream=_STREAMS.open,
        parameters=Events,
        answers=("text/event-stream",),
    ),
)
