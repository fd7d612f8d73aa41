# SPDX-License-Identifier: Apache-2.0
"""What is told of sessions that have fallen silent: decided first, then told, so that a revision is one thing for ever.

A decision and what became of it are rows of `_session_hooks`. All functions raise `Retryable`, `SchemaError` or
`QueryError` as those of `attribution` do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from otel_sessions.clickhouse.errors import reading, writing
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.sql import statement

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

State = Literal["pending", "delivered", "given_up"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that may have fallen silent anew; `last_activity` and `span_count` are of its last `revision`, which is
    0 if there is none.

    `rows` is how many rows were ever stored under it, `idle_after_ns` how long after its last span it is idle.
    """

    project: str
    session_id: str
    rows: int
    revision: int
    last_activity: str
    span_count: int
    idle_after_ns: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A session has fallen silent for the `revision`th time: what `hook` tells of it, and what became of that.

    A notice of an alert is of no session. Times are of ClickHouse (`last_activity`, UTC) or unix milliseconds.
    """

    hook: str
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
    client: Client, hook: str, *, within_s: float, projects: Sequence[str], now_ns: int, limit: int
) -> list[Candidate]:
    """Those that are idle by their sums, for `within_s` at most, the longest first. Their exact figures may say that
    they are not, or that nothing has changed."""
    after = max(0, now_ns - int(within_s * 1e9))
    bound = {"hook": hook, "projects": list(projects), "after": after, "now": now_ns, "limit": limit}
    return [
        Candidate(
            row["Project"],
            row["SessionId"],
            row["Rows"],
            row["Revision"],
            row["LastActivity"],
            row["SpanCount"],
            row["IdleAfter"],
        )
        for row in _rows(client, "candidates", bound)
    ]


def due(client: Client, hooks: Sequence[str], *, now_ms: int, limit: int) -> list[Notice]:
    """Those that are to be told now."""
    return [
        Notice(
            row["Hook"],
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
        for row in _rows(client, "due", {"hooks": list(hooks), "now": now_ms, "limit": limit})
    ]


def last_revision(client: Client, hook: str, project: str) -> int:
    """Of what an alert has told; 0 if it has told nothing."""
    return int(_rows(client, "last_revision", {"hook": hook, "project": project})[0]["Revision"])


def note(client: Client, notices: Sequence[Notice]) -> None:
    """Stores the notices as they are now; of two with one revision, the later counts."""
    if not notices:
        return
    now = time.time_ns() // 1000
    rows = [
        {
            "Hook": each.hook,
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
    with writing("noting what is told"):
        client.raw_insert("_session_hooks", insert_block=body, settings=settings(client), fmt="JSONEachRow")


def _rows(client: Client, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with reading():
        body = client.raw_query(statement(__package__, name), parameters=dict(parameters), fmt="JSONEachRow")
    return [orjson.loads(line) for line in body.splitlines() if line]
