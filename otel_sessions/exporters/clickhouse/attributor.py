# SPDX-License-Identifier: Apache-2.0
"""A thread that puts right what late claims and repeated spans change, a moment after the insert that brought them."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.chunks import batched
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.writers import Writer
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError
from otel_sessions.exporters.clickhouse.config import AttributionConfig
from otel_sessions.exporters.clickhouse.known import KnownTraces, Learner
from otel_sessions.exporters.clickhouse.ordered import Traces, traces_of
from otel_sessions.pdata import NO_CLAIM, SpanBatch
from otel_sessions.sessions import attribution
from otel_sessions.sessions.attribution import Doubt, TraceKey

logger = logging.getLogger("otel_sessions.attribution")

_CHUNK = 10_000
"""Traces that are looked at together: each look reads all that is stored about them, so few looks are better than
many.
"""
_CORRECTED = 4000
"""Traces between two looks at the clock; how many of them are corrected at once goes by their rows."""
_RECORD_INTERVAL_S = 10
_TOUCHED = 1_000_000
_MOST_REST_S = 2.0
"""What late claims change is to be right within 5 s, a round and its rest included."""
_CORRECTION_S = 5.0
"""How long before time is up no further correction begins, so that the engine is not left in the middle of one."""


class _TimeIsUpError(Exception):
    """The service stops, and there are more corrections than there is time for."""


@dataclass(frozen=True, slots=True)
class Insert:
    """What is known of the traces of an insert before it is made; `is_settled` are those that need no look after it."""

    traces: Traces
    is_settled: npt.NDArray[np.bool_]


class Attributor:
    """Remembers which traces were stored since its last round, and in each round asks ClickHouse which of them are in
    doubt, and corrects these.

    A trace of which nothing was ever stored before an insert, and which is in order by what the insert has of it, is
    not asked for: the insert has told all tables the same. That nothing was stored is known where this is the only
    one that stores (`Writer`), from the ids that were there when it started and those that it has met since. A server
    is open to others, so there all are asked for.

    What a killed process had not got to is done at the next start, by the record in `_attribution_progress` under
    `receiver`. Receivers must not answer for each other: what one that died has left is not done.
    """

    def __init__(
        self, component: str, endpoint: Endpoint, config: AttributionConfig, host: Host, *, receiver: str
    ) -> None:
        self._component = f"{component}/attribution"
        self._endpoint = endpoint
        self._receiver = receiver
        self._config = config
        self._host = host
        self._moved = host.metrics.moved_traces.labels(component)
        self._lock = threading.Lock()
        self._touched: set[TraceKey] = set()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._until = math.inf
        """When the last round has to end, seconds of the monotonic clock."""
        self._worker: Worker | None = None
        self._client: Client | None = None
        self._writer: Writer | None = None
        self._known = KnownTraces() if endpoint.embedded else None
        self._learner = Learner(self._component, endpoint, self._known, host) if self._known is not None else None
        self._has_stored = False
        """Whether anything was stored of which there is no record yet."""
        self._looks_back = True
        self._recorded = 0
        self._corrected = 0
        """Traces so far."""

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._worker is None:
            if self._endpoint.path is not None:
                self._writer = Writer(self._endpoint.path)
            self._wake.set()
            self._worker = Worker(self._component, "rounds", self._run, self._host)
            self._worker.start()

    def expect(self, batches: Sequence[SpanBatch]) -> Insert:
        """What `note_stored` wants of batches, worked out before the first attempt to store any of them."""
        traces = traces_of(batches)
        new = np.zeros(len(traces.in_order), np.bool_) if self._known is None else self._known.meet(traces.hashes)
        return Insert(traces, new & traces.in_order)

    def note_stored(self, insert: Insert) -> None:
        """Takes note that all of an insert is stored now."""
        alone = self._writer is not None and self._writer.alone
        found = insert.traces.keys(~insert.is_settled if alone else None)
        with self._lock:
            self._touched |= found
            self._has_stored = True
            self._bound()
        if found:
            self._wake.set()

    def look_back(self) -> None:
        """Lets the next round look at all that was stored of late: an insert that has failed may have left a part."""
        with self._lock:
            self._looks_back = True
        self._wake.set()

    def shutdown(self, timeout: float) -> None:
        """Does a last round, as much of it as there is time for in `timeout` seconds; the next start does the rest."""
        self._until = time.monotonic() + max(0.0, timeout - _CORRECTION_S)
        self._stopping.set()
        self._wake.set()
        if self._worker is not None:
            self._worker.join(timeout)
            self._worker = None
        if self._learner is not None:
            self._learner.shutdown(max(0.0, self._until - time.monotonic()) + _CORRECTION_S)
        if self._writer is not None:
            self._writer.leave()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._wake.wait(_RECORD_INTERVAL_S) and not self._has_stored:
                continue
            self._wake.clear()
            begin, moved, looks_back = time.monotonic(), self._corrected, self._looks_back
            if not self._try_round():
                self._wake.set()
            rest = self._config.interval
            # A round has a price of its own, so those that correct are few and large. But beside a look back, which
            # takes long, what a log had left was stored, and has waited.
            if self._corrected > moved and not looks_back:
                rest = max(rest, min(3 * (time.monotonic() - begin), 2 * rest, _MOST_REST_S))
            self._stopping.wait(rest)
        if (self._touched or self._has_stored) and time.monotonic() <= self._until:
            self._try_round()
        self._disconnect()

    def _try_round(self) -> bool:
        try:
            with writing("putting late claims into force"):
                self._round()
        except OtelSessionsError as error:
            if self._host.health().get(self._component) != str(error):
                logger.warning("%s; trying again every %g s", error, self._config.interval)
            self._note_failure(error)
            return False
        except _TimeIsUpError:
            logger.warning("it is time to stop: the next start puts right what late claims are left")
            return False
        except Exception as error:
            logger.exception("late claims are not put into force; trying again")
            self._note_failure(error)
            return False
        self._host.report(self._component, None)
        return True

    def _note_failure(self, error: Exception) -> None:
        self._host.report(self._component, str(error))
        self._disconnect()

    def _round(self) -> None:
        if self._client is None:
            self._client = connect(self._endpoint, database=self._endpoint.database, long_parameters=True)
        client = self._client
        through = attribution.server_time(client)
        with self._lock:
            touched, self._touched = self._touched, set()
            looks_back, self._looks_back = self._looks_back, False
            has_stored, self._has_stored = self._has_stored, False
        try:
            if looks_back:
                left = attribution.left_behind(client)
                for chunk in batched(left, _CHUNK):
                    self._correct(client, attribution.doubtful(client, chunk))
                attribution.record_all(client, self._receiver, through)
            if self._learner is not None and self._writer is not None and self._writer.alone:
                self._learner.begin()
            for chunk in batched(sorted(touched), _CHUNK):
                self._correct(client, attribution.find(client, chunk))
        except BaseException:
            with self._lock:
                self._touched |= touched
                self._looks_back |= looks_back
                self._has_stored |= has_stored
                self._bound()
            raise
        # now and then it is noted that all stored `through` this second of the server is looked at
        with self._lock:
            due = through - self._recorded >= _RECORD_INTERVAL_S or self._stopping.is_set()
            due = due and not self._looks_back
            self._has_stored |= has_stored and not due
        if due:
            attribution.record(client, self._receiver, through)
            self._recorded = through

    def _correct(self, client: Client, found: Sequence[Doubt]) -> None:
        for chunk in batched(found, _CORRECTED):
            if time.monotonic() > self._until:
                raise _TimeIsUpError
            attribution.correct_doubts(client, chunk)
        for doubt in found:
            for listener in self._host.claim_listeners if doubt.best[0] < NO_CLAIM else ():
                listener(doubt.trace, doubt.best)
        self._corrected += len(found)
        self._moved.inc(len(found))

    def _bound(self) -> None:
        """Where rounds fail for long, the record in ClickHouse says which traces to look at, as after a restart."""
        if len(self._touched) > _TOUCHED:
            self._touched.clear()
            self._looks_back = True

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
