# SPDX-License-Identifier: Apache-2.0
"""From a request to stored spans.

1. `consume` opens a ticket, if there is room, and puts it into the batcher: callers only wait.
2. One thread takes all that waits and checks it in one compiled pass: what is not OTLP is answered, spans that are
   wrong are counted. Then every queue, one an exporter, is offered the requests.
3. A queue with a write-ahead log puts the requests on disk and settles the ticket; one from memory settles it when the
   spans are stored. The last of them answers the request.
4. A thread of each queue decodes, runs the processors, and stores all that came while it stored the last.
"""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from concurrent.futures import Future
from functools import partial

from otel_sessions.component import Component, Gate, Host, Noting, Outcome, Request, Worker
from otel_sessions.exporterhelper.bisect import bisect
from otel_sessions.exporterhelper.config import MEMORY_BYTES
from otel_sessions.exporterhelper.memory_queue import MemoryQueue
from otel_sessions.exporterhelper.persistent_queue import PersistentQueue
from otel_sessions.exporterhelper.processing import NamedProcessor, Processing, messages
from otel_sessions.exporterhelper.queue import Ledger, Outlet, Queue, Ticket, answerable_error
from otel_sessions.pdata import check
from otel_sessions.pipeline.batcher import Batcher
from otel_sessions.pipeline.repeated import Recent


class Pipeline:
    """A `Consumer` that works from `start` to `shutdown`; several threads may call it.

    A request is answered when every exporter has its spans in its log, or has stored them. One that none could take is
    answered with the error; the spans of its neighbours are stored all the same.
    """

    def __init__(self, name: str, processors: Sequence[NamedProcessor], outlets: Sequence[Outlet], host: Host) -> None:
        metrics = host.metrics
        in_memory = [outlet for outlet in outlets if outlet.settings.sending_queue.storage == "memory"]
        capacity = min([MEMORY_BYTES, *(outlet.settings.sending_queue.capacity for outlet in in_memory)])
        self._ledger = Ledger(capacity, [metrics.queue_size.labels(str(outlet.id)) for outlet in in_memory])
        for outlet in in_memory:
            metrics.queue_capacity.labels(str(outlet.id)).inc(capacity)
        self._processors = [processor for _, processor in processors]
        self._processing = Processing(processors, metrics)
        self._gates = [processor for processor in self._processors if isinstance(processor, Gate)]
        answers_first = len(in_memory) < len(outlets)
        self._noting = [each for each in self._processors if isinstance(each, Noting) and answers_first]
        self._recent = Recent(metrics.repeated_requests.labels(name), {str(outlet.id) for outlet in outlets})
        self._batcher = Batcher()
        self._queues = [self._queue(name, outlet, host, counted=not place) for place, outlet in enumerate(outlets)]
        self._at_work: Sequence[Ticket] = ()
        self._worker = Worker(name, "check", self._run, host, self._settle_all)

    def start(self) -> None:
        """Raises `Permanent` when one of its queues or processors cannot work, and then none does."""
        started: list[Component] = []
        try:
            for each in (*self._processors, *self._queues):
                if isinstance(each, Component):
                    each.start()
                    started.append(each)
        except BaseException:
            for each in reversed(started):
                each.shutdown(0.0)
            raise
        self._worker.start()

    def consume(self, request: Request) -> Future[Outcome]:
        """The outcome once the spans are safe; `Retryable` at once when there is no room.

        A request that was here a moment ago, byte for byte, has the outcome of the first.
        """
        for gate in self._gates:
            gate.admit()
        for queue in self._queues:
            queue.check_room(len(request.body))
        return self._recent.outcome_of(request, partial(self._take, request))

    def shutdown(self, timeout: float) -> None:
        """Takes no more requests, answers those it has, and after `timeout` seconds ends the rest as `Retryable`."""
        end = time.monotonic() + timeout
        self._ledger.close(timeout)
        self._batcher.close()
        self._worker.join(max(0.1, end - time.monotonic()))
        for queue in self._queues:
            queue.shutdown(max(0.1, end - time.monotonic()))
        for processor in self._processors:
            if isinstance(processor, Component):
                processor.shutdown(max(0.1, end - time.monotonic()))

    def _queue(self, name: str, outlet: Outlet, host: Host, *, counted: bool) -> Queue:
        ledger, processing = self._ledger, self._processing
        if outlet.settings.sending_queue.storage == "memory":
            return MemoryQueue(name, outlet, host, ledger=ledger, processing=processing, counted=counted)
        seen = partial(self._recent.note, by=str(outlet.id))
        return PersistentQueue(name, outlet, host, ledger=ledger, processing=processing, seen=seen, counted=counted)

    def _take(self, request: Request, taken_by: Set[str]) -> Ticket:
        ticket = self._ledger.open(request, taken_by)
        self._batcher.put(ticket)
        return ticket

    def _run(self) -> None:
        while tickets := self._batcher.take():
            self._at_work = tickets
            bisect(tickets, self._check, self._refuse)
            self._at_work, tickets = (), []

    def _settle_all(self, _: BaseException) -> None:
        """The thread that checks has died: nothing is taken any more, and nobody waits for ever."""
        self._batcher.close()
        self._ledger.close(0.0)

    def _refuse(self, tickets: Sequence[Ticket], error: Exception) -> None:
        self._ledger.fail(tickets, answerable_error(error))

    def _check(self, tickets: Sequence[Ticket]) -> None:
        """Answers what cannot be read, and offers the rest to the queues."""
        noted_bytes = min((each.noted_bytes for each in self._noting), default=2**32)
        checked = check([ticket.request.body for ticket in tickets], noted_bytes)
        good: list[Ticket] = []
        for ticket, result in zip(tickets, checked.results, strict=True):
            if result.error is not None:
                self._ledger.fail([ticket], result.error)
            else:
                ticket.outcome = Outcome(result.accepted_spans, result.rejected_spans, result.message)
                good.append(ticket)
        if any(each.may_note(checked) for each in self._noting):
            # what processors have to say must be known before the answer
            batch = self._processing.batch([ticket.request for ticket in good], counted=False)
            for number, texts in messages(batch).items():
                good[number].notes.update(dict.fromkeys(texts))
        offered = {
            queue: [ticket for ticket in good if ticket.outcome.accepted_spans and queue.name not in ticket.taken_by]
            for queue in self._queues
        }
        for ticket in good:
            ticket.awaited = 0
        for those in offered.values():
            for ticket in those:
                ticket.awaited += 1
        self._ledger.settle(ticket for ticket in good if not ticket.awaited)
        for queue, those in offered.items():
            try:
                queue.offer(those)
            except Exception as error:  # noqa: BLE001 - every ticket is answered
                self._ledger.settle(those, answerable_error(error))
