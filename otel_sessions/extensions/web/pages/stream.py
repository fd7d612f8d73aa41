# SPDX-License-Identifier: Apache-2.0
"""Pages that go out as they are made: what stands before a part does not wait for it."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from markupsafe import Markup

from otel_sessions.extensions.web.pages.visit import Shown

Made = tuple[str, Shown]
"""The HTML of a page or of a part of it, with the places of further parts, and what it was made of."""
_MARK: Final = secrets.token_hex(16)
"""Unknown to whoever writes what is stored, so that no content is taken for a place."""
_PLACE: Final = re.compile(rf"<!--{_MARK}:(\w+)-->")


def place(name: str) -> Markup:
    """Where the part `name` of `Shown.later` is to stand in a template."""
    return Markup(f"<!--{_MARK}:{name}-->")  # noqa: S704 - both are ours


async def pieces(made: Made, make: Callable[[Shown, str], Awaitable[Made]]) -> AsyncIterator[str]:
    """A page in pieces, each as soon as it is known: what stands before a part, then the part with what follows it.

    `make` works a part of a page out by its name.
    """
    html, shown = made
    before, *rest = _PLACE.split(html)
    yield before
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        if name in shown.later:
            async for piece in pieces(await make(shown, name), make):
                yield piece
        yield after
