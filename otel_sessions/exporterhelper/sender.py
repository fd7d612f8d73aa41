"""Storing: one attempt after another, one caller of an exporter at a time."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakValueDictionary

from otel_sessions.component import ComponentId, Exporter, Forwarding, Request
from otel_sessions.errors import Retryable, SchemaError, Throttled
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.exporterhelper.retry import delays
from otel_sessions.pdata import SpanBatch
from otel_sessions.telemetry import Metrics

logger = logging.getLogger(__name__)
_turns: Final[WeakValueDictionary[int, threading.Lock]] = WeakValueDictionary()  # by the id of an exporter in use
_turns_lock: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Outlet:
    """An exporter of a pipeline, and how its spans wait and are tried again."""

    id: ComponentId
    exporter: Exporter
    settings: SendingSettings

    def batch(self, batch: SpanBatch, requests: Iterable[Request]) -> SpanBatch:
        """The batch as the exporter wants it: with the requests that it came in, by their number, or without."""
        if not isinstance(self.exporter, Forwarding) or not self.exporter.wants_requests:
            return batch
        return replace(batch, requests=tuple(request.body for request in requests))


class Sender:
    """Calls the exporter of an outlet again and again, until the spans are stored or there is no more time."""

    def __init__(self, outlet: Outlet, metrics: Metrics) -> None:
        self._exporter = outlet.exporter
        self._retry = outlet.settings.retry_on_failure
        self._turn = _turn(outlet.exporter)
        self._stopping = threading.Event()
        self._sent_spans = metrics.sent_spans.labels(str(outlet.id))
        self._retries = metrics.export_retries.labels(str(outlet.id))
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
                self._attempt(batches, token)
            except (Retryable, SchemaError) as error:
                wait = _wait(error, waits, end)
                if wait is None or self._stopping.wait(wait):
                    raise Retryable(str(error), retry_after=self._retry.max_interval) from error
                logger.warning("storing %d spans failed, trying again: %s", sum(map(len, batches)), error)
                self._retries.inc()
            else:
                return

    def stop(self) -> None:
        """Ends all waiting; attempts that are asked for still are made, once."""
        self._stopping.set()

    def _attempt(self, batches: Sequence[SpanBatch], token: str) -> None:
        with self._turn:
            begin = time.monotonic()
            self._exporter.export(batches, token)
            self.last_seconds = time.monotonic() - begin
        self._sent_spans.inc(sum(map(len, batches)))


def _wait(error: Exception, waits: Iterator[float], end: float) -> float | None:
    """Seconds until the next attempt; None if there is no time for one."""
    wait = next(waits, None)
    if wait is None or not isinstance(error, Throttled):
        return wait
    return max(wait, error.retry_after) if time.monotonic() + error.retry_after < end else None


def _turn(exporter: Exporter) -> threading.Lock:
    """The lock of an exporter, which several pipelines may share."""
    with _turns_lock:
        return _turns.setdefault(id(exporter), threading.Lock())
