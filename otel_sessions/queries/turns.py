"""Sessions by their start, and their traces with what belongs to them: what Langfuse's API lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_sessions.queries.rows import Row, select
from otel_sessions.queries.scores import total
from otel_sessions.queries.sessions import MAX_ROWS

FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2262, 1, 1, tzinfo=UTC)


def sessions(
    client: Client,
    *,
    project: str,
    limit: int,
    offset: int = 0,
    environments: Sequence[str] = (),
    from_: datetime = FIRST,
    to: datetime = LAST,
) -> tuple[list[Row], int]:
    """`SessionId`, `StartTime` and `Environments`, the last started first, and how many sessions there are.

    Those that start from `from_` to before `to`, in any of `environments` if there are any; a session without one is in
    `default`.
    """
    wanted = {"project": project, "environments": list(environments), "from": _text(from_), "to": _text(to)}
    rows = select(client, "sessions_started", {**wanted, "limit": limit, "offset": offset})
    if not rows and offset:
        return [], total(select(client, "sessions_started", {**wanted, "limit": 1, "offset": 0}))
    return rows, total(rows)


def traces(client: Client, *, project: str, session_id: str, limit: int = MAX_ROWS) -> list[Row]:
    """Those of a session, oldest first: the columns of `session_traces`, `Tags` and `Environment`."""
    return select(client, "session_turns", {"project": project, "session_id": session_id, "limit": limit})


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
