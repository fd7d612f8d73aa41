# SPDX-License-Identifier: Apache-2.0
"""Asks ClickHouse for the sessions that are not what the stored spans say.

What they should be is stated in `truth.sql`: `spans.sql` compares it span by span, `figures.sql` with what views say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from otel_sessions.clickhouse.chunks import Period, Piece
from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.sql import statement

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SessionKey = tuple[str, str]
"""(project, session id)"""
BYTES_A_STATEMENT = 10_000
"""Of session ids; over HTTP they travel in the request line."""
_EVERYTHING = Piece("", None)
_NO_PERIOD = {"from": "1970-01-01 00:00:00", "to": "1970-01-01 00:00:00"}


@dataclass(frozen=True, slots=True)
class Difference:
    """How many spans of a session `session_spans` lacks, has and should not, has with something else than was stored,
    or has more than once; and the views whose figures are not those of the stored spans."""

    project: str
    session_id: str
    missing: int = 0
    extra: int = 0
    different: int = 0
    misplaced: int = 0
    views: tuple[str, ...] = ()

    @property
    def key(self) -> SessionKey:
        return self.project, self.session_id


def find(client: Client, piece: Piece[str], *, period: Period | None = None) -> list[Difference]:
    """Those of the sessions with ids in `piece` that differ, by project and id.

    With a `period` only the traces count of which spans were stored in it, and of figures those of their turns.
    """
    suspects = may_differ(client, piece, period=period)
    if sum(map(size, suspects)) <= BYTES_A_STATEMENT:
        return find_among(client, suspects, period=period)
    return _compared(client, _parameters(piece, period))


def find_among(client: Client, sessions: Sequence[SessionKey], *, period: Period | None = None) -> list[Difference]:
    """Those of `sessions` that differ, which are `BYTES_A_STATEMENT` at most; see `find`."""
    return _compared(client, _parameters(_EVERYTHING, period, sessions)) if sessions else []


def may_differ(client: Client, piece: Piece[str], *, period: Period | None = None) -> list[SessionKey]:
    """All that `find` finds and seldom others, at a fraction of its cost where few do."""
    bound = _parameters(piece, period)
    return sorted({(row[0], row[1]) for name in ("fingerprints", "contents") for row in _rows(client, name, bound)})


def size(session: SessionKey) -> int:
    """The bytes that a session takes of `BYTES_A_STATEMENT`."""
    return sum(len(part.encode()) for part in session) + 20


def sample(client: Client, size: int) -> tuple[int, list[str]]:
    """How many spans are stored, and the beginnings of the session ids of some of them."""
    with reading():
        ((rows, found),) = client.query(_sql("sample"), parameters={"size": size}).result_rows
    return rows, list(found)


def _compared(client: Client, bound: Mapping[str, Any]) -> list[Difference]:
    found = {row[:2]: Difference(*row) for row in _rows(client, "spans", bound)}
    figures = _rows(client, "figures", bound)
    for project, session_id, views in figures:
        known = found.get((project, session_id), Difference(project, session_id))
        found[project, session_id] = replace(known, views=tuple(views))
    return sorted(found.values(), key=lambda difference: difference.key)


def _parameters(piece: Piece[str], period: Period | None, sessions: Iterable[SessionKey] = ()) -> dict[str, Any]:
    return {
        "low": piece.low,
        "high": piece.high or "",
        "last": int(piece.high is None),
        "all": int(period is None),
        "sessions": list(sessions),
        **(_NO_PERIOD if period is None else period.parameters),
    }


def _rows(client: Client, name: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    with reading():
        return client.query(_sql(name), parameters=dict(parameters)).result_rows


def _sql(name: str) -> str:
    """The statement; those that compare span by span begin with the truth."""
    beginning = statement(__package__, "truth") if name in ("spans", "figures") else ""
    return beginning + statement(__package__, name)
