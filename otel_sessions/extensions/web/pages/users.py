# SPDX-License-Identifier: Apache-2.0
"""`/users`: the list of users, and one user with their sessions."""

from __future__ import annotations

from typing import Final, cast, get_args

from otel_sessions.extensions.web.api import sessions
from otel_sessions.extensions.web.api.parameters import Listed
from otel_sessions.extensions.web.api.users import READERS
from otel_sessions.extensions.web.pages.format import quoted
from otel_sessions.extensions.web.pages.sessions import WINDOWS, window_of
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import users
from otel_sessions.queries.shapes import turn

_HEADS: Final = (
    ("last_seen", "Last seen"), ("first_seen", "First seen"), ("sessions", "Sessions"), ("traces", "Turns"),
    ("errors", "Errors"), ("tokens", "Tokens"), ("cost", "Cost"),
)  # fmt: skip


def show(visit: Visit) -> Shown:
    """`/users`, those seen last first, of a window of time those seen in it. Raises `CursorError`."""
    window, start = window_of(visit)
    sort = cast("users.UserSort", visit.get("sort")) if visit.get("sort") in get_args(users.UserSort) else "last_seen"
    project, q = visit.call.project, visit.get("q")
    cursor, since_ns = visit.get("cursor") or None, int(start.timestamp() * 1e9) if start else None
    wanted = users.WantedUsers(project, 50, q, sort, since_ns=since_ns, cursor=cursor)
    users.check_cursor(wanted)

    def found(visit: Visit) -> Shown:
        page = users.list_users(visit.client, wanted, now_ns=visit.call.now_ns, readers=READERS)
        values = {
            "users": [turn(row) for row in page.rows],
            "window": window,
            "everybody": visit.with_query(window="all", cursor=None),
            "sort": sort,
            "heads": [(name, title, visit.with_query(sort=name, cursor=None)) for name, title in _HEADS],
            "first_page": visit.with_query(cursor=None) if cursor else None,
            "next": visit.with_query(cursor=page.next_cursor) if page.next_cursor else None,
        }
        return Shown("people.html", values)

    values = {"section": "/users", "window": window, "windows": WINDOWS, "sort": sort}
    return Shown("users.html", values, later={"users": found})


def one(visit: Visit) -> Shown:
    """`/users/{user_id}`: their figures and their last sessions. Raises `NotFound`."""
    user_id, project = visit.call.ids["user_id"], visit.call.project
    if not users.may_be_user(visit.client, project=project, user_id=user_id):
        raise NotFound(f"there is no user {user_id[:200]!r}")
    query = f"user:{quoted(user_id)}"

    def figures(visit: Visit) -> Shown:
        row = users.get_user(visit.client, project=project, user_id=user_id)
        return Shown("person.html", {"person": turn(row) if row else None})

    def last(visit: Visit) -> Shown:
        wanted = {"query": query, "limit": 50, "cursor": visit.get("cursor"), "preview": 400}
        listed = visit.read(sessions.list_, Listed, wanted)
        cursor = listed["next_cursor"]
        values = {
            "sessions": listed["sessions"],
            "search": visit.base + "/sessions",
            "query": query,
            "next": visit.with_query(cursor=cursor) if cursor else None,
        }
        return Shown("last.html", values)

    values = {"section": "/users", "user": None, "user_id": user_id}
    return Shown("user.html", values, later={"figures": figures, "sessions": last})
