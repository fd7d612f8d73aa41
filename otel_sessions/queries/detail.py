# SPDX-License-Identifier: Apache-2.0
"""One session, and what is in it, page by page, oldest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from otel_sessions.queries import added, chains, keyed, next_turns
from otel_sessions.queries.additions import said_of_one, state
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.paging import MAX_IDS_OF_ONE, Moving, Page, Place, Readers, decode, encode, page, unread
from otel_sessions.queries.rows import Row, portions, select
from otel_sessions.queries.shapes import GROUPS
from otel_sessions.queries.stored_parts import TURNS, parts_of
from otel_sessions.semconv import SESSION_PREVIOUS_ID

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_FIRST: Final = "1900-01-01 00:00:00"


def get_session(
    client: Client, *, project: str, session_id: str, now_ns: int, groups: Collection[str] = frozenset(GROUPS)
) -> Row | None:
    """The session in the columns of the view `sessions`, with what `with_additions` says of it and `Share` (the newest
    link to it that works, as `list_shares` has it, or None), `PreviousSessionId` (what its spans say, or None),
    `NextSessionIds` and `Life`; None if there is none.

    `Life` is `state`, which is `reopened` where an active session had been idle before; `reopened`, how many times it
    was; `revision`, the last one that was told or evaluated, None without hooks; and `parts`, how many it has.
    """
    stored = parts_of(client, (*added.TABLES, added.CORRECTIONS, TURNS))
    known = None if stored is None else added.known(client, project, [session_id], stored)
    named = {"project": project, "session_id": session_id}
    if not is_frozen(client):
        has_none = known is not None and not known.within([added.CORRECTIONS])
        client = keyed.remembering(client, {("in_doubt", project): {session_id}} if has_none else {})
        if not has_none:  # once for all statements, which are asked side by side
            keyed.corrections_of(client, named)

    def said_and_ends(client: Client) -> tuple[Row, list[Row]]:
        said = said_of_one(client, project, session_id, groups, known)
        limits = {"idle_after": said["IdleAfter"], "split_after": said.pop("SplitAfter")}
        return said, keyed.select(client, "one_ends", {**named, **limits})

    (said, ends), rows, following = keyed.at_once(
        client,
        said_and_ends,
        lambda client: keyed.select(client, "session_rows", named),
        lambda client: chains.next_sessions(client, project, session_id, stored),
    )
    if not rows or not ends:  # it may be deleted between the two
        return None
    said |= state(rows[0], said["IdleAfter"], now_ns)
    reopened, parts, revision = ends[0].pop("Reopened"), ends[0].pop("Parts"), said.pop("Revision")
    return {
        **rows[0],
        **ends[0],
        **said,
        "Life": {
            "state": "reopened" if said["State"] == "active" and reopened else said["State"],
            "reopened": reopened,
            "revision": revision or None,
            "parts": parts,
        },
        "PreviousSessionId": _previous(rows[0]),
        "NextSessionIds": following,
    }


def _previous(row: Row) -> str | None:
    """The session that this one goes on from, as its spans say; it may be one that was never seen."""
    told = row["Metadata"].get(SESSION_PREVIOUS_ID)
    return None if told == row["SessionId"] else told


def has_session(client: Client, *, project: str, session_id: str) -> bool:
    return bool(keyed.select(client, "has_session", {"project": project, "session_id": session_id}))


def has_turn(client: Client, *, project: str, session_id: str, trace_id: str) -> bool:
    named = {"project": project, "session_id": session_id, "trace_id": trace_id}
    return bool(keyed.select(client, "has_turn", named))


def list_traces(
    client: Client,
    *,
    project: str,
    session_id: str,
    limit: int,
    cursor: str | None = None,
    readers: Readers | None = None,
) -> Page:
    """Its turns by their start, in the columns of the view `session_traces`.

    With `readers`, whoever follows the cursors has every turn once that was there all along: one of which a span
    arrives that started before all others moves over whoever reads below it.
    """
    scope = {"project": project, "session_id": session_id}

    def behind(place: Place | None) -> list[Row]:
        time, trace_id = place or (_FIRST, "")
        rows = next_turns.turns_behind(client, {**scope, "time": time, "trace_id": trace_id, "limit": limit + 1})
        return [{**row, "_key": row["StartTime"]} for row in rows]

    def begun(_: int) -> list[Row]:
        named = {**scope, "time": _FIRST, "trace_id": "", "limit": MAX_IDS_OF_ONE}
        return next_turns.turns_ahead(client, named)

    moving = Moving(("moving traces", project, session_id), "TraceId", behind, begun)
    page, next_ = unread(moving, limit, cursor, readers, 0)
    known = {row["TraceId"]: row for row in page}
    for ids in portions(id_ for id_, row in known.items() if "StartTime" not in row):
        rows = keyed.select(client, "turns_of", {**scope, "trace_ids": ids}, COLUMNS="*")
        known |= {row["TraceId"]: row for row in rows}
    shown = [row for row in known.values() if "StartTime" in row]
    return Page([{name: value for name, value in row.items() if name != "_key"} for row in shown], next_)


OUTLINED: Final = {
    "number": "Number",
    "cost": "Cost DESC",
    "tokens": "TotalTokens DESC",
    "duration": "Duration DESC",
    "errors": "ErrorCount DESC",
}
"""Orders of an outline."""


def outline(client: Client, *, project: str, session_id: str, sort: str, limit: int) -> list[Row]:
    """The first turns by an order of `OUTLINED`, each with its `Number`, from 1 by start, and what was asked."""
    named = {"project": project, "session_id": session_id, "limit": limit}
    return keyed.select(client, "outline", named, SORT=OUTLINED[sort])


def place_of_turn(client: Client, *, project: str, session_id: str, trace_id: str) -> tuple[str, int] | None:
    """A cursor of `replay.turns` to the page that begins with a turn, and how many turns are before it; None if there
    is no such turn.
    """
    named = {"project": project, "session_id": session_id, "trace_id": trace_id}
    rows = keyed.select(client, "turn_place", named)
    if not rows:
        return None
    just_before = rows[0]["TraceId"][:-1]  # sorts before the id, and behind all that do
    return encode(("turns", project, session_id), (rows[0]["Start"], just_before, {})), rows[0]["Before"]


def list_bars(client: Client, *, project: str, session_id: str, traces: Sequence[str], limit: int) -> list[Row]:
    """The spans of these turns by their start, with what a waterfall draws of them."""
    named = {"project": project, "session_id": session_id, "traces": list(traces), "limit": limit}
    return keyed.select(client, "list_bars", named)


def timeline(client: Client, *, project: str, session_id: str, limit: int, cursor: str | None = None) -> Page:
    """Its minutes, in the columns of the view `session_timeline`."""
    list_ = ["timeline", project, session_id]
    (minute,) = decode(list_, cursor) if cursor else (_FIRST,)
    named = {"project": project, "session_id": session_id, "minute": minute, "limit": limit + 1}
    return page(keyed.select(client, "timeline", named), limit, list_, lambda row: (row["Minute"],))


def parts(client: Client, *, project: str, session_id: str, limit: int, cursor: str | None = None) -> Page:
    """Its parts by their number, in the columns of the view `session_parts`."""
    list_ = ["parts", project, session_id]
    (part,) = decode(list_, cursor) if cursor else (0,)
    named = {"project": project, "session_id": session_id, "part": part, "limit": limit + 1}
    return page(keyed.select(client, "parts", named), limit, list_, lambda row: (row["Part"],))


def parts_beginning(client: Client, *, project: str, session_id: str, traces: Sequence[str]) -> list[Row]:
    """Those of its parts that begin with one of these turns, with `PreviousTraceId` and `NextTraceId`: the turns with
    which the parts beside it begin, empty where there is none. A session of one part has none.
    """
    (limit,) = select(client, "split_after", {"project": project})
    if not limit["SplitAfter"]:
        return []
    named = {"project": project, "session_id": session_id, "traces": list(traces)}
    return keyed.select(client, "parts_beginning", named)


def course(client: Client, *, project: str, session_id: str, columns: int) -> list[Row]:
    """Its minutes as at most `columns` parts: `First`, `Size` in minutes, `Place` from 0, `Tokens`, `Cost`, `Errors`.

    Parts in which nothing was are left out.
    """
    return keyed.select(client, "course", {"project": project, "session_id": session_id, "columns": columns})


def models(client: Client, *, project: str, session_id: str) -> list[Row]:
    """`Model`, `TotalTokens`, `Cost` and `UnpricedCalls` of its models, what cost most first."""
    return keyed.select(client, "session_models", {"project": project, "session_id": session_id})


def percentiles(client: Client, *, project: str, session_id: str) -> Row | None:
    """`P50` and `P95` of how long its turns took, in nanoseconds; None without a turn."""
    rows = keyed.select(client, "session_percentiles", {"project": project, "session_id": session_id})
    return rows[0] if rows else None


def is_sampled_out(client: Client, *, project: str, session_id: str) -> bool:
    """Whether sampling left its figures and the frames of its spans only."""
    return bool(select(client, "sampled_out", {"project": project, "session_id": session_id}))


def last_failure(client: Client, *, project: str, session_id: str) -> Row | None:
    """`TraceId`, `SpanId`, `StepKind`, `StepName`, `SpanName` and `Message` of the error span that ended last: the one
    of the figure `LastError`.
    """
    rows = keyed.select(client, "last_failure", {"project": project, "session_id": session_id})
    return rows[0] if rows else None
