# SPDX-License-Identifier: Apache-2.0
"""Sessions and what is in them; every function takes a client whose current database holds the views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from otel_sessions.queries import keyed
from otel_sessions.queries.rows import Row, select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

MAX_ROWS = 1000


def page(client: Client, *, project: str, limit: int) -> list[Row]:
    """The `limit` sessions last active, latest first, in the columns of the view `sessions`."""
    return select(client, "sessions_page", {"project": project, "limit": limit})


def one(client: Client, *, project: str, session_id: str) -> Row | None:
    """The session in the columns of the view `sessions`; None if there is none."""
    rows = keyed.session_rows(client, project, [session_id])
    return rows[0] if rows else None


def traces(client: Client, *, project: str, session_id: str, limit: int = MAX_ROWS) -> list[Row]:
    """Its turns, oldest first, in the columns of the view `session_traces`."""
    return keyed.select(client, "session_traces", {"project": project, "session_id": session_id, "limit": limit})


def timeline(client: Client, *, project: str, session_id: str, limit: int = MAX_ROWS) -> list[Row]:
    """Its minutes, oldest first, in the columns of the view `session_timeline`."""
    return keyed.select(client, "session_timeline", {"project": project, "session_id": session_id, "limit": limit})


def parts(client: Client, *, project: str, session_id: str, limit: int = MAX_ROWS) -> list[Row]:
    """Its first parts, in the columns of the view `session_parts`."""
    return keyed.select(client, "parts", {"project": project, "session_id": session_id, "part": 0, "limit": limit})


def ids_beginning(client: Client, *, project: str, beginning: str, limit: int) -> list[str]:
    """The ids of the sessions last active that begin with this text, empty for all; latest first."""
    rows = select(
        client, "session_ids_beginning", {"project": project, "beginning": beginning, "limit": min(limit, MAX_ROWS)}
    )
    return [str(row["SessionId"]) for row in rows]


def tree(client: Client, *, project: str, session_id: str, traces: Sequence[str], limit: int) -> list[Row]:
    """The spans of these traces of a session by their start: ids, name, service, model, figures, and `Error`."""
    return keyed.select(
        client,
        "session_tree",
        {"project": project, "session_id": session_id, "traces": list(traces), "limit": limit},
    )


def contents(client: Client, *, project: str, session_id: str, traces: Sequence[str], limit: int) -> list[Row]:
    """Of the spans of these traces: `TraceId`, `SpanAttributes`, and `EventNames` with `EventAttributes`."""
    wanted = {"project": project, "session_id": session_id, "traces": list(traces), "limit": limit}
    return keyed.select(client, "session_contents", wanted)


def other_projects(client: Client, *, project: str, limit: int) -> list[str]:
    """Projects beside this one of which there are spans, in alphabetical order."""
    rows = select(client, "other_projects", {"project": project, "limit": limit})
    return [str(row["Project"]) for row in rows]


def services_heard(client: Client, *, project: str, limit: int) -> list[Row]:
    """`ServiceName` and `SpanCount` of the services whose spans came in the last day, those with most first."""
    return select(client, "services_heard", {"project": project, "limit": limit})
