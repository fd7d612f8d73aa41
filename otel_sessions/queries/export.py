# SPDX-License-Identifier: Apache-2.0
"""A session whole, in pieces of bounded size: its spans, or what was said. Memory stays flat, whatever its size."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.errors import reading
from otel_sessions.queries import keyed, shapes, transcript
from otel_sessions.queries.detail import shown_span
from otel_sessions.queries.paging import MAX_LIMIT
from otel_sessions.queries.rows import Row, composed, select
from otel_sessions.queries.spoken import spoken

Format = Literal["jsonl", "csv", "parquet", "md", "messages"]
SPANS_A_PIECE: Final = 2_000
_TEXTS: Final = frozenset({"String", "LowCardinality(String)"})
_INERT: Final = "if(match(`{0}`, '^[-=+@\\\\t\\\\r]'), concat('\\'', `{0}`), toString(`{0}`)) AS `{0}`"
"""A text as a cell, by its column: what begins as formulas do has a quote before it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The session to export, and where it is; `preview` cuts texts, but those of columns."""

    client: Client
    project: str
    session_id: str
    preview: int | None = None

    def parameters(self, **more: Any) -> dict[str, Any]:
        return {"project": self.project, "session_id": self.session_id, **more}


def export(of: Exported, format_: Format) -> Iterator[bytes]:
    """The session in this format, piece by piece; nothing of a session that is not there."""
    yield from _FORMATS[format_](of)


def spans(of: Exported) -> Iterator[list[Row]]:
    """Its spans in the members of REST, turn by turn, each turn by time; of one with very many, by their ids."""
    for piece in _pieces(of):
        rows = keyed.select(of.client, "export_spans", of.parameters(**piece), COLUMNS="*")
        yield [shapes.turn(shown_span(row), of.preview) for row in rows]


def _pieces(of: Exported) -> Iterator[Mapping[str, Any]]:
    """Some turns whole, or some spans of one that has more: parameters of `export_spans`."""
    for trace_ids, count in _together(of):
        behind: str | None = ""
        while behind is not None:
            piece = {"trace_ids": trace_ids, "behind": behind, "limit": SPANS_A_PIECE}
            yield piece
            behind = None
            if count >= SPANS_A_PIECE:
                (last,) = keyed.select(of.client, "export_last", of.parameters(**piece))
                behind = str(last["Last"]) if last["Count"] >= SPANS_A_PIECE else None


def _together(of: Exported) -> Iterator[tuple[list[str], int]]:
    """Turns by their start, so many together that they have `SPANS_A_PIECE` spans, and how many they have."""
    trace_ids: list[str] = []
    count = 0
    for turn in _turn_ids(of):
        if trace_ids and count + turn["SpanCount"] > SPANS_A_PIECE:
            yield trace_ids, count
            trace_ids, count = [], 0
        trace_ids.append(turn["TraceId"])
        count += turn["SpanCount"]
    if trace_ids:
        yield trace_ids, count


def _turn_ids(of: Exported) -> Iterator[Row]:
    place = {"time": "1900-01-01 00:00:00", "trace_id": ""}
    while rows := keyed.select(of.client, "export_turns", of.parameters(**place, limit=MAX_LIMIT)):
        yield from rows
        place = {"time": rows[-1]["StartTime"], "trace_id": rows[-1]["TraceId"]}


def _columns(client: Client) -> dict[str, str]:
    """The columns of `session_spans`, with their types."""
    return {str(row["name"]): str(row["type"]) for row in select(client, "export_columns", {})}


def _formatted(of: Exported, piece: Mapping[str, Any], sql: str, format_: str) -> bytes:
    parameters = of.parameters(**piece)
    keyed_sql = keyed.by_key(of.client, sql, parameters)
    with reading():
        body: bytes = of.client.raw_query(keyed_sql, parameters=parameters, fmt=format_)
    return body


def _listed(columns: Iterable[str]) -> str:
    return composed("export_spans", COLUMNS=", ".join(f"`{name}`" for name in columns))


def _jsonl(of: Exported) -> Iterator[bytes]:
    for piece in spans(of):
        yield b"".join(orjson.dumps(span) + b"\n" for span in piece)


def _csv(of: Exported) -> Iterator[bytes]:
    """Texts that a spreadsheet would take for formulas have a single quote before them."""
    columns, format_ = _columns(of.client), "CSVWithNames"
    inert = (_INERT.format(name) if type_ in _TEXTS else f"`{name}`" for name, type_ in columns.items())
    sql = composed("export_inert", COLUMNS=", ".join(inert), SPANS=_listed(columns))
    for piece in _pieces(of):
        yield _formatted(of, piece, sql, format_)
        format_ = "CSV"


def _parquet(of: Exported) -> Iterator[bytes]:
    sql, out = _listed(_columns(of.client)), _Drained()
    writer: pq.ParquetWriter | None = None
    for piece in _pieces(of):
        table = pa.ipc.open_stream(_formatted(of, piece, sql, "ArrowStream")).read_all()
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


def _markdown(of: Exported) -> Iterator[bytes]:
    yield transcript.heading(of.session_id).encode()
    number = 0
    for number, (turn, said) in enumerate(spoken(of.client, project=of.project, session_id=of.session_id), 1):
        yield transcript.markdown(turn, number, said, of.preview).encode()
    yield transcript.end(number).encode()


def _messages(of: Exported) -> Iterator[bytes]:
    """One line: what begins it, the messages as they are read, what ends it."""
    yield b'{"session_id":' + orjson.dumps(of.session_id) + b',"messages":['
    separator = b""
    for turn, said in spoken(of.client, project=of.project, session_id=of.session_id):
        for message in transcript.messages(turn, said, of.preview):
            yield separator + orjson.dumps(message)
            separator = b","
    yield b"]}\n"


_FORMATS: Final[Mapping[str, Callable[[Exported], Iterator[bytes]]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
    "md": _markdown,
    "messages": _messages,
}
