"""All pages and forms by their paths."""

from __future__ import annotations

from typing import Final

from otel_sessions.extensions.web.pages import actions, session, sessions
from otel_sessions.extensions.web.pages.visit import Action, Page

_SESSION: Final = "/sessions/{session_id}"
NAVIGATION: Final = (("/sessions", "Sessions"),)
PAGES: Final[tuple[tuple[str, Page], ...]] = (
    ("/sessions", sessions.show),
    (_SESSION, session.show),
    (f"{_SESSION}/span", session.raw_span),
)
PUBLIC: Final[frozenset[str]] = frozenset()
"""Pages that need no credentials: a token in their path is one."""
ACTIONS: Final[tuple[tuple[str, Action], ...]] = (
    (f"{_SESSION}/star", actions.star),
    (f"{_SESSION}/label", actions.label),
    (f"{_SESSION}/score", actions.score),
    (f"{_SESSION}/comment", actions.comment),
    (f"{_SESSION}/share", actions.share),
    (f"{_SESSION}/delete", actions.delete),
    ("/views", actions.views),
)
