# SPDX-License-Identifier: Apache-2.0
"""Requests wait here until one thread checks all of them together."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Final

from otel_sessions.exporterhelper.queue import Ticket

LINGER_S: Final = 0.005
BATCH_BYTES: Final = 16 * 2**20
BATCH_REQUESTS: Final = 4096


class Batcher:
    """A queue that gives out all that waits.

    An only request is given out at once. Where several came together lately, as many are waited for, up to `LINGER_S`:
    clients that were answered together send again together.
    """

    def __init__(self) -> None:
        self._waiting: deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._wanted: float = math.inf  # `take` sleeps until so many wait
        self._expected = 1
        self._closed = False

    def put(self, ticket: Ticket) -> None:
        with self._changed:
            self._waiting.append(ticket)
            if len(self._waiting) >= self._wanted:
                self._changed.notify()

    def take(self) -> list[Ticket]:
        """What waits, at most `BATCH_BYTES` of it unless one request is more; nothing when the batcher is closed."""
        with self._changed:
            self._wait_for(1, None)
            self._wait_for(self._expected, LINGER_S)
            taken: list[Ticket] = []
            nbytes = 0
            while self._waiting and len(taken) < BATCH_REQUESTS:
                nbytes += len(self._waiting[0].request.body)
                if taken and nbytes > BATCH_BYTES:
                    break
                taken.append(self._waiting.popleft())
            self._expected = max(len(taken), self._expected // 2, 1)
            return taken

    def close(self) -> None:
        """Forgets what waits."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()

    def _wait_for(self, arrivals: int, timeout: float | None) -> None:
        self._wanted = arrivals
        self._changed.wait_for(lambda: self._closed or len(self._waiting) >= arrivals, timeout)
        self._wanted = math.inf
