# SPDX-License-Identifier: Apache-2.0
"""Pages of a list, and the cursors that lead from one to the next.

A cursor says behind which row the next page begins, not how many rows to pass over: what arrives meanwhile shifts
nothing.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from otel_sessions.errors import QueryError
from otel_sessions.queries.rows import Row

MAX_LIMIT: Final = 1000
_DIGEST_BYTES: Final = 8


class CursorError(QueryError):
    """A cursor that no page gave, or one of another list: HTTP 400."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and where the next page begins; None at the end."""

    rows: list[Row]
    next_cursor: str | None = None


def page(rows: list[Row], limit: int, list_: Sequence[Any], place: Callable[[Row], Sequence[Any]]) -> Page:
    """The first `limit` of rows that were asked for with one more; `place` is what a cursor remembers of the last."""
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], encode(list_, place(rows[limit - 1])))


def encode(list_: Sequence[Any], place: Sequence[Any]) -> str:
    """A cursor to behind `place` of the list that `list_` identifies: its kind, its filter and its order."""
    body = orjson.dumps(list(place))
    return urlsafe_b64encode(_digest(list_, body) + body).decode().rstrip("=")


def decode(list_: Sequence[Any], cursor: str) -> list[Any]:
    """The place of a cursor. Raises `CursorError`."""
    try:
        raw = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error) as error:
        raise _error() from error
    digest, body = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    if digest != _digest(list_, body) or encode(list_, orjson.loads(body)) != cursor:
        raise _error()
    place: list[Any] = orjson.loads(body)
    return place


def _digest(list_: Sequence[Any], body: bytes) -> bytes:
    return hashlib.blake2b(orjson.dumps([*list_]) + body, digest_size=_DIGEST_BYTES).digest()


def _error() -> CursorError:
    return CursorError("this cursor is not one that this list gave; begin again without it")
