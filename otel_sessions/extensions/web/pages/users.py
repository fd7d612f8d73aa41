"""Users, and one user with their sessions."""

from __future__ import annotations

from otel_sessions.extensions.web.api import sessions, users
from otel_sessions.extensions.web.api.parameters import Listed
from otel_sessions.extensions.web.pages.format import quoted
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries.shapes import turn
from otel_sessions.queries.users import get_user


def show(visit: Visit) -> Shown:
    """`/users`, those seen last first."""
    wanted = {"limit": 50, "cursor": visit.get("cursor"), "q": visit.get("q")}
    listed = visit.read(users.list_, users.Users, wanted)
    cursor = listed["next_cursor"]
    return Shown(
        "users.html",
        {
            "section": "/users",
            "users": listed["users"],
            "q": visit.get("q"),
            "first_page": not visit.get("cursor"),
            "next": visit.with_query(cursor=cursor) if cursor else None,
        },
    )


def one(visit: Visit) -> Shown:
    """`/users/{user_id}`: their figures and their last sessions. Raises `NotFound`."""
    user_id = visit.call.ids["user_id"]
    row = get_user(visit.client, project=visit.call.project, user_id=user_id)
    if row is None:
        raise NotFound(f"there is no user {user_id[:200]!r}")
    query = f"user:{quoted(user_id)}"
    wanted = {"query": query, "limit": 50, "cursor": visit.get("cursor"), "preview": 400}
    listed = visit.read(sessions.list_, Listed, wanted)
    cursor = listed["next_cursor"]
    return Shown(
        "user.html",
        {
            "section": "/users",
            "user": None,
            "person": turn(row),
            "sessions": listed["sessions"],
            "search": visit.base + "/sessions",
            "query": query,
            "next": visit.with_query(cursor=cursor) if cursor else None,
        },
    )
