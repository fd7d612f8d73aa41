"""Turns of a session as they arrive, as server-sent events that resume where a connection broke."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from otel_sessions.errors import Retryable
from otel_sessions.extensions.web.api.operation import Call, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import Preview
from otel_sessions.extensions.web.api.sessions import SESSION, check_session
from otel_sessions.queries import detail, shapes
from otel_sessions.queries.follow import Seen
from otel_sessions.queries.paging import MAX_LIMIT, decode, encode
from otel_sessions.queries.rows import Row

POLL_S: Final = 0.7
HEARTBEAT_S: Final = 15.0
MAX_STREAMS: Final = 200
_REMEMBERED: Final = 256


class Events(Parameters):
    from_: Annotated[Literal["start"] | None, Field(alias="from")] = None
    preview: Preview = None


class Streams:
    """The readers that there are, and what those who left a moment ago have had."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, Seen] = OrderedDict()
        self._count = 0

    async def open(self, call: Call[Events, None]) -> Response:
        """Raises `Retryable` where too many read, `CursorError` for a `Last-Event-ID` that no event had."""
        if self._count >= MAX_STREAMS:
            raise Retryable(f"{MAX_STREAMS} readers follow sessions already", retry_after=5.0)
        list_ = ["events", call.project, call.session_id]
        last = call.headers.get("last-event-id", "")
        place = decode(list_, last) if last else None
        await call.store.run(lambda client: check_session(client, call.project, call.session_id))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        body = self._events(call, list_, place)
        return StreamingResponse(body, headers=headers, media_type="text/event-stream")

    async def _events(
        self, call: Call[Events, None], list_: list[str], place: list[Any] | None
    ) -> AsyncIterator[bytes]:
        self._count += 1
        reader = secrets.token_hex(8)
        try:
            sent = await self._begin(call, place)
            self._left[reader] = sent
            yield b"retry: 1000\n\n"
            is_first, said = True, time.monotonic()
            while not call.is_stopping():
                async for turns in _turns(call):
                    for turn in sent.news(turns, at_once=is_first):
                        id_ = encode(list_, [turn["StartTime"], turn["TraceId"], reader])
                        body = orjson.dumps(shapes.turn(turn, call.parameters.preview))
                        yield b"id: " + id_.encode() + b"\nevent: turn\ndata: " + body + b"\n\n"
                        said = time.monotonic()
                if time.monotonic() - said > HEARTBEAT_S:
                    yield b": still here\n\n"
                    said = time.monotonic()
                is_first = False
                await asyncio.sleep(POLL_S)
        finally:
            self._count -= 1
            while len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)

    async def _begin(self, call: Call[Events, None], place: list[Any] | None) -> Seen:
        """What the reader has had before."""
        if place is not None:
            known = self._left.get(place[2])
            if known is not None:
                return known.copy()
            until = (place[0], place[1])
        elif call.parameters.from_ == "start":
            return Seen()
        else:
            until = ("9", "")
        sent = Seen()
        async for turns in _turns(call):
            sent.add(turn for turn in turns if (turn["StartTime"], turn["TraceId"]) <= until)
        return sent


async def _turns(call: Call[Events, None]) -> AsyncIterator[list[Row]]:
    place: dict[str, Any] = {"project": call.project, "session_id": call.session_id}
    cursor: str | None = None
    while True:
        page = await call.store.run(partial(detail.list_traces, limit=MAX_LIMIT, cursor=cursor, **place))
        yield page.rows
        cursor = page.next_cursor
        if cursor is None:
            return


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
