"""Figures over many sessions: series by time, in groups; of the turns that start in a window."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import QueryError
from otel_sessions.queries.filters import FIRST_NS, LAST_NS, Filter
from otel_sessions.queries.rows import composed, rfc3339, run, sections

Series = Literal["sessions", "traces", "errors", "tokens", "cost", "duration_p50_ns", "duration_p95_ns"]
GroupBy = Literal["model", "user", "service", "environment", "tag", "tool", "session"]
DEFAULT_SERIES: Final[tuple[Series, ...]] = ("sessions", "traces", "errors", "tokens", "cost")
ALL_SERIES: Final[tuple[Series, ...]] = (*DEFAULT_SERIES, "duration_p50_ns", "duration_p95_ns")
_OF_NOTHING: Final[Mapping[str, Any]] = {**dict.fromkeys(DEFAULT_SERIES, 0), **dict.fromkeys(ALL_SERIES[5:])}
MAX_POINTS: Final = 20_000
_OF_CHOSEN: Final = re.compile(r"^ *AND \w+\.SessionId IN CHOSEN\n", re.MULTILINE)


class TooManyPointsError(QueryError):
    """More points than one answer has: HTTP 400."""


class Group(TypedDict):
    """`key` is None for what is in none of the greatest groups, or without groups; `points` have `time` and series."""

    key: str | None
    total: Mapping[str, Any]
    points: list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What to measure: `series` of the turns of the sessions that `query` chooses that start from `from_ns` to `to_ns`,
    both inclusive; a point for each `interval_ns` in which there is something, none without an interval; the `top`
    groups that are the greatest by the first series, and the rest as one.
    """

    project: str
    query: str = ""
    from_ns: int = FIRST_NS
    to_ns: int = LAST_NS
    series: Sequence[Series] = field(default=DEFAULT_SERIES)
    interval_ns: int | None = None
    group_by: GroupBy | None = None
    top: int = 10


def metrics(client: Client, measured: Measured, *, now_ns: int) -> list[Group]:
    """The groups, the greatest first and the rest last; one group without a `group_by`, else none of nothing.

    Raises `LanguageError`, `TooManyPointsError`, and what `rows.run` does.
    """
    chosen = Filter(query=measured.query)
    condition = chosen.condition(now_ns)
    source = _source(measured.group_by or "none", "" if chosen.is_empty else condition.sql)
    bound: dict[str, Any] = {
        "project": measured.project,
        "from": measured.from_ns,
        "to": measured.to_ns,
        "interval": measured.interval_ns or 1,
        "has_points": int(measured.interval_ns is not None),
        "limit": measured.top,
        "points": MAX_POINTS + 1,
        **condition.parameters,
    }
    top: list[str] = []
    if measured.group_by is not None:
        ranked = composed("metrics_top", SOURCE=source, SERIES=measured.series[0])
        top = [row["Key"] for row in run(client, ranked, {**bound, "all": 1, "top": []})]
    rows = run(client, composed("metrics", SOURCE=source), {**bound, "all": 0, "top": top})
    if len(rows) > MAX_POINTS:
        raise TooManyPointsError(f"there are more than {MAX_POINTS} points; use a longer interval or fewer groups")
    if not rows and measured.group_by is None:
        return [Group(key=None, total={name: _OF_NOTHING[name] for name in measured.series}, points=[])]
    return _groups(rows, top, measured.series)


def _source(group_by: str, condition: str) -> str:
    """Turns and calls with their keys, of the sessions that a condition chooses; of all without one, which then need
    not be worked out.
    """
    texts = sections(statement(f"{__package__}.sql", "metrics_sources"))
    if group_by == "model":
        source = texts["model"]
    elif names := texts.get(f"joined.{group_by}"):
        source = texts["joined"].replace("NAMES", names)
    else:
        source = texts["turns"].replace("KEYS", texts[group_by])
    if not condition:
        return _OF_CHOSEN.sub("", source)
    return source.replace("CHOSEN", texts["chosen"].replace("CONDITION", condition))


def _groups(rows: Sequence[Mapping[str, Any]], top: Sequence[str], series: Sequence[Series]) -> list[Group]:
    found: dict[str | None, Group] = {}
    for row in rows:
        key = row["Key"] if row["IsTop"] else None
        group = found.setdefault(key, Group(key=key, total={}, points=[]))
        figures: dict[str, Any] = {name: row[name] for name in series}
        if row["IsTotal"]:
            group["total"] = figures
        else:
            group["points"].append({"time": rfc3339(row["Time"]), **figures})
    return [found[key] for key in (*top, None) if key in found]
