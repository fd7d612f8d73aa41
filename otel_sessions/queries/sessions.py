"""Sessions and what is in them; every function takes a client whose current database holds the views."""

from __future__ import annotations

from clickhouse_connect.driver.client import Client

from otel_sessions.queries.rows import Row, select

MAX_ROWS = 1000


def page(client: Client, *, project: str, limit: int) -> list[Row]:
    """The `limit` sessions last active, latest first, in the columns of the view `sessions`."""
    return select(client, "sessions_page", {"project": project, "limit": limit})


def one(client: Client, *, project: str, session_id: str) -> Row | None:
    """The session in the columns of the view `sessions`; None if there is none."""
    rows = select(client, "session", {"project": project, "session_id": session_id})
    return rows[0] if rows else None


def traces(client: Client, *, project: str, session_id: str, limit: int = MAX_ROWS) -> list[Row]:
    """Its turns, oldest first, in the columns of the view `session_traces`."""
    return select(client, "session_traces", {"project": project, "session_id": session_id, "limit": limit})


def timeline(client: Client, *, project: str, session_id: str, limit: int = MAX_ROWS) -> list[Row]:
    """Its minutes, oldest first, in the columns of the view `session_timeline`."""
    return select(client, "session_timeline", {"project": project, "session_id": session_id, "limit": limit})
