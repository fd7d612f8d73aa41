# SPDX-License-Identifier: Apache-2.0
"""Deletes sessions everywhere: spans, figures, corrections and what people added. What arrives late stays away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
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
_DERIVED: Final = ("_corrections", "_corrected_spans", "_session_turns", "_trace_claims")
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


def delete(client: Client, sessions: Sequence[SessionKey], *, forget_for: timedelta | None = FORGET_FOR) -> int:
    """Deletes these sessions, some hundred at most, and returns how many of them there were.

    What arrives for one within `forget_for` is dropped; None is for ever. A trace that one shares with a session that
    stays keeps that one's spans. Stopped before its end, it can be run again. Raises `Retryable` or `Permanent`.
    """
    wanted = set(sessions)
    if not wanted:
        return 0
    with writing("deleting sessions"):
        whole, shared, found = _traces(client, wanted)
        _forget(client, sessions, whole, forget_for)
        if shared:
            sql, of_sessions = attribution.bound(statement(__package__, "shared_spans"), sessions, name="sessions")
            sql, of_traces = attribution.bound(sql, shared)
            spans = client.query(sql, parameters={**of_sessions, **of_traces, "repeated": 1}).result_rows
            for some in batched(spans, _SPANS_A_STATEMENT):
                mutate(
                    client, statement(__package__, "spans"), "otel_traces", {"spans": [tuple(span) for span in some]}
                )
        for table in ("otel_traces", *_DERIVED):
            _run(client, "traces_of", table=table, traces=[*whole])
        if shared:
            for table in _DERIVED:
                _run(client, "traces_of", table=table, traces=shared)
            attribution.correct_anew(client, shared)
        for table in _OF_SESSIONS:
            _run(client, "sessions_of", table=table, sessions=sessions)
        _run(client, "scores_of_traces", table="_scores", traces=[*whole])
    return len(found)


def forgotten(client: Client) -> dict[SessionKey, list[str]]:
    """The sessions whose spans are to stay away now, with the traces that they had; raises as `queries` do."""
    with reading():
        rows = client.query(statement(__package__, "forgotten")).result_rows
    return {(project, session): list(traces) for project, session, traces in rows}


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


def _forget(
    client: Client, sessions: Sequence[SessionKey], whole: dict[TraceKey, list[str]], forget_for: timedelta | None
) -> None:
    traces: defaultdict[SessionKey, list[str]] = defaultdict(list)
    for (project, trace), ids in whole.items():
        for session in ids:
            traces[project, session].append(trace)
    now = datetime.now(UTC)
    until = _FOR_EVER if forget_for is None else min(_FOR_EVER, now + forget_for)
    rows = [
        {
            "Project": project,
            "SessionId": session,
            "Traces": traces[project, session],
            **{name: f"{time:%Y-%m-%d %H:%M:%S.%f}" for name, time in (("DeletedAt", now), ("UpdatedAt", now))},
            "Until": f"{until:%Y-%m-%d %H:%M:%S.%f}",
        }
        for project, session in sessions
    ]
    body = b"\n".join(orjson.dumps(row) for row in rows)
    client.raw_insert("_forgotten", insert_block=body, settings=settings(client), fmt="JSONEachRow")


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
