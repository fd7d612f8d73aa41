# SPDX-License-Identifier: Apache-2.0
"""`/users`, and the sessions of one user."""

from __future__ import annotations

from typing import Final, Literal

from otel_sessions.clickhouse.surface import Client
from otel_sessions.extensions.web.api.operation import Answer, Call, Operation
from otel_sessions.extensions.web.api.parameters import Listed, Paged
from otel_sessions.extensions.web.api.sessions import sessions_of
from otel_sessions.queries import users
from otel_sessions.queries.paging import Readers
from otel_sessions.queries.shapes import turn
from otel_sessions.queries.users import UserSort

READERS: Final = Readers()


class Users(Paged):
    q: str = ""
    sort: UserSort = "last_seen"
    order: Literal["asc", "desc"] = "desc"


def list_(client: Client, call: Call[Users, None]) -> Answer:
    asked = users.WantedUsers(call.project, **call.parameters.model_dump())
    page = users.list_users(client, asked, now_ns=call.now_ns, readers=READERS)
    return Answer({"users": [turn(row) for row in page.rows], "next_cursor": page.next_cursor})


def sessions(client: Client, call: Call[Listed, None]) -> Answer:
    return Answer(sessions_of(client, call.project, call.parameters, call.now_ns, call.ids["user_id"]))


OPERATIONS = (
    Operation("GET", "/api/v1/users", "List users", "users", list_, parameters=Users),
    Operation("GET", "/api/v1/users/{user_id}/sessions", "List their sessions", "users", sessions, parameters=Listed),
)
