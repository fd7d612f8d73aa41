# SPDX-License-Identifier: Apache-2.0
"""Scores, out of the table of them and the view `session_scores`; `sessions.scores` writes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.queries.paging import Page, decode, encode
from otel_sessions.queries.rows import Row, select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2262, 1, 1, tzinfo=UTC)
_GREATEST: Final = 1.7976931348623157e308


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """Scores of which all that is given holds; one of several is enough, and none is no condition.

    With `session_ids` those of their traces and spans are among them. Without, `SessionId` is as it was given.
    `numbers`, `at_least` and `at_most` are of `Value`, `texts` of `StringValue`; `to` is after them all.
    """

    session_ids: tuple[str, ...] = ()
    trace_ids: tuple[str, ...] = ()
    span_ids: tuple[str, ...] = ()
    score_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    data_types: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    at_least: float = -_GREATEST
    at_most: float = _GREATEST
    from_: datetime = FIRST
    to: datetime = LAST

    def bound(self) -> dict[str, Any]:
        """The parameters of its statement."""
        named = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        del named["from_"]
        return {**named, "from": _text(self.from_), "to": _text(self.to)}


def is_any(client: Client, *, project: str) -> bool:
    """Whether anything was scored in a project."""
    return bool(select(client, "any_score", {"project": project}))


def page(
    client: Client, *, project: str, limit: int, offset: int = 0, wanted: ScoreFilter | None = None
) -> tuple[list[Row], int]:
    """Scores in the columns of `session_scores`, the latest first, and how many there are."""
    named = {"project": project, **(wanted or ScoreFilter()).bound(), "last": _text(LAST), "behind": ""}
    rows = select(client, "scores_page", {**named, "limit": limit, "offset": offset})
    if not rows and offset:
        return [], total(select(client, "scores_page", {**named, "limit": 1, "offset": 0}))
    return rows, total(rows)


def page_behind(client: Client, *, project: str, limit: int, cursor: str | None, wanted: ScoreFilter) -> Page:
    """As `page`, from behind a cursor on. Raises `CursorError`."""
    bound = wanted.bound()
    list_ = ["all scores", project, *map(str, bound.values())]
    last, behind = decode(list_, cursor) if cursor else (_text(LAST), "")
    named = {"project": project, **bound, "last": last, "behind": behind, "limit": limit + 1, "offset": 0}
    rows = select(client, "scores_page", named)
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], encode(list_, [rows[limit - 1]["Timestamp"], rows[limit - 1]["ScoreId"]]))


def one(client: Client, *, project: str, score_id: str) -> Row | None:
    """The score of this id; None if there is none."""
    rows = select(client, "score", {"project": project, "score_id": score_id})
    return rows[0] if rows else None


def total(rows: list[Row]) -> int:
    """What each row of a page says."""
    return int(rows[0]["Total"]) if rows else 0


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
