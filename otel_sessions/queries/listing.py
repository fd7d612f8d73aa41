# SPDX-License-Identifier: Apache-2.0
"""Lists of sessions: filtered, sorted, page by page, each session with what was added to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from otel_sessions.queries import added, keyed, whole
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.language import Condition
from otel_sessions.queries.language.sql import Found
from otel_sessions.queries.language.superset import ANYTHING, BOUNDS, FIRST_START, LAST_END, Sought
from otel_sessions.queries.paging import MAX_IDS_OF_ONE, Moving, Page, Place, Readers, unread
from otel_sessions.queries.rows import Row, composed, nanoseconds, portions, run, select
from otel_sessions.queries.shapes import DEFAULT_GROUPS
from otel_sessions.queries.stored_parts import Parts, parts_of

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

Sort = Literal["last_activity", "start", "duration", "traces", "spans", "errors", "tokens", "cost"]
Order = Literal["asc", "desc"]
# The column of each sort, and the type of its key: times are keys by their nanoseconds.
_KEYS: Final[dict[str, tuple[str, str]]] = {
    "last_activity": ("EndTime", "Int64"),
    "start": ("StartTime", "Int64"),
    "duration": ("Duration", "UInt64"),
    "traces": ("TraceCount", "UInt64"),
    "spans": ("SpanCount", "UInt64"),
    "errors": ("ErrorCount", "UInt64"),
    "tokens": ("TotalTokens", "UInt64"),
    "cost": ("Cost", "Float64"),
}
_TIME: Final = "Int64"


_BOUNDS: Final = {
    "last_activity": LAST_END,
    "duration": BOUNDS["Duration"],
    "traces": BOUNDS["TraceCount"],
    "spans": BOUNDS["SpanCount"],
    "errors": BOUNDS["ErrorCount"],
    "tokens": BOUNDS["TotalTokens"],
    "cost": BOUNDS["Cost"],
}
_FIRST_LOOK: Final = 200
_LAST_LOOK: Final = 5_000
_MORE: Final = 14
_MORE_OF_ALL: Final = 1
_ROWS_A_SESSION: Final = 16
"""What there mostly is of a session in `_session_activity`, at most: a row in each of its parts."""
_MANY: Final = 4_000
"""To look at more sessions costs more than to search the texts of all turns first."""
_RARE: Final = 2
"""Words are rare that not even one in so many granules of turns may have."""
_MOST_FOUND: Final = 1_000
"""Of more turns that have words the sessions are asked with all of their turns."""
_FIGURES: Final = "StartTime"
_OF_PROJECT: Final = "Project = {project:String}"
_AMONG: Final = "SessionId IN {session_ids:Array(String)}"


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


def list_sessions(client: Client, wanted: Wanted, *, now_ns: int, readers: Readers | None = None) -> Page:
    """A page of sessions as `list_rows` has them, with `Bookmarked`, `Labels` and `State`, and `Scores` if they are
    among the groups.
    """
    from otel_sessions.queries.additions import with_additions  # noqa: PLC0415 - the list in a shell shows none

    parts = parts_of(client, (*added.TABLES, *whole.TABLES))
    page = list_rows(client, wanted, now_ns=now_ns, readers=readers, parts=parts)
    rows = with_additions(client, wanted.project, page.rows, wanted.groups, now_ns=now_ns, parts=parts)
    return replace(page, rows=rows)


def list_rows(
    client: Client, wanted: Wanted, *, now_ns: int, readers: Readers | None = None, parts: Parts | None = None
) -> Page:
    """A page of sessions in the columns of the view `sessions`.

    With `readers`, whoever follows the cursors has every session once that was there all along, whatever moves
    meanwhile. `parts` are those of the tables of sessions, as the request has found them, else they are looked for.
    Raises `LanguageError`, `CursorError`, and what `rows.run` does.
    """
    parts = parts_of(client, whole.TABLES) if parts is None else parts
    moving = Moving(
        wanted.identity,
        "SessionId",
        lambda place: _picked(client, wanted, place, now_ns, parts),
        lambda began_ns: _all_keys(client, wanted, began_ns, now_ns),
    )
    page, next_ = unread(moving, wanted.limit, wanted.cursor, readers, now_ns)
    return Page(_whole(client, wanted.project, page, parts), next_)


def is_any(client: Client, *, project: str) -> bool:
    """Whether there may be a session: none where it says so, though what it counts may have been deleted since."""
    return bool(select(client, "any_session", {"project": project}))


def chosen_among(client: Client, project: str, session_ids: Sequence[str], query: str, *, now_ns: int) -> set[str]:
    """Those of these sessions that a query chooses. Raises `LanguageError`, and what `rows.run` does."""
    condition = Filter(query=query).condition(now_ns)
    chosen = condition.sql.replace(_OF_PROJECT, f"{_OF_PROJECT} AND {_AMONG}")
    found: set[str] = set()
    for ids in portions(session_ids):
        bound = {"project": project, "session_ids": ids, **condition.parameters}
        found |= {row["SessionId"] for row in keyed.select(client, "chosen_among", bound, CONDITION=chosen)}
    return found


def extent(client: Client, *, project: str, chosen: Filter, now_ns: int) -> tuple[int, int] | None:
    """From when to when the sessions of a filter were active, in nanoseconds since 1970: no less than they were, and
    more where that is not known without working them out. None where there is none.
    """
    superset = chosen.superset(now_ns, with_texts=True)
    sql = composed("extent", BOUNDS=composed("list_bounds", KEY=f"({FIRST_START}, {LAST_END})", SUPERSET=superset.sql))
    (row,) = run(client, sql, {"project": project, "limit": 2**32 - 1, **superset.parameters})
    return (row["First"], row["Last"]) if row["Sessions"] else None


def _picked(client: Client, wanted: Wanted, place: Place | None, now_ns: int, parts: Parts | None) -> list[Row]:
    """`SessionId` and `_key` of so many sessions behind a place as a page has, in their order, and of one more.

    The first page by what has bounds is picked by them. What that does not settle soon is worked out over all sessions.
    """
    condition = wanted.filter.condition(now_ns)
    if place is None and wanted.order == "desc" and wanted.sort in _BOUNDS:
        picked = _picked_by_bounds(client, wanted, condition, now_ns, parts)
        if picked is not None:
            return picked
    return _keys(client, wanted, condition, place)


def _picked_by_bounds(
    client: Client, wanted: Wanted, condition: Condition, now_ns: int, parts: Parts | None
) -> list[Row] | None:
    """The first page among the sessions whose bounds are the greatest, some more of them at a time.

    Once the last of it is before the bounds of all that were not looked at, it is right (the threshold algorithm). None
    where that takes too many.
    """
    superset = wanted.filter.superset(now_ns)
    # Where bounds can tell, those with the greatest are nearly all on the page.
    few = wanted.limit + (_MORE_OF_ALL if superset.sql == ANYTHING else _MORE)
    size, fetched = few, max(few, _FIRST_LOOK)
    words = wanted.filter.sought()
    are_rare = words is not None and _are_rare(client, wanted.project, words)
    places = _places(client, wanted.project, words) if words and are_rare else None
    within = places.session_ids if places else None
    if places:
        condition = wanted.filter.condition(now_ns, places)
    narrower = wanted.filter.superset(now_ns, with_texts=True, with_times=True, found=places)
    if are_rare:
        superset, fetched = narrower, _LAST_LOOK
    bounds = _bounds(client, wanted, superset, fetched, within)
    found: list[Row] = []
    looked_at: set[str] = set()
    while True:
        among = [row for row in bounds[:size] if row["SessionId"] not in looked_at]
        found = _look(client, wanted, condition, among, found, is_whole=len(among) <= few, parts=parts)
        if len(bounds) <= size or (len(found) > wanted.limit and _is_before(found[-1], bounds[size])):
            return found
        looked_at.update(row["SessionId"] for row in among)
        enough = 4 * (wanted.limit + 1) * size // (3 * max(1, len(found)))
        if superset != narrower and (not found or enough > _MANY or size >= _LAST_LOOK):
            superset, fetched, size = narrower, 0, few
        elif size >= _LAST_LOOK:
            return None
        else:
            more = min(max(size + _FIRST_LOOK, enough), _LAST_LOOK)
            if len(found) > wanted.limit:  # some bounds were too great
                more = size + _MORE if size == few else more
                more = min(more, next((n for n, bound in enumerate(bounds) if _is_before(found[-1], bound)), more))
            size = more
        if size > fetched:
            fetched = _LAST_LOOK
            bounds = _bounds(client, wanted, superset, fetched, within)


def _are_rare(client: Client, project: str, words: Sought) -> bool:
    """Whether most turns have not the words, so that it is best to begin with those that have them."""
    named = {"project": project, **words.indexed.parameters}
    marks = sum(int(row["marks"]) for row in run(client, composed("marks_of_words", WORDS=words.indexed.sql), named))
    (all_,) = select(client, "marks_of_turns", {})
    return marks * _RARE < int(all_["marks"])


def _places(client: Client, project: str, words: Sought) -> Found | None:
    """Where words may be; None where that is too much to be bound to a statement."""
    named = {"project": project, "limit": _MOST_FOUND + 1, **words.places.parameters}
    rows = run(client, composed("places_of_words", PLACES=words.places.sql), named)
    sessions, traces = ([*{row[name]: None for row in rows}] for name in ("SessionId", "TraceId"))
    is_bound = len(rows) <= _MOST_FOUND and all(len([*portions(ids)]) <= 1 for ids in (sessions, traces))
    return Found(words.words, sessions, traces) if is_bound else None


def _look(
    client: Client,
    wanted: Wanted,
    condition: Condition,
    among: Sequence[Row],
    found: list[Row],
    *,
    is_whole: bool,
    parts: Parts | None,
) -> list[Row]:
    """What was found so far and among these sessions, given by their bounds, as much of it as a page wants.

    Where the page may be full without them, sessions of very many turns come last, and only where their bounds do not
    say that they come behind it.
    """
    bounds = {row["SessionId"]: row for row in among}
    for ids in portions(bounds):
        if not is_whole:
            found = _first(wanted, found + _keys(client, wanted, condition, among=ids))
            continue
        known = whole.known_of(client, wanted.project, ids, parts)
        late = known.long if len(found) + len(ids) > wanted.limit else frozenset()
        first = [id_ for id_ in ids if id_ not in late]
        found = _first(wanted, found + _keys(client, wanted, condition, among=first, known=known))
        is_settled = len(found) > wanted.limit
        long = [id_ for id_ in ids if id_ in late and not (is_settled and _is_before(found[-1], bounds[id_]))]
        found = _first(wanted, found + _keys(client, wanted, condition, among=long, known=known))
    return found


def _key(wanted: Wanted) -> str:
    column, type_ = _KEYS[wanted.sort]
    return f"toUnixTimestamp64Nano({column})" if type_ == _TIME else column


def _first(wanted: Wanted, found: list[Row]) -> list[Row]:
    """In their order, one more than a page has."""
    return sorted(found, key=lambda row: (-row["_key"], row["SessionId"]))[: wanted.limit + 1]


def _is_before(row: Row, bound: Row) -> bool:
    """Whether a session is before all in the list whose bounds are not before this one."""
    return (-row["_key"], row["SessionId"]) < (-bound["Bound"], bound["SessionId"])


def _bounds(
    client: Client, wanted: Wanted, superset: Condition, size: int, among: Sequence[str] | None = None
) -> list[Row]:
    """`SessionId` and `Bound` of the sessions with the greatest bounds, and of one more, in the order of a list."""
    if among is None and wanted.sort == "last_activity" and superset.sql == ANYTHING and size < _LAST_LOOK:
        named = {"project": wanted.project, "limit": size + 1, "rows": _ROWS_A_SESSION * (size + 1)}
        if len(latest := select(client, "list_latest", named)) > size:
            return latest
    sql = composed("list_bounds", KEY=_BOUNDS[wanted.sort], SUPERSET=superset.sql)
    bound = {"project": wanted.project, "limit": size + 1, **superset.parameters}
    if among is not None:
        sql, bound["session_ids"] = sql.replace(_OF_PROJECT, f"{_OF_PROJECT} AND {_AMONG}"), list(among)
    return run(client, sql, bound)


def _keys(
    client: Client,
    wanted: Wanted,
    condition: Condition,
    place: Place | None = None,
    *,
    among: Sequence[str] | None = None,
    known: whole.Known | None = None,
) -> list[Row]:
    """The page worked out, of all sessions or among some: ids and keys, or all columns where their kinds are known."""
    column, type_ = _KEYS[wanted.sort]
    bound: dict[str, Any] = {"project": wanted.project, "limit": wanted.limit + 1, **condition.parameters}
    behind, within, chosen = "1", "1", condition.sql
    if among is not None:
        within, bound["session_ids"] = _AMONG, list(among)
        chosen = chosen.replace(_OF_PROJECT, f"{_OF_PROJECT} AND {within}")
    if place is not None:
        bound["key"], bound["behind"] = place
        sign = "<" if wanted.order == "desc" else ">"
        behind = f"(_key {sign} {{key:{type_}}} OR _key = {{key:{type_}}} AND SessionId > {{behind:String}})"
    texts = {"KEY": _key(wanted), "DIRECTION": wanted.order.upper(), "AMONG": within}
    texts |= {"CONDITION": chosen, "BEHIND": behind, "COLUMNS": "*" if known else "SessionId"}
    if known:
        rows = whole.select(client, "list_keys", bound, known, long_apart=not condition.is_found, **texts)
        return [{"_key": nanoseconds(row[column]) if type_ == _TIME else row[column], **row} for row in rows]
    sql = composed("list_keys", **texts)
    return run(client, sql, bound) if among is None else run(client, *keyed.by_key(client, sql, bound))


def _whole(client: Client, project: str, page: Sequence[Row], parts: Parts | None) -> list[Row]:
    """The rows of a page in the columns of the view `sessions`, of which some have all and some only the id."""
    known = {row["SessionId"]: {name: value for name, value in row.items() if name != "_key"} for row in page}
    for ids in portions(id_ for id_, row in known.items() if _FIGURES not in row):
        named = {"project": project, "session_ids": ids}
        kinds = whole.known_of(client, project, ids, parts)
        read = {row["SessionId"]: row for row in whole.select(client, "session_rows", named, kinds)}
        known = {id_: read.get(id_, row) for id_, row in known.items()}
    return [row for row in known.values() if _FIGURES in row]


def _all_keys(client: Client, wanted: Wanted, began_ns: int, now_ns: int) -> list[Row]:
    """Those of all sessions that had begun when the reader did, in their order."""
    condition = wanted.filter.condition(now_ns)
    behind = "toUnixTimestamp64Nano(StartTime) <= {began:Int64}"
    texts = {"KEY": _key(wanted), "DIRECTION": wanted.order.upper(), "AMONG": "1", "BEHIND": behind}
    texts["CONDITION"] = condition.sql
    bound = {"project": wanted.project, "limit": MAX_IDS_OF_ONE, "began": began_ns, **condition.parameters}
    return run(client, composed("list_keys", **texts, COLUMNS="SessionId"), bound)
