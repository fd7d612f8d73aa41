"""Delivery from a write-ahead log: senders are answered when their requests are on disk; a thread stores them."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from otel_sessions.component import Host, Request
from otel_sessions.errors import Retryable
from otel_sessions.exporterhelper.ledger import Ledger, answerable
from otel_sessions.exporterhelper.memory_queue import WAITING_SPANS
from otel_sessions.exporterhelper.parcel import Parcel
from otel_sessions.exporterhelper.processing import Processing
from otel_sessions.exporterhelper.sender import Outlet
from otel_sessions.exporterhelper.storing import Storing
from otel_sessions.exporterhelper.wal import Log
from otel_sessions.exporterhelper.wal.parts import Part
from otel_sessions.pdata import SpanBatch

logger = logging.getLogger("otel_sessions.wal")
SEGMENT_BYTES: Final = 64 * 2**20
PROBE_S: Final = 2.0
"""How long after the disk has failed it is tried again, if no request does."""


class DurableDelivery:
    """Appends requests to the log and settles their tickets; stores segments, the oldest first.

    Spans stay decoded in memory until they are stored, unless too many wait: those are read from the log again. New
    segments and those read again take turns, so that a backlog does not keep new sessions from being seen.
    """

    def __init__(
        self,
        name: str,
        outlet: Outlet,
        host: Host,
        *,
        ledger: Ledger,
        processing: Processing,
        seen: Callable[[Iterable[Request]], None],
    ) -> None:
        queue = outlet.settings.sending_queue
        self._outlet = outlet
        self._component = f"{outlet.id}/wal"
        self._host = host
        self._ledger = ledger
        self._processing = processing
        self._batch = queue.batch
        self._failed_spans = host.metrics.enqueue_failed_spans.labels(str(outlet.id))
        size = host.metrics.queue_size.labels(str(outlet.id))
        host.metrics.queue_capacity.labels(str(outlet.id)).inc(queue.capacity)
        self._log = Log(outlet.settings.log_of(str(outlet.id), name), queue, size.inc)
        self._log.recover(seen)
        self._storing = Storing(outlet, host, self._log, processing)
        self._fresh: deque[Part] = deque()
        self._backlog = deque(map(Part.whole, self._log.sealed()))
        self._active: list[SpanBatch] = []
        self._active_since = 0.0
        self._turns = 0
        self._changed = threading.Condition()
        self._end: float | None = None  # when to leave the rest in the log
        self._probe_at: float | None = None  # when to see whether the disk works again
        self._thread = threading.Thread(target=self._run, name=f"{name}-{outlet.id}", daemon=True)
        self._thread.start()

    def room(self, nbytes: int) -> None:
        try:
            self._log.check_room(nbytes)
        except Retryable as error:
            self._host.report(self._component, str(error))
            raise

    def put(self, parcel: Parcel) -> None:
        """Returns when the requests are on disk, or are answered that they could not be put there."""
        numbers = [number for number, ticket in parcel.tickets.items() if ticket.outcome.accepted_spans]
        batch = self._outlet.batch(parcel.batch, parcel.requests.values())
        try:
            self._append([parcel.requests[number] for number in numbers], batch)
        except Exception as error:  # noqa: BLE001 - every ticket is answered
            self._failed_spans.inc(len(parcel.batch))
            self._processing.distrust()
            self._troubled(error)
            self._ledger.settle(parcel.tickets.values(), answerable(error))
        else:
            self._host.report(self._component, None)
            self._ledger.settle(parcel.tickets.values())

    def drain(self, timeout: float) -> None:
        """Stores what it can within `timeout` seconds; what is left stays in the log."""
        with self._changed:
            self._end = time.monotonic() + timeout
            self._storing.stop()
            self._changed.notify_all()
        self._thread.join(timeout)
        self._log.close()

    def _troubled(self, error: Exception) -> None:
        with self._changed:
            self._host.report(self._component, str(error))
            self._probe_at = time.monotonic() + PROBE_S
            self._changed.notify_all()

    def _probe(self) -> None:
        """Health must not wait for a request: a load balancer sends none to who is not well."""
        problem = self._log.probe()
        self._host.report(self._component, problem)
        self._probe_at = time.monotonic() + PROBE_S if problem else None

    def _append(self, requests: Sequence[Request], batch: SpanBatch) -> None:
        with self._changed:
            if self._active and self._active_spans + len(batch) > self._batch.max_size:
                self._seal()
            segment = self._log.append(requests)
            if not self._active:
                self._active_since = time.monotonic()
            self._active.append(batch)
            if self._active_spans >= self._batch.max_size or segment.nbytes >= SEGMENT_BYTES:
                self._seal()
            self._changed.notify_all()

    @property
    def _active_spans(self) -> int:
        return sum(map(len, self._active))

    def _seal(self) -> None:
        """The active segment becomes one to store; its spans are forgotten where too many are in memory."""
        segment, batches, self._active = self._log.seal(), self._active, []
        if segment is None:
            return
        waiting = sum(len(batch) for part in self._fresh for batch in part.batches or ())
        if waiting + sum(map(len, batches)) <= WAITING_SPANS:
            self._fresh.append(Part.whole(segment, batches))
        else:
            self._backlog.append(Part.whole(segment))

    def _run(self) -> None:
        while (part := self._next()) is not None:
            try:
                self._storing.store(part)
            except Retryable as error:  # only when it is to stop
                logger.info("left in the write-ahead log: %s", error)
                return
            except Exception:
                logger.exception("%s of the write-ahead log waits for the next start", part.token)
            else:
                self._host.report(self._component, None)  # there is room again, or the next request tells

    def _next(self) -> Part | None:
        """What to store now, as soon as there is anything; None when it is time to leave the rest."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._end is not None and now >= self._end:
                    return None
                if self._probe_at is not None and now >= self._probe_at:
                    self._probe()
                if self._active and (self._end is not None or now >= self._active_since + self._batch.flush_timeout):
                    self._seal()
                part = self._chosen(now)
                if part is not None or self._end is not None:
                    return part
                self._changed.wait(self._until_next(now))

    def _chosen(self, now: float) -> Part | None:
        """Of the segments in memory, those on disk and those that were refused, each in its turn."""
        for _ in range(3):
            self._turns += 1
            match self._turns % 3:
                case 0 if self._fresh:
                    return self._fresh.popleft()
                case 1 if self._backlog:
                    return self._backlog.popleft()
                case 2 if part := self._storing.due(now):
                    return part
        return None

    def _until_next(self, now: float) -> float | None:
        times = [self._active_since + self._batch.flush_timeout] if self._active else []
        times += [part.not_before for part in self._storing.doubtful]
        times += [moment for moment in (self._end, self._probe_at) if moment is not None]
        return max(0.001, min(times) - now) if times else None
