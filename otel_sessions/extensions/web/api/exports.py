"""A session whole, streamed: its spans, or its transcript. Memory stays flat, whatever its size.

An export that breaks off ends its connection without the last chunk, which every HTTP client reports; as
`application/x-ndjson` it says `complete` or `error` at its end.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from starlette.responses import Response, StreamingResponse

from otel_sessions.extensions.web.api.operation import Call, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import Preview
from otel_sessions.extensions.web.api.sessions import SESSION, check_session
from otel_sessions.extensions.web.problems import problem
from otel_sessions.queries import detail, export, shapes, transcript
from otel_sessions.queries.export import Piece
from otel_sessions.queries.rows import Row, as_json

Format = Literal["jsonl", "csv", "parquet", "md", "messages"]
FRAMES: Final = "application/x-ndjson"
MEDIA_TYPES: Final[dict[str, str]] = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "md": "text/markdown; charset=utf-8",
    "messages": "application/jsonl",
}


class Export(Parameters):
    format: Format = "jsonl"
    preview: Preview = None


async def export_session(call: Call[Export, None]) -> Response:
    await call.store.run(lambda client: check_session(client, call.project, call.session_id))
    format_ = call.parameters.format
    framed = format_ == "jsonl" and FRAMES in call.headers.get("accept", "")
    body = {
        "jsonl": partial(_frames if framed else _lines, call),
        "csv": partial(_csv, call),
        "parquet": partial(_parquet, call),
        "md": partial(_transcript, call, transcript.markdown),
        "messages": partial(_messages, call),
    }[format_]
    ending = "jsonl" if format_ == "messages" else format_
    name = quote(f"{call.session_id[:100]}.{ending}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(body(), headers=headers, media_type=FRAMES if framed else MEDIA_TYPES[format_])


async def _pieces(call: Call[Export, None]) -> AsyncIterator[Piece]:
    """All pieces of the session, each asked for when the one before has gone out."""
    place: dict[str, Any] = {"project": call.project, "session_id": call.session_id}
    last: Row | None = None
    while turns := await call.store.run(partial(export.turns_of, after=last, **place)):
        last = turns[-1]
        for whole in export.pieces(turns):
            piece: Piece | None = whole
            while piece is not None:
                yield piece
                rest = partial(export.next_piece, piece=piece, **place)
                piece = await call.store.run(rest) if len(piece.trace_ids) == 1 else None


async def _spans(call: Call[Export, None]) -> AsyncIterator[list[Row]]:
    place: dict[str, Any] = {"project": call.project, "session_id": call.session_id}
    async for piece in _pieces(call):
        rows = await call.store.run(partial(export.spans, piece=piece, **place))
        yield [shapes.turn(detail.shown_span(row), call.parameters.preview) for row in rows]


async def _lines(call: Call[Export, None]) -> AsyncIterator[bytes]:
    async for spans in _spans(call):
        yield b"".join(orjson.dumps(span) + b"\n" for span in spans)


async def _frames(call: Call[Export, None]) -> AsyncIterator[bytes]:
    count = 0
    try:
        async for spans in _spans(call):
            count += len(spans)
            yield b"".join(orjson.dumps({"result": span}) + b"\n" for span in spans)
    except Exception as error:  # noqa: BLE001 - what went wrong is the last frame
        yield b'{"error":' + bytes(problem(error).body) + b"}\n"
        return
    yield orjson.dumps({"complete": {"spans": count}}) + b"\n"


async def _csv(call: Call[Export, None]) -> AsyncIterator[bytes]:
    place: dict[str, Any] = {"project": call.project, "session_id": call.session_id}
    names = await call.store.run(export.columns)
    format_ = "CSVWithNames"
    async for piece in _pieces(call):
        yield await call.store.run(partial(export.formatted, piece=piece, names=names, format_=format_, **place))
        format_ = "CSV"


async def _parquet(call: Call[Export, None]) -> AsyncIterator[bytes]:
    place: dict[str, Any] = {"project": call.project, "session_id": call.session_id}
    names = await call.store.run(export.columns)
    out = _Drained()
    writer: pq.ParquetWriter | None = None
    async for piece in _pieces(call):
        stream = await call.store.run(
            partial(export.formatted, piece=piece, names=names, format_="ArrowStream", **place)
        )
        table = pa.ipc.open_stream(stream).read_all()
        writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd")
        writer.write_table(table)
        yield out.drain()
    if writer is not None:
        writer.close()
    yield out.drain()


class _Drained(io.RawIOBase):
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def drain(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


async def _turns(call: Call[Export, None]) -> AsyncIterator[Sequence[Row]]:
    place: dict[str, Any] = {"project": call.project, "session_id": call.session_id}
    cursor: str | None = None
    while True:
        page = await call.store.run(partial(detail.list_traces, limit=200, cursor=cursor, **place))
        yield page.rows
        cursor = page.next_cursor
        if cursor is None:
            return


async def _transcript(call: Call[Export, None], shown: Any) -> AsyncIterator[bytes]:
    yield transcript.heading(call.session_id).encode()
    number = 0
    async for turns in _turns(call):
        for turn in turns:
            number += 1
            yield shown(as_json(turn), number).encode()
    yield transcript.end(number).encode()


async def _messages(call: Call[Export, None]) -> AsyncIterator[bytes]:
    """One line: what begins it, the messages as they are read, what ends it."""
    yield b'{"session_id":' + orjson.dumps(call.session_id) + b',"messages":['
    separator = b""
    async for turns in _turns(call):
        for message in _of(turns):
            yield separator + orjson.dumps(message)
            separator = b","
    yield b"]}\n"


def _of(turns: Sequence[Row]) -> Iterator[Row]:
    for turn in turns:
        yield from transcript.messages(turn)


OPERATIONS = (
    Operation(
        "GET",
        f"{SESSION}/export",
        "Export it whole",
        "sessions",
        stream=export_session,
        parameters=Export,
        answers=("application/jsonl", FRAMES, "text/csv", MEDIA_TYPES["parquet"], "text/markdown"),
    ),
)
