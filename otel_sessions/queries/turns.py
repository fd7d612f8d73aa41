# SPDX-License-Identifier: Apache-2.0
"""Sessions by their start, their traces and comments with what belongs to them: what Langfuse's API lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.queries import keyed
from otel_sessions.queries.rows import Row, select
from otel_sessions.queries.scores import FIRST, LAST, total
from otel_sessions.queries.sessions import MAX_ROWS

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

MAX_IDS: Final = 1000
"""Ids of spans and of scores that are told of a trace."""


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Traces of one session, from `from_` to before `to`; empty text and no list are no condition, and of `tags` all
    are wanted. A trace without an environment is in `default`.
    """

    session_id: str
    user_id: str = ""
    name: str = ""
    environments: Sequence[str] = ()
    tags: Sequence[str] = ()
    from_: datetime = FIRST
    to: datetime = LAST
    latest_first: bool = True


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
    """Those of a session, oldest first: the columns of `session_traces`."""
    return keyed.select(client, "session_traces", {"project": project, "session_id": session_id, "limit": limit})


def traces_page(
    client: Client, *, project: str, wanted: TraceFilter, limit: int, offset: int = 0, with_ids: bool = True
) -> tuple[list[Row], int]:
    """The columns of `session_traces` with `SpanIds` and `ScoreIds`, at most `MAX_IDS` each, and how many traces there
    are.
    """
    named: dict[str, Any] = {
        "project": project,
        "session_id": wanted.session_id,
        "user_id": wanted.user_id,
        "name": wanted.name,
        "environments": list(wanted.environments),
        "tags": list(wanted.tags),
        "from": _text(wanted.from_),
        "to": _text(wanted.to),
    }
    direction = "DESC" if wanted.latest_first else "ASC"
    chosen = keyed.select(client, "turns_page", {**named, "limit": limit, "offset": offset}, DIRECTION=direction)
    if not chosen and offset:
        first = keyed.select(client, "turns_page", {**named, "limit": 1, "offset": 0}, DIRECTION=direction)
        return [], total(first)
    if not chosen:
        return [], 0
    inside = {"project": project, "session_id": wanted.session_id, "trace_ids": [row["TraceId"] for row in chosen]}
    rows = {row["TraceId"]: row for row in keyed.select(client, "turns_of", inside, COLUMNS="*")}
    for column, name in (("SpanIds", "span_ids"), ("ScoreIds", "score_ids")):
        found = keyed.select(client, name, {**inside, "limit": MAX_IDS}) if with_ids else []
        ids = {row["TraceId"]: row["Ids"] for row in found}
        for trace_id, row in rows.items():
            row[column] = ids.get(trace_id, [])
    return [rows[row["TraceId"]] for row in chosen if row["TraceId"] in rows], total(chosen)


def comments_page(
    client: Client, *, project: str, limit: int, offset: int = 0, kind: str = "", object_id: str = "", id_: str = ""
) -> tuple[list[Row], int]:
    """`CommentId`, `Kind` (`SESSION`, `TRACE`, `OBSERVATION`), `ObjectId`, `Text`, `CreatedAt`, the latest first, and
    how many there are; empty text is no condition.
    """
    named = {"project": project, "kind": kind, "object_id": object_id, "comment_id": id_}
    rows = select(client, "comments_page", {**named, "limit": limit, "offset": offset})
    if not rows and offset:
        return [], total(select(client, "comments_page", {**named, "limit": 1, "offset": 0}))
    return rows, total(rows)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
