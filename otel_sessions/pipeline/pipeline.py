"""From a request to stored spans.

1. `consume` opens a ticket, if there is room, and puts the request into the batcher: callers only wait.
2. One thread takes all that waits, decodes it in one go, runs the processors, and hands it to the deliveries, one an
   exporter.
3. A delivery with a write-ahead log puts the requests on disk and settles the ticket; one from memory settles it when
   the spans are stored. The last of them answers the request.
4. A thread of each delivery stores all that came while it stored the last.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from otel_sessions.component import Gate, Host, Outcome, Request
from otel_sessions.errors import Retryable
from otel_sessions.exporterhelper.config import MEMORY_BYTES
from otel_sessions.exporterhelper.ledger import Ledger, answerable
from otel_sessions.exporterhelper.memory_queue import MemoryDelivery
from otel_sessions.exporterhelper.parcel import Delivery, Parcel
from otel_sessions.exporterhelper.persistent_queue import DurableDelivery
from otel_sessions.exporterhelper.processing import NamedProcessor, Processing
from otel_sessions.exporterhelper.sender import Outlet
from otel_sessions.pdata import Decoded, Note, decode
from otel_sessions.pipeline.batcher import Arrival, Batcher
from otel_sessions.pipeline.recent import Recent


class Pipeline:
    """A `Consumer` that works from its creation until `close`; several threads may call it.

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
        self._processing = Processing(processors, metrics)
        self._gates = [processor for _, processor in processors if isinstance(processor, Gate)]
        self._recent = Recent(metrics.repeated_requests.labels(name))
        self._batcher = Batcher()
        self._deliveries = [self._delivery(name, outlet, host) for outlet in outlets]
        self._thread = threading.Thread(target=self._run, name=f"{name}-decode", daemon=True)
        self._thread.start()

    def consume(self, request: Request) -> Future[Outcome]:
        """The outcome once the spans are safe; `Retryable` at once when there is no room.

        A request that was here a moment ago, byte for byte, has the outcome of the first.
        """
        for gate in self._gates:
            gate.admit()
        for delivery in self._deliveries:
            delivery.room(len(request.body))
        return self._recent.outcome_of(request, partial(self._take, request))

    def close(self, timeout: float) -> None:
        """Takes no more requests, answers those it has, and after `timeout` seconds ends the rest as `Retryable`."""
        end = time.monotonic() + timeout
        self._ledger.close(timeout)
        self._batcher.close()
        self._thread.join(max(0.1, end - time.monotonic()))
        for delivery in self._deliveries:
            delivery.drain(max(0.1, end - time.monotonic()))

    def _delivery(self, name: str, outlet: Outlet, host: Host) -> Delivery:
        if outlet.settings.sending_queue.storage == "wal":
            return DurableDelivery(
                name, outlet, host, ledger=self._ledger, processing=self._processing, seen=self._recent.seen
            )
        return MemoryDelivery(name, outlet, host.metrics, self._ledger, self._processing.distrust)

    def _take(self, request: Request) -> Future[Outcome]:
        ticket = self._ledger.open(len(request.body))
        self._batcher.put(Arrival(request, ticket))
        return ticket.future

    def _run(self) -> None:
        while self._work(self._batcher.take()):
            pass

    def _work(self, arrivals: Sequence[Arrival]) -> bool:
        """Decodes, processes and hands on; False when there is nothing.

        What fails is found by halving, so that one request does not fail its neighbours.
        """
        try:
            parcel = self._parcel(arrivals)
        except Exception as error:  # noqa: BLE001 - every ticket is answered
            middle = len(arrivals) // 2
            if middle and not isinstance(error, Retryable):
                self._work(arrivals[:middle])
                self._work(arrivals[middle:])
            else:
                self._ledger.settle([arrival.ticket for arrival in arrivals], answerable(error))
        else:
            self._hand_on(parcel)
        return bool(arrivals)

    def _parcel(self, arrivals: Sequence[Arrival]) -> Parcel:
        """The spans of the requests that could be read; the others are answered."""
        requests = [arrival.request for arrival in arrivals]
        decoded = decode([request.body for request in requests], [request.project for request in requests])
        batch = self._processing.process(decoded.batch)
        tickets = {number: arrival.ticket for number, arrival in enumerate(arrivals)}
        for number, outcome in _outcomes(decoded, batch.notes).items():
            if isinstance(outcome, Outcome):
                tickets[number].outcome = outcome
            else:
                self._ledger.settle([tickets.pop(number)], outcome)
        return Parcel(batch, tickets, dict(enumerate(requests)))

    def _hand_on(self, parcel: Parcel) -> None:
        if not len(parcel.batch) or not self._deliveries:
            self._ledger.settle(parcel.tickets.values())
            return
        for ticket in parcel.tickets.values():
            ticket.awaited = len(self._deliveries)
        for delivery in self._deliveries:
            delivery.put(parcel)


def _outcomes(decoded: Decoded, notes: Sequence[Note]) -> Mapping[int, Outcome | Exception]:
    """The answer to each request, if its spans are stored: what the decoder found and the processors noted."""
    messages: defaultdict[int, list[str]] = defaultdict(list)
    for note in notes:
        for number in note.requests:
            messages[number].append(note.message)
    return {
        number: result.error
        or Outcome(
            result.accepted_spans, result.rejected_spans, "; ".join(filter(None, [result.message, *messages[number]]))
        )
        for number, result in enumerate(decoded.results)
    }
