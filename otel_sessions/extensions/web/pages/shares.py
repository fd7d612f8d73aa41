# SPDX-License-Identifier: Apache-2.0
"""What is published: the list of it, and a published session as anybody with its link sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from otel_sessions.extensions.web.api import sessions, shares
from otel_sessions.extensions.web.api.parameters import Listed, Paged
from otel_sessions.extensions.web.pages import session
from otel_sessions.extensions.web.pages.format import quoted
from otel_sessions.extensions.web.pages.visit import Page, Shown, Visit

_NAMED: Final = 4_000
"""How many characters of ids one query may name."""
HEADERS: Final = {**shares.HEADERS, "Referrer-Policy": "no-referrer"}


def show(visit: Visit) -> Shown:
    """`/shares`: what is published, each with what its session began with."""
    wanted = {"limit": 200, "cursor": visit.get("cursor")}
    listed = visit.read(shares.list_, Paged, wanted)
    cursor = listed["next_cursor"]
    named: list[str] = []  # as many as one query can name
    for id_ in sorted({share["session_id"] for share in listed["shares"]}, key=len):
        if len(",".join([*named, quoted(id_)])) < _NAMED:
            named.append(quoted(id_))
    inputs: dict[str, str] = {}
    if named:
        asked = {"query": f"id:{','.join(named)}", "limit": len(named), "fields": "core,io", "preview": 400}
        found = visit.read(sessions.list_, Listed, asked)["sessions"]
        inputs = {session["session_id"]: session["input"] for session in found}
    return Shown(
        "shares.html",
        {
            "section": "/shares",
            "shares": [{**share, "input": inputs.get(share["session_id"], "")} for share in listed["shares"]],
            "sharing": visit.call.config.sharing,
            "next": visit.with_query(cursor=cursor) if cursor else None,
        },
    )


def shared(visit: Visit) -> Shown:
    """`/share/{token}`: the session read-only, without a way to anything else. Raises `NotFound`."""
    shown = _through_link(session.public)(visit)
    return replace(shown, headers={**shown.headers, **HEADERS})


def _through_link(page: Page) -> Page:
    """The page, and its parts, of the session that the link opens, as long as it opens it."""

    def opened(visit: Visit) -> Shown:
        client, call = shares.open_share(visit.client, visit.call)
        shown = page(replace(visit, client=client, call=call))
        return replace(shown, later={name: _through_link(part) for name, part in shown.later.items()})

    return opened
