"""The processors of a pipeline, one after another."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from otel_sessions.component import ComponentId, Forgetting, Processor
from otel_sessions.pdata import SpanBatch
from otel_sessions.telemetry import Metrics

NamedProcessor = tuple[ComponentId, Processor]


class Processing:
    """Runs the processors, one batch at a time, whichever threads call; counts what goes through each."""

    def __init__(self, processors: Sequence[NamedProcessor], metrics: Metrics) -> None:
        self._processors = processors
        self._metrics = metrics
        self._turn = threading.Lock()
        self._distrusted = threading.Event()

    def process(self, batch: SpanBatch) -> SpanBatch:
        if not len(batch):
            return batch
        with self._turn:
            self._forget_if_distrusted()
            for id_, processor in self._processors:
                self._metrics.incoming_items.labels(str(id_)).inc(len(batch))
                batch = processor.process(batch)
                self._metrics.outgoing_items.labels(str(id_)).inc(len(batch))
        return batch

    def distrust(self) -> None:
        """Spans that the processors have seen are not stored: what they remember of them may not be used any more."""
        self._distrusted.set()

    def _forget_if_distrusted(self) -> None:
        if self._distrusted.is_set():
            self._distrusted.clear()
            for _, processor in self._processors:
                if isinstance(processor, Forgetting):
                    processor.forget()
