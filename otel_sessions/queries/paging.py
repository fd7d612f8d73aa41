# SPDX-License-Identifier: Apache-2.0
"""Pages of a list, and the cursors that lead from one to the next.

A cursor says behind which row the next page begins, not how many rows to pass over: what arrives meanwhile shifts
nothing, as long as nothing moves. A session that becomes active moves to the top of a list by activity, over whoever
reads below it. So a list remembers what each of its readers has had: what comes again is left out, and what has moved
over the reader is told at the end.
"""

from __future__ import annotations

import binascii
import hashlib
import secrets
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from otel_sessions.errors import QueryError
from otel_sessions.queries.rows import Row

MAX_LIMIT: Final = 1000
MAX_IDS: Final = 1_000_000
"""Ids that are remembered of all readers together; the reader who came longest ago is forgotten first."""
MAX_IDS_OF_ONE: Final = 200_000
_DIGEST_BYTES: Final = 8


Place = tuple[Any, str]
"""The key of a row in a list, and its id."""


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


@dataclass
class Reader:
    """One who reads a list; `began_ns` is when. Pages count from 0; one that is asked for again is the same page."""

    began_ns: int
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    pages: dict[bytes, int] = field(default_factory=dict)

    def has_had(self, id_: str, page: int) -> bool:
        """Whether a page before this one had it."""
        return self.pages.get(_digest_of_id(id_), page) < page

    def note(self, ids: Iterable[str], page: int) -> None:
        """Remembers that this page has these."""
        self.pages = {digest: number for digest, number in self.pages.items() if number < page}
        self.pages.update((_digest_of_id(id_), page) for id_ in ids)


class Readers:
    """Those who read lists now, for several threads; who is forgotten reads on by the cursor alone."""

    def __init__(self) -> None:
        self._readers: OrderedDict[str, Reader] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Reader | None:
        with self._lock:
            reader = self._readers.get(name)
            if reader is not None:
                self._readers.move_to_end(name)
            return reader

    def keep(self, reader: Reader) -> None:
        """Keeps what this one has had, as long as there is room."""
        with self._lock:
            self._readers.pop(reader.name, None)
            if len(reader.pages) <= MAX_IDS_OF_ONE:
                self._readers[reader.name] = reader
            while sum(len(each.pages) for each in self._readers.values()) > MAX_IDS:
                self._readers.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Moving:
    """A list whose rows move, as their keys change.

    `list_` identifies it, `id_` is the column of its ids. `pick` has as many rows behind a place as a page, and one
    more, with a `_key` each; `begun` those of all that had begun at a time in nanoseconds since 1970, in order.
    """

    list_: Sequence[Any]
    id_: str
    pick: Callable[[Place | None], list[Row]]
    begun: Callable[[int], list[Row]]


def unread(
    moving: Moving, limit: int, cursor: str | None, readers: Readers | None, now_ns: int
) -> tuple[list[Row], str | None]:
    """A page of a list, and the cursor to the next one.

    With `readers`, whoever follows the cursors has every row once that was there all along, whatever moves meanwhile.
    Raises `CursorError`.
    """
    key, after, name, number = decode(moving.list_, cursor) if cursor else (None, "", "", 0)
    place = (key, after) if cursor else None
    reader = readers.get(name) if readers and name else Reader(now_ns) if readers and not cursor else None
    rows, last = _behind(moving, limit, place, reader, number)
    page = rows[:limit]
    if len(rows) <= limit:
        return page, None
    if reader is not None and readers is not None:
        reader.note([row[moving.id_] for row in page], number)
        readers.keep(reader)
    return page, encode(moving.list_, [*last, reader.name if reader else "", number + 1])


def _behind(
    moving: Moving, limit: int, place: Place | None, reader: Reader | None, number: int
) -> tuple[list[Row], Place]:
    """What comes behind a place that the reader has not had, at its end what has moved over it, and up to where."""
    found: list[Row] = []
    here: set[str] = set()  # a row may move between two looks
    last = place or (None, "")
    is_at_end = False
    while len(found) <= limit and not is_at_end:
        rows = moving.pick(place)
        is_at_end = len(rows) <= limit
        for row in rows:
            id_ = row[moving.id_]
            if id_ not in here and (reader is None or not reader.has_had(id_, number)):
                here.add(id_)
                found.append(row)
        if rows:
            place = (rows[-1]["_key"], rows[-1][moving.id_])
    if found:
        end = found[min(len(found), limit) - 1]
        last = (end["_key"], end[moving.id_])
    if is_at_end and reader is not None and number > 0:
        moved = moving.begun(reader.began_ns)
        found += [row for row in moved if not (row[moving.id_] in here or reader.has_had(row[moving.id_], number))]
    return found, last


def _digest_of_id(id_: str) -> bytes:
    return hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=8).digest()
