# SPDX-License-Identifier: Apache-2.0
"""What deserves a look: errors by what they say, traces in no session, ids that change, unpriced calls, clocks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from otel_sessions.queries.rows import Row, select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client


def error_groups(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """`Message`, `StepKind`, `StepName` with `ErrorCount`, how many of these a step within had said already
    (`PassedOnCount`), `SessionCount`, `LastSeen`, and the last of them."""
    return select(client, "error_groups", _named(project, from_, to, limit))


def unassigned(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """`ServiceName` with the `TraceCount` and `SpanCount` of what is in no session, `LastSeen`, and `OneTrace`."""
    return select(client, "unassigned", _named(project, from_, to, limit))


def _named(project: str, from_: datetime, to: datetime, limit: int) -> dict[str, object]:
    return {"project": project, "from": _text(from_), "to": _text(to), "limit": limit}


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")


def unassigned_spans(client: Client, *, project: str, trace_id: str, limit: int) -> list[Row]:
    """The spans of a trace that is in no session, each with its attributes and those of its resource."""
    return select(client, "unassigned_spans", {"project": project, "trace_id": trace_id, "limit": limit})


def tools(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """`StepName` of tools with their own `CallCount`, `ErrorCount`, `SessionCount`, `DurationP50` and `DurationP95`."""
    return select(client, "tools", _named(project, from_, to, limit))


def changing_ids(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """By `Key` and `ServiceName` the `SessionCount`, how many are `OfOneTurn`, how many of these are `Repeats`, which
    began within half an hour of another of the same user, how many are `Named`, by a user, and two `Examples`."""
    return select(client, "changing_ids", _named(project, from_, to, limit))


def unpriced_models(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """`Model` with the `CallCount`, `TotalTokens` and `SessionCount` of calls that have no price."""
    return select(client, "unpriced_models", _named(project, from_, to, limit))


def spans_ahead(client: Client, *, project: str, from_: datetime, to: datetime, limit: int) -> list[Row]:
    """`ServiceName` with the `SpanCount` of what began after `to`, and the `Latest` of it."""
    return select(client, "spans_ahead", _named(project, from_, to, limit))


def clock_ns(client: Client) -> int:
    """What the clock of ClickHouse says, in ns since 1970."""
    return int(select(client, "clock", {})[0]["Now"])
