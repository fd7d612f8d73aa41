# SPDX-License-Identifier: Apache-2.0
"""Which sessions stay whole, and which only with their figures: decided once, then what they said is removed.

What is removed is what their spans carry: attributes, events, links. Their rows stay with what figures are made of, so
that late spans, repetitions, `verify` and `rebuild` need to know nothing of it. All functions raise `Retryable`,
`SchemaError` or `Permanent`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import orjson

from otel_sessions.clickhouse.chunks import batched
from otel_sessions.clickhouse.cluster import mutate
from otel_sessions.clickhouse.errors import reading, writing
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.sql import statement
from otel_sessions.sessions import attribution, deletion

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

State = Literal["kept", "dropping", "dropped"]
_TRACES_A_STATEMENT: Final = 10_000
_TABLES: Final = ("otel_traces", "_corrected_spans")


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a session. `weight` is how many like it one that was kept stands for, 0 where it was not.

    `rule` is the number of the rule that decided, from 1; 0 where none did. `rows` is how many rows were stored under
    it then.
    """

    project: str
    session_id: str
    rows: int
    state: State | None = None
    weight: float = 1.0
    rule: int = 0
    decided_at: int = 0

    @property
    def key(self) -> deletion.SessionKey:
        return self.project, self.session_id


def candidates(client: Client, *, within_s: float, projects: Sequence[str], now_ns: int, limit: int) -> list[Decision]:
    """Sessions that are idle, for `within_s` at most, and not decided on yet (`state` is None), the longest idle first;
    and those that were dropped, of which something was stored since, or which were left in the middle."""
    bound = {
        "projects": list(projects),
        "after": max(0, now_ns - int(within_s * 1e9)),
        "now": now_ns,
        "limit": limit,
    }
    with reading():
        body = client.raw_query(statement(__package__, "candidates"), parameters=bound, fmt="JSONEachRow")
    rows = [orjson.loads(line) for line in body.splitlines() if line]
    others = ("Weight", "Rule", "DecidedAt")
    return [
        Decision(row["Project"], row["SessionId"], row["Rows"], row["State"] or None, *(row[name] for name in others))
        for row in rows
    ]


def shared(client: Client, sessions: Sequence[deletion.SessionKey]) -> set[deletion.SessionKey]:
    """Those of these sessions that have a trace together with another session."""
    wanted = set(sessions)
    with reading():
        traces = deletion.traces_of(client, wanted)
    return {(project, id_) for (project, _), ids in traces.items() if len(ids) > 1 for id_ in ids} & wanted


def drop(client: Client, sessions: Sequence[deletion.SessionKey]) -> None:
    """Removes what the spans of these sessions carry. Stopped before its end, it can be run again."""
    with writing("dropping what sessions said"):
        traces = list(deletion.traces_of(client, sessions))
        for some in batched(traces, _TRACES_A_STATEMENT):
            for table in _TABLES:
                sql, bound = attribution.bound(statement(__package__, "drop"), some)
                mutate(client, sql, table, bound, {"mutations_sync": 2})


def note(client: Client, decisions: Sequence[Decision]) -> None:
    """Stores these decisions; the latest of a session counts."""
    if not decisions:
        return
    rows = [
        {
            "Project": each.project,
            "SessionId": each.session_id,
            "State": each.state,
            "Weight": each.weight,
            "Rule": each.rule,
            "Rows": each.rows,
            "DecidedAt": each.decided_at / 1000,
            "UpdatedAt": time.time_ns() // 1000 / 1e6,
        }
        for each in decisions
    ]
    body = b"\n".join(map(orjson.dumps, rows))
    with writing("noting which sessions are kept"):
        client.raw_insert("_session_sampling", insert_block=body, settings=settings(client), fmt="JSONEachRow")
