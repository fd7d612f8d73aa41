# SPDX-License-Identifier: Apache-2.0
"""Consumers for tests of receivers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from otel_sessions.component import Outcome, Request

Script = Callable[[Request], Outcome | Exception]


class RecordingConsumer:
    """Keeps every request, and answers with what `script` makes of it: an outcome, or the error to raise.

    `hold()` makes it keep its answers back until `release()`, as a consumer does that is still storing.
    """

    def __init__(self, script: Script = lambda _: Outcome(accepted_spans=1)) -> None:
        self.script = script
        self.requests: list[Request] = []
        self._waiting: list[tuple[Request, Future[Outcome]]] = []
        self._held = False
        self._lock = threading.Condition()

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    def consume(self, request: Request) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        with self._lock:
            self.requests.append(request)
            self._lock.notify_all()
            if self._held:
                self._waiting.append((request, future))
                return future
        self._answer(request, future)
        return future

    def hold(self) -> None:
        with self._lock:
            self._held = True

    def release(self) -> None:
        """Answers what waits, and from now on at once."""
        with self._lock:
            self._held = False
            waiting, self._waiting = self._waiting, []
        for request, future in waiting:
            self._answer(request, future)

    def wait_for(self, requests: int, timeout: float = 60.0) -> None:
        """Returns when so many requests have come; TimeoutError otherwise."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.requests) >= requests, timeout):
                raise TimeoutError(f"{len(self.requests)} requests of {requests}")

    def _answer(self, request: Request, future: Future[Outcome]) -> None:
        answer = self.script(request)
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


class FullConsumer:
    """Raises `error` at once instead of taking a request."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def consume(self, request: Request) -> Future[Outcome]:
        raise self.error
