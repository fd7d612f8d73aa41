"""What deserves a look: errors by what they say, and traces that are in no session."""

from __future__ import annotations

from datetime import datetime

from clickhouse_connect.driver.client import Client

from otel_sessions.queries.rows import Row, select


def error_groups(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """`Message`, `StepKind`, `StepName` with `ErrorCount`, `SessionCount`, `LastSeen`, and the last of them."""
    return select(client, "error_groups", _named(project, from_, to, limit))


def unassigned(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """`ServiceName` with the `TraceCount` and `SpanCount` of what is in no session, `LastSeen`, and `OneTrace`."""
    return select(client, "unassigned", _named(project, from_, to, limit))


def _named(project: str, from_: datetime, to: datetime, limit: int) -> dict[str, object]:
    return {"project": project, "from": _text(from_), "to": _text(to), "limit": limit}


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")
