# SPDX-License-Identifier: Apache-2.0
"""A session whole, in pieces of bounded size: its spans, or what was said. Memory stays flat, whatever its size."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from otel_sessions.clickhouse.chunks import bounded
from otel_sessions.clickhouse.errors import reading
from otel_sessions.genai.messages import Message
from otel_sessions.queries import keyed, shapes, transcript
from otel_sessions.queries.members import AS_REST, span_members
from otel_sessions.queries.rows import Row, composed, rows_of, select
from otel_sessions.queries.spans import beginnings, columns, shown_span
from otel_sessions.queries.spoken import spoken

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

Format = Literal["jsonl", "csv", "parquet", "md", "messages"]
PIECE: Final = 8 * 2**20
"""Bytes, as the database answers them, that are read at once, about."""
SPANS_BY_TIME: Final = 32_000
"""Spans of a session whose turns are exported in the order of their starts; of one with more, in that of their ids."""
_TURNS_AT_ONCE: Final = 10_000
_FIRST: Final = {"time": -1, "span_id": ""}
_LAST: Final = {"last_time": 2**63 - 1, "last_span": "~"}
"""Before and behind all spans, by their start (ns) and hexadecimal id."""
_UNCOMPRESSED: Final = {"output_format_arrow_compression_method": "none"}
"""So that the bytes of an answer say what it takes in memory."""
_ROW_GROUP: Final = 32 * 2**20
"""Bytes of columns that are written to Parquet together: of each group its end says something."""
_BUNDLE: Final = 2**16
"""Bytes of what was said that go out together."""
_TEXTS: Final = frozenset({"String", "LowCardinality(String)"})
_INERT: Final = "if(match(`{0}`, '^[-=+@\\\\t\\\\r]'), concat('\\'', `{0}`), toString(`{0}`)) AS `{0}`"
"""A text as a cell, by its column: what begins as formulas do has a quote before it."""


Piece = Mapping[str, Any]
"""Parameters of `export_spans`: some turns, and between which spans."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The session to export, and where it is; `preview` cuts texts, but those of columns."""

    client: Client
    project: str
    session_id: str
    preview: int | None = None

    def parameters(self, **more: Any) -> dict[str, Any]:
        return {"project": self.project, "session_id": self.session_id, **more}


class _Pace:
    """How many spans are read at once, by how large those before were."""

    FIRST, MOST = 100, 16_000

    def __init__(self) -> None:
        self.spans = self.FIRST

    def note(self, spans: int, nbytes: int) -> None:
        self.spans = max(1, min(self.MOST, 4 * self.spans, spans * PIECE // max(nbytes, 1)))


def export(of: Exported, format_: Format) -> Iterator[bytes]:
    """The session in this format, piece by piece; nothing of a session that is not there."""
    yield from _FORMATS[format_](of)


def span_lines(of: Exported) -> Iterator[bytes]:
    """Its spans in the members of REST, each as JSON on a line, turn by turn, each turn by time; where it has very
    many, turns by their ids.

    The database makes the lines, unless texts are cut: to make them here takes three times as long.
    """
    if of.preview is None:
        sql = composed("export_spans", COLUMNS=span_members(_columns(of.client)))
        yield from _formatted(of, sql, "JSONEachRow", AS_REST)
    else:
        for body in _formatted(of, composed("export_spans", COLUMNS=columns(of.preview)), "JSONEachRow"):
            spans = (shapes.turn(shown_span(beginnings(row)), of.preview) for row in rows_of(body))
            yield b"".join(orjson.dumps(span) + b"\n" for span in spans)


def _formatted(of: Exported, sql: str, format_: str, settings: Mapping[str, Any] = _UNCOMPRESSED) -> Iterator[bytes]:
    """What a statement answers for its spans, about `PIECE` bytes at a time; CSV begins with the names of columns."""
    pace = _Pace()
    for count, piece in _of_bounded_size(of, pace):
        parameters = of.parameters(**piece, preview=of.preview or 0)
        keyed_sql, bound = keyed.by_key(of.client, sql, parameters)
        with reading():
            body: bytes = of.client.raw_query(keyed_sql, parameters=dict(bound), fmt=format_, settings=dict(settings))
        pace.note(count, len(body))
        yield body
        del body  # before the next is read, and while others are waited for
        format_ = "CSV" if format_ == "CSVWithNames" else format_


def _of_bounded_size(of: Exported, pace: _Pace) -> Iterator[tuple[int, Piece]]:
    """As `_pieces`, those of more than `PIECE` bytes in parts: turns whole, or spans of one, or one span.

    Where texts are cut nothing is large.
    """
    for count, piece in _pieces(of, pace):
        named = of.parameters(**piece)
        if of.preview is not None or keyed.select(of.client, "export_bytes", named)[0]["Bytes"] <= PIECE:
            yield count, piece
            continue
        spans = keyed.select(of.client, "export_sizes", named)
        turns = [list(each) for _, each in groupby(spans, itemgetter("TraceId"))]
        for some in bounded(turns, _nbytes, PIECE):
            if len(some) > 1 or _nbytes(some[0]) <= PIECE:
                yield sum(map(len, some)), {**piece, "trace_ids": [turn[0]["TraceId"] for turn in some]}
                continue
            behind: Piece = {name: piece[name] for name in _FIRST}
            for part in bounded(some[0], itemgetter("Bytes"), PIECE):
                last = {"last_time": part[-1]["Time"], "last_span": part[-1]["SpanId"]}
                yield len(part), {"trace_ids": [part[0]["TraceId"]], **behind, **last}
                behind = {"time": part[-1]["Time"], "span_id": part[-1]["SpanId"]}


def _nbytes(spans: Iterable[Row]) -> int:
    return sum(span["Bytes"] for span in spans)


def _pieces(of: Exported, pace: _Pace) -> Iterator[tuple[int, Piece]]:
    """Some turns whole, or some spans of one that has more: how many spans, and parameters of `export_spans`."""
    for trace_ids, count in _together(of, pace):
        behind: Mapping[str, Any] = _FIRST
        left = count
        while left > pace.spans:
            limit = pace.spans
            named = of.parameters(trace_ids=trace_ids, **behind, limit=limit)
            (last,) = keyed.select(of.client, "export_last", named)
            if last["Count"] < limit:
                break
            time, span = last["LastTime"], last["LastSpan"]
            yield limit, {"trace_ids": trace_ids, **behind, "last_time": time, "last_span": span}
            behind, left = {"time": time, "span_id": span}, left - limit
        yield left, {"trace_ids": trace_ids, **behind, **_LAST}


def _together(of: Exported, pace: _Pace) -> Iterator[tuple[list[str], int]]:
    """Turns in order, so many together that they have as many spans as are read at once, and how many they have."""
    trace_ids: list[str] = []
    count = 0
    for turn in _turn_ids(of):
        if trace_ids and count + turn["SpanCount"] > pace.spans:
            yield trace_ids, count
            trace_ids, count = [], 0
        trace_ids.append(turn["TraceId"])
        count += turn["SpanCount"]
    if trace_ids:
        yield trace_ids, count


def _turn_ids(of: Exported) -> Iterator[Row]:
    """Turns by their start. Of a session that has many by their ids, in the order of which its spans are stored: else
    each piece would be looked for in most of them.
    """
    (size,) = keyed.select(of.client, "export_size", of.parameters())
    start = "toUnixTimestamp64Nano(StartTime)" if size["Spans"] <= SPANS_BY_TIME else "0"
    place = {"start": -(2**63), "trace_id": ""}
    while rows := keyed.select(of.client, "export_turns", of.parameters(**place, limit=_TURNS_AT_ONCE), START=start):
        yield from rows
        place = {"start": rows[-1]["Start"], "trace_id": rows[-1]["TraceId"]}


def _columns(client: Client) -> dict[str, str]:
    """The columns of `session_spans`, with their types."""
    return {str(row["name"]): str(row["type"]) for row in select(client, "export_columns", {})}


def _listed(columns: Iterable[str]) -> str:
    return composed("export_spans", COLUMNS=", ".join(f"`{name}`" for name in columns))


def _csv(of: Exported) -> Iterator[bytes]:
    """Texts that a spreadsheet would take for formulas have a single quote before them."""
    columns = _columns(of.client)
    inert = (_INERT.format(name) if type_ in _TEXTS else f"`{name}`" for name, type_ in columns.items())
    sql = composed("export_inert", COLUMNS=", ".join(inert), SPANS=_listed(columns))
    yield from _formatted(of, sql, "CSVWithNames")


def _parquet(of: Exported) -> Iterator[bytes]:
    # the other formats do without, and start in less time
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    out = _Drained()
    writer: pq.ParquetWriter | None = None
    held: list[pa.Table] = []
    columns = _columns(of.client)
    short = [*_short(columns)]
    for body in _formatted(of, _listed(columns), "ArrowStream"):
        held.append(pa.ipc.open_stream(body).read_all())
        del body
        writer = writer or pq.ParquetWriter(
            out, held[0].schema, compression="zstd", use_dictionary=short, write_statistics=short
        )
        if sum(table.nbytes for table in held) >= _ROW_GROUP:
            writer.write_table(pa.concat_tables(held))
            held.clear()
            yield out.drain()
    if writer is not None:
        if held:
            writer.write_table(pa.concat_tables(held))
        writer.close()
        yield out.drain()


def _short(columns: Mapping[str, str]) -> Iterator[str]:
    """The columns, as Parquet names them, in which no text is long. Of the others the writer would keep the largest and
    the smallest text of each row group, and those of its dictionary, until it is closed: twice to four times a text of
    megabytes.
    """
    for name, type_ in columns.items():
        if "String" not in type_.replace("LowCardinality(String)", "") or name.endswith("Id"):
            yield name
        elif type_.startswith("Map("):
            yield f"{name}.key_value.key"


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


def _bundled(texts: Iterable[bytes]) -> Iterator[bytes]:
    """The texts, many together: each piece is handed from thread to thread and has a chunk of its own."""
    held = bytearray()
    for text in texts:
        if held and len(held) + len(text) > _BUNDLE:
            yield bytes(held)
            held.clear()
        if len(text) >= _BUNDLE:
            yield text
        else:
            held += text
        del text
    if held:
        yield bytes(held)


def _spoken(of: Exported) -> Iterator[tuple[Row, list[Message]]]:
    return spoken(of.client, project=of.project, session_id=of.session_id, whole_steps=False)


def _markdown(of: Exported) -> Iterator[bytes]:
    yield transcript.heading(of.session_id).encode()
    number = 0
    for number, (turn, said) in enumerate(_spoken(of), 1):
        yield transcript.markdown(turn, number, said, of.preview).encode()
        del turn, said
    yield transcript.end(number).encode()


def _messages(of: Exported) -> Iterator[bytes]:
    """One line: what begins it, the messages as they are read, what ends it."""
    yield b'{"session_id":' + orjson.dumps(of.session_id) + b',"messages":['
    separator = b""
    for turn, said in _spoken(of):
        for message in transcript.messages(turn, said, of.preview):
            yield separator + orjson.dumps(message)
            separator = b","
    yield b"]}\n"


_FORMATS: Final[Mapping[str, Callable[[Exported], Iterator[bytes]]]] = {
    "jsonl": span_lines,
    "csv": _csv,
    "parquet": _parquet,
    "md": lambda of: _bundled(_markdown(of)),
    "messages": lambda of: _bundled(_messages(of)),
}
