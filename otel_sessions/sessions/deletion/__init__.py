# SPDX-License-Identifier: Apache-2.0
"""Deletes sessions everywhere: spans, figures, corrections and what people added. What arrives late stays away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson

from otel_sessions.clickhouse.chunks import batched
from otel_sessions.clickhouse.cluster import mutate
from otel_sessions.clickhouse.errors import reading, writing
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.sql import statement
from otel_sessions.sessions import attribution
from otel_sessions.sessions.attribution import TraceKey

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SessionKey = tuple[str, str]
"""(project, session id)"""
FORGET_FOR: Final = timedelta(hours=24)
_FOR_EVER: Final = datetime(2261, 12, 31, tzinfo=UTC)
_SPANS_A_STATEMENT: Final = 500
SESSIONS_AT_ONCE: Final = 200
"""How many sessions one deletion is asked for at most, where there may be many."""
_DERIVED: Final = ("_corrections", "_corrected_turns", "_corrected_spans", "_session_turns", "_trace_claims")
_OF_SESSIONS: Final = (
    "_session_activity",
    "_scores",
    "_session_bookmarks",
    "_session_labels",
    "_session_comments",
    "_session_shares",
    "_shared_turns",
    "_shared_spans",
    "_session_hooks",
    "_session_sampling",
)


@dataclass(frozen=True, slots=True)
class _Gone:
    """Until when what arrives for a session is dropped, and the traces that it had."""

    until: datetime
    traces: set[str]


@dataclass(frozen=True, slots=True)
class Away:
    """A session that was deleted: the traces that it had, until when its spans stay away, and when that was said."""

    traces: Sequence[str]
    until_ns: int
    updated_ns: int


def delete(client: Client, sessions: Sequence[SessionKey], *, forget_for: timedelta | None = FORGET_FOR) -> int:
    """Deletes these sessions, some hundred at most, and returns how many of them there were.

    What arrives for one within `forget_for` is dropped; None is for ever. A trace that one shares with a session that
    stays keeps that one's spans. Stopped before its end, it can be run again. Raises `Retryable` or `Permanent`.
    """
    now = datetime.now(UTC)
    until = _FOR_EVER if forget_for is None else min(_FOR_EVER, now + forget_for)
    with writing("deleting sessions"):
        known = _known(client, sessions)
        return _delete(client, {key: _Gone(until, known[key].traces if key in known else set()) for key in sessions})


def delete_stored_again(client: Client, since_ns: int) -> int:
    """Deletes what is `stored_again` of sessions that were deleted since then, and returns how many had something.

    What arrives for them stays away for as long as it would have. Raises `Retryable` or `Permanent`.
    """
    with writing("deleting sessions"):
        again = stored_again(client, since_ns)
        for some in batched(again, SESSIONS_AT_ONCE):
            _delete(client, _known(client, some))
        return len(again)


def _delete(client: Client, gone: dict[SessionKey, _Gone]) -> int:
    if not gone:
        return 0
    sessions = list(gone)
    # Before what is there is looked up: an insert that does not know of this deletion, and whose rows are not among
    # those found here, ends after it, and what it has stored is found by `stored_again`.
    _forget(client, gone)
    whole, shared, found = _traces(client, set(gone))
    for (project, trace), ids in whole.items():
        for session in ids:
            gone[project, session].traces.add(trace)
    if whole:
        _forget(client, gone)
    for (project, session), of_session in gone.items():  # of what was deleted before there may be spans without turns
        for trace in of_session.traces:
            whole.setdefault((project, trace), [session])
    shared = [trace for trace in shared if trace not in whole]  # what arrives of those stays away from all sessions
    if shared:
        sql, of_sessions = attribution.bound(statement(__package__, "shared_spans"), sessions, name="sessions")
        sql, of_traces = attribution.bound(sql, shared)
        spans = client.query(sql, parameters={**of_sessions, **of_traces, "repeated": 1}).result_rows
        for some in batched(spans, _SPANS_A_STATEMENT):
            mutate(client, statement(__package__, "spans"), "otel_traces", {"spans": [tuple(span) for span in some]})
    attribution.remove(client, "otel_traces", [*whole])
    _tell_unknown_metadata(client, sessions, [*whole, *shared])
    for table in _DERIVED:
        attribution.remove(client, table, [*whole])
    if shared:
        for table in _DERIVED:
            attribution.remove(client, table, shared)
        attribution.correct_anew(client, shared)
    for table in _OF_SESSIONS:
        _run(client, "sessions_of", table=table, sessions=sessions)
    _run(client, "scores_of_traces", table="_scores", traces=[*whole])
    return len(found)


def forgotten(client: Client, since_ns: int | None = None) -> dict[SessionKey, Away]:
    """The sessions whose spans are to stay away now, or what was said of any since a moment, ns since 1970, be its time
    over or not. Raises as `queries` do.
    """
    name, parameters = ("forgotten", {}) if since_ns is None else ("forgotten_since", {"since": since_ns})
    with reading():
        rows = client.query(statement(__package__, name), parameters).result_rows
    return {(project, session): Away(*of_session) for project, session, *of_session in rows}


def stored_again(client: Client, since_ns: int) -> list[SessionKey]:
    """The sessions that were deleted since then, ns since 1970, and of which spans are stored all the same.

    An insert that began before it could know of the deletion may have stored them. Raises as the client does.
    """
    if not client.query(statement(__package__, "any_since"), {"since": since_ns}).result_rows:
        return []
    rows = client.query(statement(__package__, "stored_again"), {"since": since_ns}).result_rows
    return [(project, session) for project, session in rows]


def traces_of(client: Client, sessions: Collection[SessionKey]) -> dict[TraceKey, list[str]]:
    """The traces that any of these sessions has a part in, each with all sessions that have one."""
    sql, parameters = attribution.bound(statement(__package__, "traces"), list(sessions), name="sessions")
    rows = client.query(sql, parameters=parameters).result_rows
    return {(project, trace): list(ids) for project, trace, ids in rows}


def _traces(
    client: Client, sessions: set[SessionKey]
) -> tuple[dict[TraceKey, list[str]], list[TraceKey], set[SessionKey]]:
    """The traces that these sessions have alone, by their sessions, those they share with others, and who has any."""
    whole, shared, found = dict[TraceKey, list[str]](), list[TraceKey](), set[SessionKey]()
    for (project, trace), ids in traces_of(client, sessions).items():
        held = {(project, session) for session in ids}
        found |= held & sessions
        if held <= sessions:
            whole[project, trace] = ids
        else:
            shared.append((project, trace))
    return whole, shared, found


def _known(client: Client, sessions: Sequence[SessionKey]) -> dict[SessionKey, _Gone]:
    """Of these sessions those that are deleted already."""
    sql, parameters = attribution.bound(statement(__package__, "forgotten_of"), sessions, name="sessions")
    rows = client.query(sql, parameters=parameters).result_rows if sessions else ()
    return {(project, session): _Gone(until, set(traces)) for project, session, traces, until in rows}


def _forget(client: Client, gone: Mapping[SessionKey, _Gone]) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    rows = [
        {
            "Project": project,
            "SessionId": session,
            "Traces": sorted(of_session.traces),
            "DeletedAt": now,
            "UpdatedAt": now,
            "Until": f"{of_session.until:%Y-%m-%d %H:%M:%S.%f}",
        }
        for (project, session), of_session in gone.items()
    ]
    body = b"\n".join(orjson.dumps(row) for row in rows)
    client.raw_insert("_forgotten", insert_block=body, settings=settings(client), fmt="JSONEachRow")


def _tell_unknown_metadata(client: Client, gone: Sequence[SessionKey], traces: Sequence[TraceKey]) -> None:
    if traces:
        sql, of_sessions = attribution.bound(statement(__package__, "unknown_metadata"), gone, name="sessions")
        sql, of_traces = attribution.bound(sql, traces)
        client.raw_query(sql, parameters={**of_sessions, **of_traces}, settings=settings(client))


def _run(
    client: Client,
    name: str,
    *,
    table: str,
    sessions: Sequence[SessionKey] = (),
    traces: Sequence[TraceKey] = (),
) -> None:
    if not sessions and not traces:
        return
    sql, of_sessions = attribution.bound(statement(__package__, name), sessions, name="sessions")
    sql, of_traces = attribution.bound(sql, traces)
    mutate(client, sql, table, {**of_sessions, **of_traces})
