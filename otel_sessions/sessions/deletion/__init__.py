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
from otel_sessions.sessions.attribution import NO_CLAIM, Claim, TraceKey

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SessionKey = tuple[str, str]
"""(project, session id)"""
SpanKey = tuple[str, str, str]
"""(project, trace id, span id)"""
FORGET_FOR: Final = timedelta(hours=24)
KEEPS_APART: Final = 2
"""Claims of levels up to this one, session ids, keep spans of one trace apart."""
_FOR_EVER: Final = datetime(2261, 12, 31, tzinfo=UTC)
_SPANS_A_STATEMENT: Final = 500
SESSIONS_AT_ONCE: Final = 200
"""How many sessions one deletion is asked for at most, where there may be many."""
_DERIVED: Final = ("_corrections", "_corrected_turns", "_corrected_spans", "_session_turns", "_trace_claims")
_OF_TURNS: Final = ("_corrections", "_corrected_turns", "_session_turns")
"""Those that have rows of sessions. By what turns have of a deleted session it is told that there is more to do."""
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
    """Until when what arrives for a session is dropped, and the traces that it had, with the levels of their claims."""

    until: datetime
    traces: dict[str, int]


@dataclass(frozen=True, slots=True)
class Away:
    """A session that was deleted: the traces of which it had the best claim or that it had alone, and of what level
    that claim was; until when its spans stay away, and when that was said.

    What arrives for such a trace stays away, but for spans that name another session for themselves, `KEEPS_APART`, by
    a claim that is no worse: these are in the one that they name.
    """

    traces: Sequence[str]
    levels: Sequence[int]
    until_ns: int
    updated_ns: int


@dataclass(frozen=True, slots=True)
class _Claims:
    """Of a trace its best claim, and what spans claim for themselves: level, session."""

    best: Claim
    own: Sequence[tuple[int, str]]


def delete(client: Client, sessions: Sequence[SessionKey], *, forget_for: timedelta | None = FORGET_FOR) -> int:
    """Deletes these sessions, some hundred at most, and returns how many of them there were.

    What arrives for one within `forget_for` is dropped; None is for ever. A trace that one shares with a session that
    stays keeps that one's spans. Stopped before its end, it can be run again. Raises `Retryable` or `Permanent`.
    """
    now = datetime.now(UTC)
    until = _FOR_EVER if forget_for is None else min(_FOR_EVER, now + forget_for)
    with writing("deleting sessions"):
        known = _known(client, sessions)
        return _delete(client, {key: _Gone(until, known[key].traces if key in known else {}) for key in sessions})


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
    claims = _claims(client, [*whole, *shared])
    if cut_short := [t for t in whole if t not in claims or (t[0], claims[t].best[3]) not in gone]:
        _correct_anew(client, sessions, cut_short)
        whole, shared, _ = _traces(client, set(gone))
        claims = _claims(client, [*whole, *shared])
    lost = [trace for trace in shared if trace in claims and (trace[0], claims[trace].best[3]) in gone]
    for (project, trace), ids in (whole | {trace: [claims[trace].best[3]] for trace in lost}).items():
        for session in ids:
            known = claims.get((project, trace))
            gone[project, session].traces[trace] = known.best[0] if known else 1
    if whole or lost:
        _forget(client, gone)
    levels = _levels(gone)
    spans = _shared_spans(client, sessions, shared)
    for some in batched(spans, _SPANS_A_STATEMENT):
        mutate(client, statement(__package__, "spans"), "otel_traces", {"spans": some})
        mutate(client, statement(__package__, "scores_of_spans"), "_scores", {"spans": some})
    _delete_spans(client, sessions, levels)
    # After it, so that nothing is taken for gone that was stored meanwhile, and named another session for itself.
    named = _claims(client, [trace for trace in levels if trace not in shared])
    kept = [trace for trace, of_trace in named.items() if _names_others(trace, of_trace, levels[trace], gone)]
    left = [*shared, *kept]
    away = [*levels.keys() - left]
    _tell_unknown_metadata(client, sessions, [*away, *left])
    _correct_anew(client, sessions, left)
    for table in _DERIVED:
        attribution.remove(client, table, away)
    for table in _OF_TURNS if left else ():
        _run(client, "sessions_of", table=table, sessions=sessions)
    for table in _OF_SESSIONS:
        _run(client, "sessions_of", table=table, sessions=sessions)
    _run(client, "scores_of_traces", table="_scores", traces=away)
    _run(client, "scores_of_best", table="_scores", traces=lost)
    return len(found)


def _correct_anew(client: Client, sessions: Sequence[SessionKey], traces: Sequence[TraceKey]) -> None:
    """Works out anew what sessions have of traces that deleted ones have left.

    What turns have of the deleted ones stays until that is done, so that it is done again where it is cut short.
    """
    if not traces:
        return
    for table in _DERIVED:
        if table in _OF_TURNS:
            _run(client, "traces_but_sessions", table=table, sessions=sessions, traces=traces)
        else:
            attribution.remove(client, table, traces)
    attribution.correct_anew(client, traces)


def _levels(gone: Mapping[SessionKey, _Gone]) -> dict[TraceKey, int]:
    """The traces of deleted sessions, each with the best level that any of these had it by."""
    levels: dict[TraceKey, int] = {}
    for (project, _), of_session in gone.items():
        for trace, level in of_session.traces.items():
            levels[project, trace] = min(level, levels.get((project, trace), level))
    return levels


def _names_others(trace: TraceKey, claims: _Claims, level: int, gone: Mapping[SessionKey, _Gone]) -> bool:
    """Whether a span of a trace that deleted sessions had, by a claim of this level, names one that stays."""
    return any(own <= min(level, KEEPS_APART) and (trace[0], session) not in gone for own, session in claims.own)


def _claims(client: Client, traces: Sequence[TraceKey]) -> dict[TraceKey, _Claims]:
    if not traces:
        return {}
    sql, parameters = attribution.bound(statement(__package__, "claims"), traces)
    rows = client.query(sql, parameters=parameters).result_rows
    return {(project, trace): _Claims(tuple(best), own) for project, trace, best, own in rows}


def _shared_spans(client: Client, sessions: Sequence[SessionKey], shared: Sequence[TraceKey]) -> Sequence[SpanKey]:
    """The spans that these sessions have of traces which they share with others."""
    if not shared:
        return []
    sql, of_sessions = attribution.bound(statement(__package__, "shared_spans"), sessions, name="sessions")
    sql, of_traces = attribution.bound(sql, shared)
    rows = client.query(sql, parameters={**of_sessions, **of_traces}).result_rows
    return [(project, trace, span) for project, trace, span in rows]


def _delete_spans(client: Client, sessions: Sequence[SessionKey], levels: Mapping[TraceKey, int]) -> None:
    """Deletes of traces that deleted sessions had all spans but those that name other sessions for themselves."""
    if levels:
        worse = [trace for trace, level in levels.items() if level > 1]
        sql, of_traces = attribution.bound(statement(__package__, "spans_of_traces"), [*levels])
        sql, of_worse = attribution.bound(sql, worse, name="worse")
        sql, of_sessions = attribution.bound(sql, sessions, name="sessions")
        mutate(client, sql, "otel_traces", {**of_traces, **of_worse, **of_sessions})


def forgotten(client: Client, since_ns: int | None = None) -> dict[SessionKey, Away]:
    """The sessions whose spans are to stay away now, or what was said of any since a moment, ns since 1970, be its time
    over or not. Raises as `queries` do.
    """
    name, parameters = ("forgotten", {}) if since_ns is None else ("forgotten_since", {"since": since_ns})
    with reading():
        rows = client.query(statement(__package__, name), parameters).result_rows
    return {(project, session): Away(*of_session) for project, session, *of_session in rows}


def best_claims(client: Client, traces: Sequence[TraceKey]) -> dict[TraceKey, Claim]:
    """The best claims that are stored of these traces, of those that have any. Raises as `queries` do."""
    with reading():
        return {trace: of.best for trace, of in _claims(client, traces).items() if of.best[0] < NO_CLAIM}


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
    return {
        (project, session): _Gone(until, dict(zip(traces, levels, strict=True)))
        for project, session, traces, levels, until in rows
    }


def _forget(client: Client, gone: Mapping[SessionKey, _Gone]) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    rows = [
        {
            "Project": project,
            "SessionId": session,
            "Traces": sorted(of_session.traces),
            "Levels": [level for _, level in sorted(of_session.traces.items())],
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
