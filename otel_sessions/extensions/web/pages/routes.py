# SPDX-License-Identifier: Apache-2.0
"""All pages and forms by their paths."""

from __future__ import annotations

from typing import Final

from otel_sessions.extensions.web.pages import (
    actions,
    compare,
    overviews,
    service,
    session,
    sessions,
    shares,
    span,
    users,
)
from otel_sessions.extensions.web.pages.visit import Action, Page

_SESSION: Final = "/sessions/{session_id}"
NAVIGATION: Final = (
    ("/sessions", "Sessions"),
    ("/users", "Users"),
    ("/models", "Models and tools"),
    ("/errors", "Errors"),
    ("/unassigned", "Without a session"),
    ("/shares", "Published"),
    ("/status", "Status"),
    ("/connect", "Connect"),
)
PAGES: Final[tuple[tuple[str, Page], ...]] = (
    ("/sessions", sessions.show),
    (_SESSION, session.show),
    (f"{_SESSION}/span", span.raw_span),
    ("/users", users.show),
    ("/users/{user_id}", users.one),
    ("/models", overviews.models),
    ("/errors", overviews.errors),
    ("/unassigned", overviews.unassigned),
    ("/unassigned/{trace_id}", overviews.unassigned_trace),
    ("/compare", compare.show),
    ("/shares", shares.show),
    ("/share/{token}", shares.shared),
    ("/status", service.status),
    ("/connect", service.connect),
)
PUBLIC: Final = frozenset({"/share/{token}"})
"""Paths of pages that need no credentials: the token in the path is one."""
ACTIONS: Final[tuple[tuple[str, Action], ...]] = (
    (f"{_SESSION}/star", actions.star),
    (f"{_SESSION}/label", actions.label),
    (f"{_SESSION}/score", actions.score),
    (f"{_SESSION}/comment", actions.comment),
    (f"{_SESSION}/share", actions.share),
    (f"{_SESSION}/delete", actions.delete),
    ("/views", actions.views),
)
