# SPDX-License-Identifier: Apache-2.0
"""What all who read from the embedded engine may take of memory together, in places that statements take in turn.

There are places for statements that need little, some at a time, and for those that need much, one at a time: few may
wait for these, and none who needs little waits for them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from otel_sessions.errors import Retryable

LARGEST: Final = 192 << 20
"""Bytes that one statement may take at any time."""
LITTLE: Final = 64 << 20
"""Bytes with which it is tried first."""
LITTLE_TOGETHER: Final = 2 * LITTLE
WAITING: Final = 4
"""Statements that need much and may wait for their turn: each has a thread that others lack."""
WAIT_S: Final = 20.0
"""How long a statement waits for its turn, before its client is told to come back."""
BEGUN_WAIT_S: Final = 300.0
"""The same of one whose answer has begun to go out: nobody can be told any more."""


class Busy(Retryable):
    """What others read, or store, leaves nothing to read with; or not enough, where it was tried with `had` bytes."""

    def __init__(self, had: int = 0) -> None:
        less = (
            "a smaller page (limit), fewer members or columns, shorter texts (preview), one session or a shorter time"
        )
        super().__init__(
            f"this takes more memory (max_memory_usage) than the {had >> 20} MiB that what others read or store leaves"
            f" now: ask for less, {less}; the same fits only if a quiet service has enough"
            if had
            else "what others read or store takes the memory that this needs (max_memory_usage); ask again, or for"
            f" less: {less}",
            retry_after=2.0,
        )
        self.was_tried = bool(had)


class Places:
    """So many bytes, for who comes first; `waiting` may stand in line, 0 for any number. Any thread may call."""

    def __init__(self, nbytes: int, waiting: int = 0) -> None:
        self._free = nbytes
        self._waiting = waiting
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self, nbytes: int, timeout: float, *, is_first: bool = False, has_begun: bool = False) -> None:
        """Raises `Busy` where there are not so many in `timeout` seconds, or too many wait for them.

        Who has some already goes `is_first`: those who stand in line wait for these. Whose answer `has_begun` may
        stand in line however many do.
        """
        me, end = object(), time.monotonic() + timeout
        with self._changed:
            if self._waiting and len(self._line) >= self._waiting and not (is_first or has_begun):
                raise Busy
            if is_first:
                self._line.appendleft(me)
            else:
                self._line.append(me)
            try:
                while self._line[0] is not me or self._free < nbytes:
                    if not self._changed.wait(end - time.monotonic()):
                        raise Busy
                self._free -= nbytes
            finally:
                self._line.remove(me)
                self._changed.notify_all()

    def give_back(self, nbytes: int) -> None:
        with self._changed:
            self._free += nbytes
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Lanes:
    """Places for statements that need little, and for those that need much."""

    little: Places
    large: Places


LANES: Final = Lanes(Places(LITTLE_TOGETHER), Places(LARGEST, WAITING))
"""Those of the process, which has one engine."""
