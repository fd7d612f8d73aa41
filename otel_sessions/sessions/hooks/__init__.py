"""What is told of sessions that have fallen silent: decided first, then told, so that a revision is one thing for ever.

A decision and what became of it are rows of `_session_hooks`. All functions raise `Retryable`, `SchemaError` or
`QueryError` as those of `attribution` do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.errors import reading, writing
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.sql import statement

State = Literal["pending", "delivered", "given_up"]


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a session says nothing before it counts as silent: seconds, by project where that differs.

    What has been silent for more than `within` seconds is not told of.
    """

    after: float
    of_projects: Mapping[str, float]
    within: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that may have fallen silent anew; the last two are of its last `revision`, which is 0 if there is none.

    `rows` is how many rows were ever stored under it.
    """

    project: str
    session_id: str
    rows: int
    revision: int
    last_activity: str
    span_count: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A session has fallen silent for the `revision`th time: what is told of it, and what became of that.

    Times are of ClickHouse (`last_activity`, UTC) or unix milliseconds.
    """

    project: str
    session_id: str
    revision: int
    last_activity: str
    span_count: int
    rows: int
    payload: str
    decided_at: int
    state: State = "pending"
    attempts: int = 0
    next_attempt: int = 0


def candidates(
    client: Client, hook: str, silence: Silence, *, projects: Sequence[str], now_ns: int, limit: int
) -> list[Candidate]:
    """Those that have been silent for long enough by their sums, the longest silent first. Their exact figures may say
    that they have not, or that nothing has changed."""
    named = list(silence.of_projects)
    rows = _rows(
        client,
        "candidates",
        {
            "hook": hook,
            "projects": list(projects),
            "named": named,
            "silences": [_ns(silence.of_projects[project]) for project in named],
            "silence": _ns(silence.after),
            "after": max(0, now_ns - _ns(silence.within)),
            "now": now_ns,
            "limit": limit,
        },
    )
    return [
        Candidate(row["Project"], row["SessionId"], row["Rows"], row["Revision"], row["LastActivity"], row["SpanCount"])
        for row in rows
    ]


def due(client: Client, hook: str, *, now_ms: int, limit: int) -> list[Notice]:
    """Those that are to be told now."""
    return [
        Notice(
            row["Project"],
            row["SessionId"],
            row["Revision"],
            row["LastActivity"],
            row["SpanCount"],
            row["Rows"],
            row["Payload"],
            row["DecidedAt"],
            row["State"],
            row["Attempts"],
            row["NextAttempt"],
        )
        for row in _rows(client, "due", {"hook": hook, "now": now_ms, "limit": limit})
    ]


def note(client: Client, hook: str, notices: Sequence[Notice]) -> None:
    """Stores the notices as they are now; of two with one revision, the later counts."""
    if not notices:
        return
    now = time.time_ns() // 1000
    rows = [
        {
            "Hook": hook,
            "Project": each.project,
            "SessionId": each.session_id,
            "Revision": each.revision,
            "LastActivity": each.last_activity,
            "SpanCount": each.span_count,
            "Rows": each.rows,
            "State": each.state,
            "Attempts": each.attempts,
            "NextAttempt": each.next_attempt / 1000,
            "Payload": each.payload if each.state == "pending" else "",
            "DecidedAt": each.decided_at / 1000,
            "UpdatedAt": now / 1e6,
        }
        for each in notices
    ]
    body = b"\n".join(orjson.dumps(row) for row in rows)
    with writing("noting what is told of silent sessions"):
        client.raw_insert("_session_hooks", insert_block=body, settings=settings(client), fmt="JSONEachRow")


def _rows(client: Client, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with reading():
        body = client.raw_query(statement(__package__, name), parameters=dict(parameters), fmt="JSONEachRow")
    return [orjson.loads(line) for line in body.splitlines() if line]


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
