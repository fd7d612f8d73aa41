# SPDX-License-Identifier: Apache-2.0
"""Storing: one attempt after another, one caller of an exporter at a time.

Between attempts there is a wait: exponential, with jitter, until a time is up.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from otel_sessions.component import Host
from otel_sessions.errors import Retryable, SchemaError, Throttled
from otel_sessions.exporterhelper.config import Retry
from otel_sessions.exporterhelper.queue import Outlet
from otel_sessions.pdata import SpanBatch

logger = logging.getLogger(__name__)
TOLD_AGAIN_S: Final = 10.0
"""How long after the first warning of a failure that lasts there is another; then twice as long, and so on."""


def delays(
    config: Retry, max_elapsed: float, clock: Callable[[], float], jitter: Callable[[], float] = random.random
) -> Iterator[float]:
    """Seconds to wait before each further attempt; ends when `max_elapsed` seconds since the first call are used up."""
    end = clock() + max_elapsed
    interval = config.initial_interval
    while (left := end - clock()) > 0:
        yield min(left, interval * (0.5 + jitter() / 2))
        interval = min(interval * 2, config.max_interval)


class Sender:
    """Calls the exporter of an outlet again and again, until the spans are stored or there is no more time."""

    def __init__(self, outlet: Outlet, host: Host, clock: Callable[[], float] = time.monotonic) -> None:
        self._exporter = outlet.exporter
        self._name = str(outlet.id)
        self._tracer = host.tracer
        self._retry = outlet.settings.retry_on_failure
        self._turn = outlet.turn
        self._stopping = threading.Event()
        self._sent_spans = host.metrics.sent_spans.labels(str(outlet.id))
        self._retries = host.metrics.export_retries.labels(str(outlet.id))
        self._trouble = Trouble(str(outlet.id), clock)
        self.last_seconds = 0.0
        """How long the last successful attempt took."""

    def send(self, batches: Sequence[SpanBatch], token: str, max_elapsed: float = math.inf) -> None:
        """Returns when the spans are stored.

        Raises `Retryable` when it could not be done within `max_elapsed` seconds or before `stop`, `Permanent` when the
        exporter will never take these spans. A schema that is not there may come, so it is waited for too. An exporter
        that is `Throttled` is left alone for that long.
        """
        end = time.monotonic() + max_elapsed
        waits = delays(self._retry, max_elapsed, time.monotonic)
        while True:
            try:
                attributes: dict[str, str | int] = {
                    "exporter": self._name,
                    "spans": sum(map(len, batches)),
                    "token": token,
                }
                with self._turn, self._tracer.start_as_current_span("store", attributes=attributes):
                    begin = time.monotonic()
                    self._exporter.export(batches, token)
                    self.last_seconds = time.monotonic() - begin
                self._sent_spans.inc(sum(map(len, batches)))
            except (Retryable, SchemaError) as error:
                self._trouble.note(error, sum(map(len, batches)))
                wait = _wait(error, waits, end)
                if wait is None or self._stopping.wait(wait):
                    raise Retryable(str(error), retry_after=self._retry.max_interval) from error
                self._retries.inc()
            else:
                self._trouble.end()
                return

    def start(self) -> None:
        self._stopping.clear()

    def stop(self) -> None:
        """Ends all waiting; attempts that are asked for still are made, once."""
        self._stopping.set()


class Trouble:
    """Tells the log of failures that may pass: the first at once, those that follow ever more seldom, and the end."""

    def __init__(self, exporter: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._exporter = exporter
        self._clock = clock
        self._began = 0.0
        self._failures = 0
        self._tell_at = 0.0

    def note(self, error: Exception, spans: int) -> None:
        now = self._clock()
        if not self._failures:
            self._began = self._tell_at = now
        self._failures += 1
        if now >= self._tell_at:
            self._tell_at = now + max(TOLD_AGAIN_S, now - self._began)
            logger.warning("%s: storing %d spans failed, trying again: %s", self._exporter, spans, error)

    def end(self) -> None:
        if self._failures:
            seconds = self._clock() - self._began
            logger.info("%s: storing works again, after %d failures in %.1f s", self._exporter, self._failures, seconds)
            self._failures = 0


def _wait(error: Exception, waits: Iterator[float], end: float) -> float | None:
    """Seconds until the next attempt; None if there is no time for one."""
    wait = next(waits, None)
    if wait is None or not isinstance(error, Throttled):
        return wait
    return max(wait, error.retry_after) if time.monotonic() + error.retry_after < end else None
