# SPDX-License-Identifier: Apache-2.0
"""What is published: the list of it, and a published session as anybody with its link sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from otel_sessions.extensions.web.api import shares
from otel_sessions.extensions.web.api.parameters import Paged
from otel_sessions.extensions.web.pages import session
from otel_sessions.extensions.web.pages.visit import Page, Shown, Visit

HEADERS: Final = {**shares.HEADERS, "Referrer-Policy": "no-referrer"}


def show(visit: Visit) -> Shown:
    """`/shares`."""
    wanted = {"limit": 200, "cursor": visit.get("cursor")}
    listed = visit.read(shares.list_, Paged, wanted)
    cursor = listed["next_cursor"]
    return Shown(
        "shares.html",
        {
            "section": "/shares",
            "shares": listed["shares"],
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
