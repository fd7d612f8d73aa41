# SPDX-License-Identifier: Apache-2.0
"""Deletes what was kept for long enough: whole sessions by their last activity, spans of no session by their time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from otel_sessions.clickhouse.cluster import mutate
from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.sql import statement
from otel_sessions.sessions import attribution
from otel_sessions.sessions.deletion import FORGET_FOR, SESSIONS_AT_ONCE, delete, delete_stored_again

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

KEEPS: Final = ("bookmarked", "scored", "labelled")


def expire(
    client: Client,
    *,
    now: datetime,
    sessions: timedelta | None,
    unassigned: timedelta | None,
    keep: Sequence[str] = KEEPS,
    forget_for: timedelta | None = FORGET_FOR,
) -> int:
    """Deletes sessions not active for `sessions` and spans of no session older than `unassigned`; None keeps for ever.

    Returns how many sessions it deleted. Sessions that any of `keep` speaks for stay. What has been stored of deleted
    sessions, although it was to stay away, goes too, and what corrections say that others have replaced. Raises
    `Retryable` or `Permanent`.
    """
    deleted = 0
    with writing("deleting what has been kept for long enough"):
        delete_stored_again(client, 0)
        attribution.clear(client)
        while sessions is not None:
            bound = {"before": _ns(now - sessions), "keep": list(keep), "limit": SESSIONS_AT_ONCE}
            rows = client.query(statement(__package__, "expired"), bound).result_rows
            expired = [(project, session) for project, session in rows]
            deleted += delete(client, expired, forget_for=forget_for)
            if len(expired) < SESSIONS_AT_ONCE:
                break
        if unassigned is not None:
            for name, table in (("unassigned_spans", "otel_traces"), ("unassigned_claims", "_trace_claims")):
                mutate(client, statement(__package__, name), table, {"before": _ns(now - unassigned)})
    return deleted


def _ns(time: datetime) -> int:
    return max(0, int(time.timestamp() * 1_000_000_000))
