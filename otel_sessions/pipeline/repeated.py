# SPDX-License-Identifier: Apache-2.0
"""Memory of requests: one that is repeated has the answer of the first, and goes to no queue that has it already.

A client sends again what one exporter could not take; `taken_by` of its ticket says which of the others have it safe.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Set
from concurrent.futures import Future
from typing import Final

from prometheus_client import Counter

from otel_sessions.component import Outcome, Request
from otel_sessions.exporterhelper.queue import Ticket

REMEMBERED: Final = 32_768
"""Requests that are remembered: some 10 MB of digests and outcomes, at 100 requests a second five minutes."""
_PIECE_BYTES: Final = 2047
"""The most bytes that hashlib takes without letting go of the interpreter's lock."""
_SMALL_BYTES: Final = 64 * 2**10


def digest(request: Request) -> bytes:
    """A digest of the project and the bytes: equal requests are the same spans."""
    body = request.body
    hashed = hashlib.sha256(request.project.encode() + b"\0")
    # of a small body in pieces: to have the lock back from another thread takes longer than the digest
    piece = _PIECE_BYTES if len(body) <= _SMALL_BYTES else len(body)
    for at in range(0, len(body), piece):
        hashed.update(body[at : at + piece])
    return hashed.digest()


class Recent:
    """What became of the last requests: outcomes of those that went well, those on their way, and of those that failed
    which of the pipeline's queues, `names`, have them all the same."""

    def __init__(self, repeated: Counter, names: Set[str]) -> None:
        self._repeated = repeated
        self._names = names
        self._fates: OrderedDict[bytes, Outcome | Future[Outcome] | set[str]] = OrderedDict()
        self._lock = threading.Lock()

    def outcome_of(self, request: Request, take: Callable[[Set[str]], Ticket]) -> Future[Outcome]:
        """The outcome of an equal request, if there was one lately that did not fail; otherwise of the ticket of
        `take`.

        `take` is told which queues have the request.
        """
        key = digest(request)
        with self._lock:
            fate = self._fates.get(key)
            if fate is None or isinstance(fate, set):
                ticket = take(fate or set())
                self._fates[key] = ticket.future
                self._bound()
        if fate is None or isinstance(fate, set):
            # without the ticket, which has the future: its request would stay until the next collection of garbage
            taken_by = ticket.taken_by
            ticket.future.add_done_callback(lambda future: self._end(key, future, taken_by))
            return ticket.future
        self._repeated.inc()
        if not isinstance(fate, Outcome):
            return fate
        done: Future[Outcome] = Future()
        done.set_result(fate)
        return done

    def note(self, requests: Iterable[Request], by: str) -> None:
        """Takes note of requests that one of the queues has from an earlier process."""
        with self._lock:
            for request in requests:
                key = digest(request)
                fate = self._fates.get(key)
                taken_by = {*(fate if isinstance(fate, set) else ()), by}
                self._fates[key] = Outcome() if taken_by >= self._names else taken_by
            self._bound()

    def _end(self, key: bytes, future: Future[Outcome], taken_by: set[str]) -> None:
        with self._lock:
            if self._fates.get(key) is not future:
                return
            if future.exception() is None:
                self._fates[key] = future.result()
            elif len(self._names) > 1:
                self._fates[key] = taken_by
            else:
                del self._fates[key]

    def _bound(self) -> None:
        while len(self._fates) > REMEMBERED:
            self._fates.popitem(last=False)
