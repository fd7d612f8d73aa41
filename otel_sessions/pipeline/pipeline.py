"""From a request to stored spans, in memory.

1. `consume` opens a ticket, if there is room, and puts the request into the batcher: callers only wait.
2. One thread takes all that waits, decodes it in one go and runs the processors.
3. One thread an exporter stores all that was decoded while it stored the last.
4. The ticket is settled, which answers the request. A write-ahead log will settle it after step 1 instead.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from pydantic import Field

from otel_sessions.component import ComponentId, Exporter, Outcome, Processor, Request, Settings
from otel_sessions.errors import Retryable
from otel_sessions.pdata import Decoded, Note, SpanBatch, decode
from otel_sessions.pipeline.batcher import Arrival, Batcher
from otel_sessions.pipeline.delivery import Delivery, Parcel
from otel_sessions.pipeline.ledger import Ledger, answerable
from otel_sessions.telemetry import Metrics
from otel_sessions.types import ByteSize


class PipelineSettings(Settings):
    """`max_bytes` of requests may be on their way; those beyond are told to come back."""

    max_bytes: ByteSize = Field(default=256 * 2**20, gt=0)


class Pipeline:
    """A `Consumer` that works from its creation until `close`; several threads may call it.

    A request is answered when every exporter has stored its spans. One that none could store is answered with the error
    of the exporter; the spans of its neighbours are stored all the same.
    """

    def __init__(
        self,
        name: str,
        processors: Sequence[tuple[ComponentId, Processor]],
        exporters: Sequence[tuple[ComponentId, Exporter]],
        metrics: Metrics,
        settings: PipelineSettings | None = None,
    ) -> None:
        settings = settings or PipelineSettings()
        self._processors = processors
        self._metrics = metrics
        labels = [str(id_) for id_, _ in exporters]
        self._ledger = Ledger(settings.max_bytes, [metrics.queue_size.labels(label) for label in labels])
        self._batcher = Batcher()
        self._deliveries = [Delivery(name, id_, exporter, metrics, self._ledger) for id_, exporter in exporters]
        for label in labels:
            metrics.queue_capacity.labels(label).inc(settings.max_bytes)
        self._thread = threading.Thread(target=self._run, name=f"{name}-decode", daemon=True)
        self._thread.start()

    def consume(self, request: Request) -> Future[Outcome]:
        """The outcome once the spans are stored; `Retryable` at once when there is no room."""
        ticket = self._ledger.open(len(request.body))
        self._batcher.put(Arrival(request, ticket))
        return ticket.future

    def close(self, timeout: float) -> None:
        """Takes no more requests, answers those it has, and after `timeout` seconds ends the rest as `Retryable`."""
        end = time.monotonic() + timeout
        self._ledger.close(timeout)
        self._batcher.close()
        for delivery in self._deliveries:
            delivery.close()
        for join in [self._thread.join, *(delivery.join for delivery in self._deliveries)]:
            join(max(0.1, end - time.monotonic()))

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
        batch = self._processed(decoded.batch)
        tickets = {number: arrival.ticket for number, arrival in enumerate(arrivals)}
        for number, outcome in _outcomes(decoded, batch.notes).items():
            if isinstance(outcome, Outcome):
                tickets[number].outcome = outcome
            else:
                self._ledger.settle([tickets.pop(number)], outcome)
        return Parcel(batch, tickets)

    def _processed(self, batch: SpanBatch) -> SpanBatch:
        if not len(batch):
            return batch
        for id_, processor in self._processors:
            self._metrics.incoming_items.labels(str(id_)).inc(len(batch))
            batch = processor.process(batch)
            self._metrics.outgoing_items.labels(str(id_)).inc(len(batch))
        return batch

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
