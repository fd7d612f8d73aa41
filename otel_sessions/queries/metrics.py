# SPDX-License-Identifier: Apache-2.0
"""Figures over many sessions: series by time, in groups; of the turns that start in a window."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import QueryError
from otel_sessions.queries.filters import FIRST_NS, LAST_NS, Filter
from otel_sessions.queries.rows import Row, composed, rfc3339, run, sections, select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

Series = Literal["sessions", "traces", "errors", "tokens", "cost", "duration_p50_ns", "duration_p95_ns"]
GroupBy = Literal["model", "user", "service", "environment", "tag", "tool", "session"]
DEFAULT_SERIES: Final[tuple[Series, ...]] = ("sessions", "traces", "errors", "tokens", "cost")
ALL_SERIES: Final[tuple[Series, ...]] = (*DEFAULT_SERIES, "duration_p50_ns", "duration_p95_ns")
_OF_NOTHING: Final[Mapping[str, Any]] = {**dict.fromkeys(DEFAULT_SERIES, 0), **dict.fromkeys(ALL_SERIES[5:])}
MAX_POINTS: Final = 20_000
_FEW: Final = frozenset({"model", "service", "environment", "tool"})
"""Groups of which there are few: all are measured at once, and often that is the answer."""
_SETS: Final = {"model": "Models", "service": "ServiceNames", "tag": "Tags", "tool": "Tools"}
"""Groups of which a turn may be in several, and the column of sets."""
_MINUTE_NS: Final = 60 * 10**9
_OF_CHOSEN: Final = re.compile(r"^ *AND \w+\.SessionId IN CHOSEN\n", re.MULTILINE)
_OF_SINCE: Final = re.compile(r"^ *AND SINCE(_CALLS)?\n", re.MULTILINE)
_OF_BEGUN: Final = re.compile(r"^ *AND \(\w\.SessionId, \w\.TraceId\) NOT IN {begun:.*\n?", re.MULTILINE)
_SHORT_NS: Final = 3600 * 10**9
"""Of a window of less, sessions are so few that their turns are read by key."""
_MOST_BEGUN: Final = 500
_MOST_BYTES: Final = 60_000
"""Of the ids of turns that one parameter names."""
_REPLACED: Final = "\ufffd"
_OF_WINDOW: Final = re.compile(r"^ *AND Start BETWEEN .*\n?", re.MULTILINE)


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
    begun = _begun(client, measured, now_ns)
    texts = _texts(measured, "" if chosen.is_empty else condition.sql, begun)
    bound: dict[str, Any] = {
        **_window(measured),
        "to": measured.to_ns,
        "begun": begun.turns,
        "interval": measured.interval_ns or 1,
        "limit": measured.top,
        "points": MAX_POINTS + 1,
        **condition.parameters,
    }
    sql = composed("metrics", **texts, SERIES=", ".join(measured.series))
    rank = measured.series[0]
    every: list[Row] = []
    if measured.group_by in _FEW and measured.interval_ns is None:
        every = run(client, sql, {**bound, "all": 1, "top": []})
        every.sort(key=lambda row: (-(row[rank] or 0), row["Key"]))
    if every and len(every) <= MAX_POINTS:
        top = [row["Key"] for row in every[: measured.top]]
        if len(every) <= measured.top:
            return _groups(every, top, measured.series)
    elif measured.group_by is not None:
        top = [row["Key"] for row in run(client, composed("metrics_top", **texts, SERIES=rank), bound)]
    else:
        top = []
    rows = run(client, sql, {**bound, "all": 0, "top": top})
    if len(rows) > MAX_POINTS:
        raise TooManyPointsError(f"there are more than {MAX_POINTS} points; use a longer interval or fewer groups")
    if not rows and measured.group_by is None:
        return [Group(key=None, total={name: _OF_NOTHING[name] for name in measured.series}, points=[])]
    return _groups(rows, top, measured.series)


@dataclass(frozen=True, slots=True)
class _Begun:
    """The turns under way when a window begins: what starts later in it and is of none of these is of a turn of the
    window. That is known unless they are too many, or spans have times that make no sense; where they are many, what is
    read is all of the sessions that have something in the window."""

    turns: Sequence[tuple[str, str]] = ()
    are_many: bool = False
    is_known: bool = True


def _begun(client: Client, measured: Measured, now_ns: int) -> _Begun:
    if measured.from_ns == FIRST_NS:
        return _Begun()
    by_session = _Begun(are_many=True, is_known=False)
    if measured.from_ns > now_ns - _SHORT_NS:
        return by_session
    since = {"since": max(measured.from_ns, 0), "limit": _MOST_BEGUN + 1}
    rows = select(client, "metrics_begun", {**_window(measured), **since})
    turns = [(row["SessionId"], row["TraceId"]) for row in rows if row["TraceId"]]
    named = "".join(id_ for turn in turns for id_ in turn)
    if len(rows) > _MOST_BEGUN or len(named.encode()) > _MOST_BYTES or _REPLACED in named:
        return by_session
    return _Begun(turns, is_known=len(turns) == len(rows))


def _window(measured: Measured) -> dict[str, Any]:
    from_minute = max(measured.from_ns - _MINUTE_NS, FIRST_NS)
    return {"project": measured.project, "from": measured.from_ns, "from_minute": from_minute}


def _texts(measured: Measured, condition: str, begun: _Begun) -> dict[str, str]:
    """What `metrics.sql` is put together of. `SOURCE` gives turns with their keys, and calls where these have keys of
    their own, of the sessions that a condition chooses; of all without one, which then need not be worked out.

    Each turn is there once, so that turns are counted and not compared. A call with a model is of a turn that has that
    key, so it adds neither a session nor a turn; whose it is, is asked of calls without a model, and of the others only
    where the start of the turn is wanted: for a point of time, for the end of a window, and where its own time does not
    say whether the turn is of the window.
    """
    texts = sections(statement(f"{__package__}.sql", "metrics_sources"))
    is_any_time = (measured.from_ns, measured.to_ns) == (FIRST_NS, LAST_NS)
    has_points = measured.interval_ns is not None
    group_by = measured.group_by or "none"
    keys = texts["several"].replace("NAMES", _SETS[group_by]) if group_by in _SETS else texts[group_by]
    source = texts["turns"].replace("KEYS", keys)
    if group_by == "model":
        has_start = has_points or measured.to_ns != LAST_NS or not begun.is_known
        source = texts["model"].replace("TURNS", source).replace("STARTED_AT", "t.Start" if has_start else "toInt64(0)")
        source = source.replace("JOINED", texts["model.joined"] if has_start else "")
        source = source.replace("OF_TURN", texts["model.of_turn" if has_start else "model.of_any"])
    if is_any_time:
        source = _OF_WINDOW.sub("", source)
    if measured.from_ns == FIRST_NS:
        source = _OF_SINCE.sub("", source)
    source = source.replace("SINCE_CALLS", texts["since.calls"])
    source = source.replace("SINCE", texts["since.many" if begun.are_many else "since"])
    if not begun.turns:
        source = _OF_BEGUN.sub("", source)
    if not condition:
        source = _OF_CHOSEN.sub("", source)
    chosen = texts["chosen"].replace("CONDITION", condition)
    of = f".{group_by}" if group_by == "model" else ""
    return {
        "SOURCE": source.replace("CHOSEN", chosen),
        "COUNT_SESSIONS": texts[f"sessions{of}"],
        "COUNT_TRACES": texts[f"traces{of}"],
        "IS_TOTAL": "grouping(Bucket)" if has_points else "1",
        "GROUP_TIME": "Bucket" if has_points else "toInt64(0)",
        "TURN_TIME": "intDiv(Start, {interval:Int64}) * {interval:Int64}" if has_points else "toInt64(0)",
        "GROUPED": texts["points" if has_points else "total"],
    }


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
