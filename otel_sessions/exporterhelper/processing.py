# SPDX-License-Identifier: Apache-2.0
"""From requests to the spans an exporter is given: decoded, and through the processors of the pipeline."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pyarrow.compute as pc

from otel_sessions.component import ComponentId, Forgetting, Holding, Processor, Request, Tolerant
from otel_sessions.exporterhelper.bisect import bisect
from otel_sessions.pdata import SpanBatch, decode, joined
from otel_sessions.telemetry import Intervals, Metrics

logger = logging.getLogger("otel_sessions.processors")

NamedProcessor = tuple[ComponentId, Processor]


class Processing:
    """Runs the processors, one batch at a time, whichever threads call; counts what goes through each."""

    def __init__(self, processors: Sequence[NamedProcessor], metrics: Metrics) -> None:
        self._processors = processors
        self._incoming = [metrics.incoming_items.labels(str(id_)) for id_, _ in processors]
        self._outgoing = [metrics.outgoing_items.labels(str(id_)) for id_, _ in processors]
        holding = [processor for _, processor in processors if isinstance(processor, Holding)]
        self._holding = next((each for each in holding if each.claim_wait > 0), None)
        self._errors = metrics.processor_errors
        self._log_again = Intervals()
        self._turn = threading.Lock()
        self._distrusted = threading.Event()

    def batch(self, requests: Sequence[Request], *, counted: bool = True) -> SpanBatch:
        """The spans of the requests, by the column `Request`; raises `TooLarge` where they are too many for a batch.

        Where a pipeline has several exporters, the way to one of them is `counted`.
        """
        batch = decode([request.body for request in requests], [request.project for request in requests]).batch
        if not len(batch):
            return batch
        with self._turn:
            self._forget_if_distrusted()
            steps = zip(self._processors, self._incoming, self._outgoing, strict=True)
            for (id_, processor), incoming, outgoing in steps:
                spans = len(batch)
                batch = self._processed(id_, processor, batch)
                if counted:
                    incoming.inc(spans)
                    outgoing.inc(len(batch))
        return batch

    def _processed(self, id_: ComponentId, processor: Processor, batch: SpanBatch) -> SpanBatch:
        """The batch that the processor returns.

        Where it raises and its `on_error` is not `fail`, the batch is halved until the spans to blame stand alone:
        these are counted, and left as they were (`pass`) or out (`drop`).
        """
        try:
            return _checked(processor.process(batch))
        except Exception as exc:
            if not isinstance(processor, Tolerant) or processor.on_error == "fail":
                raise
            error, on_error = exc, processor.on_error
            if self._log_again.due(str(id_)):
                logger.exception("the processor %s has raised; on_error is %s", id_, on_error)
        done: list[SpanBatch] = []

        def attempt(rows: Sequence[int]) -> None:
            if len(rows) == len(batch):
                raise error  # as it has done
            done.append(_checked(processor.process(batch.slice(rows[0], len(rows)))))

        def blame(rows: Sequence[int], _: Exception) -> None:
            self._errors.labels(str(id_), on_error).inc(len(rows))
            if on_error == "pass":
                done.append(batch.slice(rows[0], len(rows)))

        bisect(range(len(batch)), attempt, blame)
        return joined(done) if done else batch.slice(0, 0)

    @property
    def claim_wait(self) -> float:
        """How many seconds spans may wait for their session to be known; 0 where none may."""
        return self._holding.claim_wait if self._holding else 0.0

    def part(self, batch: SpanBatch) -> tuple[SpanBatch, SpanBatch]:
        """The spans of a processed batch that can be stored, and those that had better wait."""
        assert self._holding is not None
        with self._turn:
            waits = self._holding.unclaimed(batch)
        return batch.filter(pc.invert(waits)), batch.filter(waits)

    def claim(self, batch: SpanBatch) -> SpanBatch:
        """Spans that have waited, with what is known of them now."""
        assert self._holding is not None
        with self._turn:
            self._forget_if_distrusted()
            return self._holding.claim(batch)

    def distrust(self) -> None:
        """Spans that the processors have seen are not stored: what they remember of them may not be used any more."""
        self._distrusted.set()

    def _forget_if_distrusted(self) -> None:
        if self._distrusted.is_set():
            self._distrusted.clear()
            for _, processor in self._processors:
                if isinstance(processor, Forgetting):
                    processor.forget()


def _checked(batch: object) -> SpanBatch:
    if not isinstance(batch, SpanBatch):
        raise TypeError(f"a processor returns a SpanBatch, and this one has returned {type(batch).__name__}")
    return batch


def messages(batch: SpanBatch) -> Mapping[int, Sequence[str]]:
    """What the processors noted for the senders of a batch, by the number of the request."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for note in batch.notes:
        for number in note.requests:
            found[number].append(note.message)
    return found
