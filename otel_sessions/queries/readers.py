# SPDX-License-Identifier: Apache-2.0
"""What those who read a list page by page have had, so that nothing that moves meanwhile is skipped or comes twice.

A cursor says where the next page begins, which is enough as long as nothing moves. A session that becomes active moves
to the top of a list by activity, over whoever reads below it. So a list remembers what each of its readers has had:
what comes again is left out, and what has moved over the reader is told at the end.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MAX_IDS: Final = 1_000_000
"""Ids that are remembered of all readers together; the reader who came longest ago is forgotten first."""
MAX_IDS_OF_ONE: Final = 200_000


@dataclass
class Reader:
    """One who reads a list; `began_ns` is when. Pages count from 0; one that is asked for again is the same page."""

    began_ns: int
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    pages: dict[bytes, int] = field(default_factory=dict)

    def has_had(self, id_: str, page: int) -> bool:
        """Whether a page before this one had it."""
        return self.pages.get(_digest(id_), page) < page

    def note(self, ids: Iterable[str], page: int) -> None:
        """Remembers that this page has these."""
        self.pages = {digest: number for digest, number in self.pages.items() if number < page}
        self.pages.update((_digest(id_), page) for id_ in ids)


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


def _digest(id_: str) -> bytes:
    return hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=8).digest()
