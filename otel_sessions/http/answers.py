# SPDX-License-Identifier: Apache-2.0
"""Large answers: they go out piece by piece, and what is kept for them is given back when they have gone out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from starlette.types import Message, Send

PIECE: Final = 256 << 10
"""Bytes that are handed to a connection at once: before the next it has to have room."""
_kept: Final[ContextVar[list[Callable[[], None]] | None]] = ContextVar("kept", default=None)


def when_sent(give_back: Callable[[], None]) -> None:
    """Calls this when the answer to the request at hand has been sent, or cannot be; at once where there is none."""
    kept = _kept.get()
    if kept is None:
        give_back()
    else:
        kept.append(give_back)


@contextmanager
def one_request() -> Iterator[None]:
    """Around all work at a request."""
    kept: list[Callable[[], None]] = []
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        for give_back in kept:
            give_back()


async def send_in_pieces(message: Message, send: Send) -> None:
    """Sends a message; a large body in several, each when the connection has room again."""
    body = message.get("body", b"")
    while message["type"] == "http.response.body" and len(body) > PIECE:
        await send({**message, "body": bytes(body[:PIECE]), "more_body": True})
        body = memoryview(body)[PIECE:]
    await send({**message, "body": bytes(body)} if "body" in message else message)
