# SPDX-License-Identifier: Apache-2.0
"""Published sessions: links that open one session, read-only, without credentials."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from otel_sessions.clickhouse.surface import Client
from otel_sessions.config.typed import fault_error
from otel_sessions.extensions.web.api import sessions
from otel_sessions.extensions.web.api.operation import Answer, Body, Call, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import Paged, PagedTexts, rfc3339_of, time_of
from otel_sessions.extensions.web.api.sessions import SESSION, check_session
from otel_sessions.extensions.web.problems import Forbidden, NotFound
from otel_sessions.queries import additions, detail, shapes, share_hiding
from otel_sessions.queries.filters import LAST_NS
from otel_sessions.queries.frozen import frozen
from otel_sessions.queries.rows import as_json
from otel_sessions.sessions import additions as writes

HEADERS: Final = {
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Headers of every answer to a share token, which is a secret that must not spread."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GROUPS: Final = frozenset({"core", "usage", "io", "metadata"})
_NOT_PUBLIC: Final = ("bookmarked", "life", "previous_session_id", "next_session_ids")


def _moment(value: Any) -> datetime:
    nanoseconds = time_of(value, or_date=False).last
    if nanoseconds > LAST_NS:
        raise ValueError("expected a time until 2262-04-11T23:47:16Z; leave it out for a link without an end")
    return _EPOCH + timedelta(microseconds=max(0, math.floor(nanoseconds)) // 1000)


class Share(Body):
    """`expires_at` is when the link stops working; without one it works until it is taken back.

    A `frozen` link shows the session as it is now, a `live` one also what comes later. What `hide` and `hide_roles`
    name is not shown: ids of users, metadata, the messages of these roles.
    """

    expires_at: Annotated[datetime, BeforeValidator(_moment)] | None = None
    mode: Literal["live", "frozen"] = "live"
    hide: Annotated[tuple[share_hiding.Part, ...], Field(max_length=10)] = ()
    hide_roles: Annotated[tuple[share_hiding.Role, ...], Field(max_length=10)] = ()


def publish(client: Client, call: Call[Parameters, Share | None]) -> Answer:
    if not call.config.sharing:
        raise Forbidden("sessions are not published here: `sharing` of the extension `web` is off")
    check_session(client, call.project, call.session_id)
    wanted = call.body or Share()
    is_frozen = wanted.mode == "frozen"
    if wanted.expires_at is not None and wanted.expires_at <= datetime.fromtimestamp(call.now_ns / 1e9, UTC):
        raise fault_error("expires_at", "is past: the link would open nothing")
    if wanted.expires_at is not None and is_frozen and wanted.expires_at > writes.COPIES_END:
        raise fault_error("expires_at", f"the copy of a frozen link is kept until {writes.COPIES_END:%Y-%m-%d}")
    token = writes.publish(
        client,
        project=call.project,
        session_id=call.session_id,
        expires_at=wanted.expires_at,
        is_frozen=is_frozen,
        hide=wanted.hide,
        hide_roles=wanted.hide_roles,
    )
    expires = rfc3339_of(wanted.expires_at) if wanted.expires_at else None
    options = wanted.model_dump(exclude_unset=True, exclude={"expires_at"})
    return Answer({"token": token, "url": f"{call.base_url}/share/{token}", "expires_at": expires, **options}, 201)


def unpublish(client: Client, call: Call[Parameters, None]) -> Answer:
    check_session(client, call.project, call.session_id)
    writes.unpublish(client, project=call.project, session_id=call.session_id)
    return Answer(status=204)


def list_(client: Client, call: Call[Paged, None]) -> Answer:
    page = additions.list_shares(client, project=call.project, **call.parameters.model_dump())
    return Answer({"shares": [as_json(row) for row in page.rows], "next_cursor": page.next_cursor})


def shared(client: Client, call: Call[PagedTexts, None]) -> Answer:
    """The session, and the first of its turns; `/traces` of the link has the rest."""
    client, opened = open_share(client, call)
    row = detail.get_session(
        client, project=opened.project, session_id=opened.session_id, now_ns=call.now_ns, groups=_GROUPS
    )
    if row is None:
        raise NotFound("this link opens nothing: it was revoked, has expired, or never was")
    row.pop("Share")
    shown = opened.hidden.session(shapes.session(row, _GROUPS, call.parameters.preview))
    turns: Any = sessions.traces(client, opened).body
    public = {name: value for name, value in shown.items() if name not in _NOT_PUBLIC}
    return Answer({**public, **turns}, headers=HEADERS)


def open_share(client: Client, call: Call[Any, None]) -> tuple[Client, Call[Any, None]]:
    """The call as one to the session that the token opens, less what the link hides, and the client to read it with.

    Raises `NotFound`, the same for whatever is wrong.
    """
    found = additions.shared_session(client, call.ids["token"]) if call.config.sharing else None
    if found is None:
        raise NotFound("this link opens nothing: it was revoked, has expired, or never was")
    if found.is_frozen:
        client = frozen(client, project=found.project, token_hash=writes.token_hash(call.ids["token"]))
    return client, replace(
        call,
        project=found.project,
        ids={"session_id": found.session_id},
        hidden=found.hidden,
        is_frozen=found.is_frozen,
    )


def _through(read: Callable[[Client, Call[Any, None]], Answer]) -> Callable[[Client, Call[Any, None]], Answer]:
    def answer(client: Client, call: Call[Any, None]) -> Answer:
        return replace(read(*open_share(client, call)), headers=HEADERS)

    return answer


_SHARED = "/api/v1/share/{token}"
OPERATIONS = (
    Operation(
        "POST",
        f"{SESSION}/share",
        "Publish a session",
        "shares",
        publish,
        body=Share,
        is_body_optional=True,
        status=201,
    ),
    Operation("DELETE", f"{SESSION}/share", "Take all its links back", "shares", unpublish, status=204),
    Operation("GET", "/api/v1/shares", "List what is published", "shares", list_, parameters=Paged),
    Operation("GET", _SHARED, "Read a published session", "shares", shared, parameters=PagedTexts, is_open=True),
    *(
        Operation("GET", f"{_SHARED}/{name}", summary, "shares", _through(read), parameters=parameters, is_open=True)
        for name, summary, read, parameters in (
            ("traces", "List its turns", sessions.traces, PagedTexts),
            ("turns", "Replay it: turns, steps and messages", sessions.turns, PagedTexts),
            ("spans", "List its spans", sessions.spans, PagedTexts),
            ("timeline", "List its minutes", sessions.timeline, Paged),
            ("parts", "List its parts", sessions.parts, PagedTexts),
        )
    ),
)
