"""Lists of sessions: filtered, sorted, page by page, each session with what was added to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from clickhouse_connect.driver.client import Client

from otel_sessions.queries.additions import with_additions
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.paging import Page, decode, encode
from otel_sessions.queries.rows import composed, run
from otel_sessions.queries.shapes import DEFAULT_GROUPS

Sort = Literal["last_activity", "start", "duration", "traces", "spans", "errors", "tokens", "cost"]
Order = Literal["asc", "desc"]
# The key of each sort, and its type: times are keys by their nanoseconds.
_KEYS: Final[dict[str, tuple[str, str]]] = {
    "last_activity": ("toUnixTimestamp64Nano(EndTime)", "Int64"),
    "start": ("toUnixTimestamp64Nano(StartTime)", "Int64"),
    "duration": ("Duration", "UInt64"),
    "traces": ("TraceCount", "UInt64"),
    "spans": ("SpanCount", "UInt64"),
    "errors": ("ErrorCount", "UInt64"),
    "tokens": ("TotalTokens", "UInt64"),
    "cost": ("Cost", "Float64"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions, in which order, and how many of them; sessions with equal keys are in the order of their ids."""

    project: str
    filter: Filter = field(default_factory=Filter)
    sort: Sort = "last_activity"
    order: Order = "desc"
    limit: int = 50
    cursor: str | None = None
    groups: Collection[str] = DEFAULT_GROUPS

    @property
    def identity(self) -> Sequence[Any]:
        """What tells its list from others; a cursor is of one list."""
        return ["sessions", self.project, self.sort, self.order, *self.filter.identity]


def list_sessions(client: Client, wanted: Wanted, *, now_ns: int) -> Page:
    """A page of sessions in the columns of the view `sessions`, `Bookmarked`, `Labels` and `State`, and `Scores` if
    they are among the groups.

    Raises `LanguageError`, `CursorError`, and what `rows.run` does.
    """
    key, type_ = _KEYS[wanted.sort]
    condition = wanted.filter.condition(now_ns)
    behind, place = "1", {}
    if wanted.cursor:
        last, session_id = decode(wanted.identity, wanted.cursor)
        sign = "<" if wanted.order == "desc" else ">"
        behind = f"(_key {sign} {{key:{type_}}} OR _key = {{key:{type_}}} AND SessionId > {{behind:String}})"
        place = {"key": last, "behind": session_id}
    texts = {"KEY": key, "DIRECTION": wanted.order.upper(), "CONDITION": condition.sql, "BEHIND": behind}
    sql = composed("list_sessions", **texts)
    bound = {"project": wanted.project, "limit": wanted.limit + 1, **condition.parameters, **place}
    rows = run(client, sql, bound)
    page, next_ = rows[: wanted.limit], None
    if len(rows) > wanted.limit:
        next_ = encode(wanted.identity, [page[-1]["_key"], page[-1]["SessionId"]])
    shown = [{name: value for name, value in row.items() if name != "_key"} for row in page]
    return Page(with_additions(client, wanted.project, shown, wanted.groups, now_ns=now_ns), next_)
