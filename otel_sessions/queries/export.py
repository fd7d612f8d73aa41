"""A session in pieces of bounded size: its spans turn by turn, as rows or in a format of ClickHouse's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.errors import reading
from otel_sessions.queries.detail import INTERNAL
from otel_sessions.queries.paging import MAX_LIMIT
from otel_sessions.queries.rows import Row, composed, run, select

SPANS_A_PIECE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Some turns whole, or some spans of a turn that has very many: those behind `behind`, by their ids."""

    trace_ids: tuple[str, ...]
    behind: str = ""


def turns_of(client: Client, *, project: str, session_id: str, after: Row | None = None) -> list[Row]:
    """`TraceId`, `StartTime` and `SpanCount` of the next turns by their start, `MAX_LIMIT` at most; none at the end."""
    place = {"time": "1900-01-01 00:00:00", "trace_id": ""}
    if after is not None:
        place = {"time": after["StartTime"], "trace_id": after["TraceId"]}
    return select(client, "export_turns", {"project": project, "session_id": session_id, **place, "limit": MAX_LIMIT})


def pieces(turns: Sequence[Row]) -> Iterator[Piece]:
    """Turns together up to `SPANS_A_PIECE` spans; one that has more is a piece by itself, to be read on and on."""
    together: list[str] = []
    count = 0
    for turn in turns:
        if together and count + turn["SpanCount"] > SPANS_A_PIECE:
            yield Piece(tuple(together))
            together, count = [], 0
        together.append(turn["TraceId"])
        count += turn["SpanCount"]
    if together:
        yield Piece(tuple(together))


def columns(client: Client) -> list[str]:
    """The columns of `session_spans` that are not the service's own."""
    names = [row["name"] for row in select(client, "export_columns", {})]
    return [name for name in names if name not in INTERNAL]


def spans(client: Client, piece: Piece, *, project: str, session_id: str) -> list[Row]:
    """The spans of a piece by time, `SPANS_A_PIECE` at most, by their ids where the turn has more."""
    return run(client, composed("export_spans", COLUMNS="*"), _bound(piece, project, session_id))


def formatted(
    client: Client, piece: Piece, names: Sequence[str], format_: str, *, project: str, session_id: str
) -> bytes:
    """The same in a format of ClickHouse's, with these columns."""
    listed = ", ".join(f"`{name}`" for name in names)
    with reading():
        body: bytes = client.raw_query(
            composed("export_spans", COLUMNS=listed), parameters=_bound(piece, project, session_id), fmt=format_
        )
    return body


def next_piece(client: Client, piece: Piece, *, project: str, session_id: str) -> Piece | None:
    """What is left of a turn with more spans than a piece; None where there is nothing left."""
    rows = run(client, composed("export_last"), _bound(piece, project, session_id))
    if rows and rows[0]["Count"] >= SPANS_A_PIECE:
        return Piece(piece.trace_ids, str(rows[0]["Last"]))
    return None


def _bound(piece: Piece, project: str, session_id: str) -> dict[str, Any]:
    return {
        "project": project,
        "session_id": session_id,
        "trace_ids": list(piece.trace_ids),
        "behind": piece.behind,
        "limit": SPANS_A_PIECE,
    }
