# SPDX-License-Identifier: Apache-2.0
"""A queue on disk: senders are answered when their requests are in the write-ahead log; a thread stores them.

1. `offer` puts tickets in line. One thread appends all that are in line, with one fsync, and settles them.
2. A segment is sealed when it is old or large enough. Another thread reads it, decodes it, runs the processors and
   calls the exporter; nothing decoded waits.
3. Where the exporter's disk is this machine's, a third sees to it that what is stored outlasts a power cut, for many
   segments at once, and only then are they removed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from otel_sessions.component import Host, Request, Syncing, Worker
from otel_sessions.errors import Retryable
from otel_sessions.exporterhelper.processing import Processing
from otel_sessions.exporterhelper.queue import INTERNAL_RETRY_AFTER_S, Ledger, Outlet, Ticket, answerable_error
from otel_sessions.exporterhelper.storing import Storing
from otel_sessions.exporterhelper.wal import Log
from otel_sessions.exporterhelper.wal.segment import Part

logger = logging.getLogger("otel_sessions.wal")
SEGMENT_BYTES: Final = 32 * 2**20
WAITING_SPANS: Final = 131_072
"""Spans of new segments that may wait before those that follow go to the end of the backlog."""
REST: Final = 10
"""How many times as long as it took to store a segment the next may grow: storing has a price of its own."""
GROWTH: Final = 3.5
"""How many times `flush_timeout` it may grow at most: with the insert after it, spans can be read within a second."""
PROBE_S: Final = 2.0
"""How long after the disk has failed it is tried again, if no request does."""
SYNC_S: Final = 5.0
"""How often what was stored is made to outlast a power cut; sooner where the log fills."""


class PersistentQueue:
    """Appends requests to the log and settles their tickets; stores segments, the oldest first.

    New segments and those of the backlog take turns, so that a backlog does not keep new sessions from being seen.
    """

    def __init__(
        self,
        pipeline: str,
        outlet: Outlet,
        host: Host,
        *,
        ledger: Ledger,
        processing: Processing,
        seen: Callable[[Iterable[Request]], None],
        counted: bool = True,
    ) -> None:
        """Opens nothing yet. `seen` is told of the requests that an earlier process has left."""
        queue = outlet.settings.sending_queue
        self.name = str(outlet.id)
        self._component = f"{self.name}/wal"
        self._exporter = outlet.exporter
        self._needs_sync = isinstance(outlet.exporter, Syncing) and outlet.exporter.needs_sync
        self._host = host
        self._ledger = ledger
        self._processing = processing
        self._seen = seen
        self._batch = queue.batch
        self._capacity = queue.capacity
        self._labels = (self.name, pipeline)
        self._failed_spans = host.metrics.enqueue_failed_spans.labels(self.name)
        size = host.metrics.queue_size.labels(self.name)
        self._log = Log(outlet.settings.log_of(self.name, pipeline), queue, size.inc)
        self._storing = Storing(outlet, host, self._log, processing, counted=counted)
        self._in_line: deque[Ticket] = deque()
        self._at_work: Sequence[Ticket] = ()
        self._active_since: float | None = None
        self._active_spans = self._active_bytes = 0
        self._rested_at = 0.0  # when what was stored last no longer keeps the active segment growing
        self._fresh: deque[Part] = deque()
        self._backlog: deque[Part] = deque()
        self._turns = 0
        lock = threading.Lock()
        self._changed = threading.Condition(lock)  # for the thread that stores
        self._arrived = threading.Condition(lock)  # for the one that appends
        self._closed: Retryable | None = Retryable("not started", retry_after=INTERNAL_RETRY_AFTER_S)
        self._end: float | None = None  # when to leave the rest in the log
        self._probe_at: float | None = None  # when to see whether the disk works again
        self._sync_now = threading.Event()
        self._synced = threading.Event()  # nothing more comes to be synced
        worker = f"{pipeline}-{self.name}"
        self._writing = Worker(worker, "append", self._write, host, self._stop_taking)
        self._reading = Worker(worker, "store", self._store, host)
        self._syncing = Worker(worker, "sync", self._sync, host)

    def start(self) -> None:
        self._log.open()
        try:
            self._log.recover(self._seen)
            self._storing.start()
            self._fresh.clear()
            self._backlog = deque(map(Part.whole, self._log.sealed()))
            self._end = None
            self._synced.clear()
            self._host.metrics.queue_capacity.labels(self.name).inc(self._capacity)
            self._host.metrics.watch_log(self._log, *self._labels)
            self._closed = None
            if not self._needs_sync:  # as it may have done before
                for segment in self._log.kept():
                    self._log.remove(segment)
            for worker in (self._writing, self._reading, *([self._syncing] if self._needs_sync else [])):
                worker.start()
        except BaseException:
            self.shutdown(0.0)
            raise

    def check_room(self, nbytes: int) -> None:
        try:
            self._log.check_room(nbytes)
        except Retryable as error:
            self._tell_of_refusals(str(error))
            raise

    def offer(self, tickets: Sequence[Ticket]) -> None:
        with self._changed:
            closed = self._closed
            if closed is None:
                self._in_line.extend(tickets)
                self._arrived.notify()
        if closed is not None:
            self._ledger.settle(tickets, closed)

    def shutdown(self, timeout: float) -> None:
        """Stores what it can within `timeout` seconds; what is left stays in the log."""
        end = time.monotonic() + timeout
        with self._changed:
            started, self._closed = self._closed is None, Retryable("shutting down", retry_after=INTERNAL_RETRY_AFTER_S)
            self._arrived.notify()
        self._writing.join(timeout + 1.0)  # an fsync
        with self._changed:
            self._end = end
            self._storing.stop()
            self._changed.notify_all()
        self._reading.join(max(0.0, end - time.monotonic()))
        self._synced.set()
        self._sync_now.set()
        self._syncing.join(max(1.0, end - time.monotonic()))
        self._log.close()
        if started:
            self._host.metrics.queue_capacity.labels(self.name).dec(self._capacity)
            self._host.metrics.forget_log(*self._labels)

    # --- appending ---

    def _write(self) -> None:
        while tickets := self._take():
            self._at_work = tickets
            self._append(tickets)
            self._at_work = tickets = ()

    def _take(self) -> Sequence[Ticket]:
        """What is in line, as far as one segment has room for it; nothing when the queue is closed and all is done."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._in_line or self._closed)
            taken: list[Ticket] = []
            spans = nbytes = 0
            while self._in_line:
                spans += self._in_line[0].outcome.accepted_spans
                nbytes += len(self._in_line[0].request.body)
                if taken and (spans > self._batch.max_size or nbytes > SEGMENT_BYTES):
                    break
                taken.append(self._in_line.popleft())
        return taken

    def _append(self, tickets: Sequence[Ticket]) -> None:
        """Returns when the requests are on disk, or are answered that they could not be put there."""
        spans = sum(ticket.outcome.accepted_spans for ticket in tickets)
        nbytes = sum(len(ticket.request.body) for ticket in tickets)
        too_many = self._active_spans + spans > self._batch.max_size
        try:
            if self._active_spans and (too_many or self._active_bytes + nbytes > SEGMENT_BYTES):
                self._seal()
            segment = self._log.append([ticket.request for ticket in tickets], spans)
        except Exception as error:  # noqa: BLE001 - every ticket is answered
            self._failed_spans.inc(spans)
            if any(ticket.notes for ticket in tickets):  # processors have seen them
                self._processing.distrust()
            self._tell_of_refusals(str(error))
            self._ledger.settle(tickets, answerable_error(error))
        else:
            self._host.report(self._component, None)
            self._ledger.settle(tickets, by=self.name)
            with self._changed:
                self._active_spans, self._active_bytes = segment.spans, segment.nbytes
                if self._active_since is None:  # the thread that stores knows when to seal it, and sleeps until then
                    self._active_since = time.monotonic()
                    self._changed.notify()
            if segment.spans >= self._batch.max_size or segment.nbytes >= SEGMENT_BYTES:
                self._seal()

    def _seal(self) -> None:
        """The active segment becomes one to store."""
        segment = self._log.seal()
        with self._changed:
            self._active_since, self._active_spans = None, 0
            if segment is not None:
                waiting = sum(part.segment.spans for part in self._fresh)
                fits = waiting + segment.spans <= WAITING_SPANS
                (self._fresh if fits else self._backlog).append(Part.whole(segment))
                self._changed.notify_all()

    def _stop_taking(self, _: BaseException) -> None:
        """Refuses what is in line and all that comes later: the thread that appends has died."""
        with self._changed:
            self._closed = Retryable(f"{self.name} takes nothing any more", retry_after=INTERNAL_RETRY_AFTER_S)
            left = [*self._at_work, *self._in_line]
            self._in_line.clear()
        self._ledger.settle(left, self._closed)

    # --- storing ---

    def _store(self) -> None:
        while (part := self._next()) is not None:
            began = time.monotonic()
            try:
                self._storing.store(part)
            except Retryable as error:  # only when it is to stop
                logger.info("left in the write-ahead log: %s", error)
                return
            except Exception as error:  # noqa: BLE001 - it stays in the log
                self._storing.put_off(part, error)
            ended = time.monotonic()
            self._rested_at = ended + REST * (ended - began)
            del part  # its spans are not to wait in memory for the next
            if self._log.nbytes > self._capacity // 2:
                self._sync_now.set()

    def _next(self) -> Part | None:
        """What to store now, as soon as there is anything; None when it is time to leave the rest."""
        while True:
            now = time.monotonic()
            if self._end is not None and now >= self._end:
                return None
            if self._probe_at is not None and now >= self._probe_at:
                # health must not wait for a request: a load balancer sends none to who is not well
                problem = self._log.probe() or self._log.shortage(0)
                self._host.report(self._component, problem, refuses=True)
                self._probe_at = time.monotonic() + PROBE_S if problem else None
            seal_at = self._seal_at()
            if seal_at is not None and (self._end is not None or now >= seal_at):
                self._seal()
            with self._changed:
                part = self._chosen(now)
                if part is not None or self._end is not None:
                    return part
                moments = (self._seal_at(), self._storing.next_due, self._end, self._probe_at)
                times = [moment for moment in moments if moment is not None]
                self._changed.wait(max(0.001, min(times) - now) if times else None)

    def _seal_at(self) -> float | None:
        """When the active segment is old enough: after `flush_timeout`, or later where storing is not at rest."""
        since, timeout = self._active_since, self._batch.flush_timeout
        return None if since is None else max(since + timeout, min(self._rested_at, since + GROWTH * timeout))

    def _tell_of_refusals(self, problem: str) -> None:
        self._host.report(self._component, problem, refuses=True)
        with self._changed:
            self._probe_at = time.monotonic() + PROBE_S
            self._changed.notify_all()

    def _chosen(self, now: float) -> Part | None:
        """The next part to store: new segments, the backlog and refused parts take turns. None without any."""
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

    # --- outlasting a power cut ---

    def _sync(self) -> None:
        """Removes stored segments once what became of them outlasts a power cut; health tells while that fails."""
        assert isinstance(self._exporter, Syncing)
        problem, last = None, False
        while not last:
            self._sync_now.wait(SYNC_S)
            self._sync_now.clear()
            last = self._synced.is_set()
            kept = self._log.kept()
            if not kept:
                continue
            try:
                self._exporter.sync()
            except OSError as error:
                if problem is None:  # the log is told once
                    logger.error("what is stored may not outlast a power cut: %s", error)  # noqa: TRY400
                problem = f"what is stored may not outlast a power cut: {error}"
            else:
                problem = None
                for segment in kept:
                    self._log.remove(segment)
            self._host.report(f"{self.name}/sync", problem)
