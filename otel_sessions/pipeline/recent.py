"""Requests seen lately, so that a sender's retry does not store its spans twice."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Final

from prometheus_client import Counter

from otel_sessions.component import Outcome, Request

REMEMBERED: Final = 32_768
"""Some 10 MB of digests and outcomes; at 100 requests a second, five minutes."""


def digest(request: Request) -> bytes:
    """Of the project and the bytes: equal requests are the same spans."""
    hashed = hashlib.sha256(request.project.encode())
    hashed.update(b"\0")
    hashed.update(request.body)
    return hashed.digest()


class Recent:
    """The outcomes of the last requests that went well, and of those on their way."""

    def __init__(self, repeated: Counter, remembered: int = REMEMBERED) -> None:
        self._repeated = repeated
        self._remembered = remembered
        self._outcomes: OrderedDict[bytes, Outcome | Future[Outcome]] = OrderedDict()
        self._lock = threading.Lock()

    def outcome_of(self, request: Request, take: Callable[[], Future[Outcome]]) -> Future[Outcome]:
        """That of an equal request, if there was one lately that did not fail; otherwise what `take` returns."""
        key = digest(request)
        with self._lock:
            known = self._outcomes.get(key)
            if known is None:
                future = take()
                self._outcomes[key] = future
                self._bound()
        if known is not None:
            self._repeated.inc()
            return _done(known) if isinstance(known, Outcome) else known
        future.add_done_callback(lambda done: self._ended(key, done))
        return future

    def seen(self, requests: Iterable[Request]) -> None:
        """Takes note of requests that an earlier process took."""
        with self._lock:
            for request in requests:
                self._outcomes[digest(request)] = Outcome()
            self._bound()

    def _ended(self, key: bytes, future: Future[Outcome]) -> None:
        with self._lock:
            if self._outcomes.get(key) is not future:
                return
            if future.exception() is None:
                self._outcomes[key] = future.result()
            else:
                del self._outcomes[key]

    def _bound(self) -> None:
        while len(self._outcomes) > self._remembered:
            self._outcomes.popitem(last=False)


def _done(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future
