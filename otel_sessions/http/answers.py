# SPDX-License-Identifier: Apache-2.0
"""Large answers, which go out piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starlette.types import Message, Send

PIECE: Final = 256 << 10
"""Bytes that are handed to a connection at once: before the next it has to have room."""


def in_pieces(body: bytes) -> Iterator[bytes]:
    """A body in such pieces."""
    for start in range(0, len(body), PIECE):
        yield body if len(body) <= PIECE else body[start : start + PIECE]


async def send_in_pieces(message: Message, send: Send) -> None:
    """Sends a message; a large body in several, each when the connection has room again."""
    body = message.get("body", b"")
    while message["type"] == "http.response.body" and len(body) > PIECE:
        await send({**message, "body": bytes(body[:PIECE]), "more_body": True})
        body = memoryview(body)[PIECE:]
    await send({**message, "body": bytes(body)} if "body" in message else message)
