"""The service's own metrics and logs, defined once. Metric names are the Collector's, so its dashboards work."""

from __future__ import annotations

import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

logger = logging.getLogger("otel_sessions")
_REMEMBERED_KEYS: Final = 1024


class Metrics:
    """All counters and gauges of one service, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted_spans = self._counter(
            "otelcol_receiver_accepted_spans", "Spans taken into the pipeline.", "receiver", "transport"
        )
        self.refused_spans = self._counter(
            "otelcol_receiver_refused_spans", "Spans that were not taken.", "receiver", "transport"
        )
        self.refused_requests = self._counter(
            "otelcol_receiver_refused_requests",
            "Requests refused whole, by the status the client saw.",
            "receiver",
            "transport",
            "code",
        )
        self.repeated_requests = self._counter(
            "otel_sessions_repeated_requests", "Requests that were here a moment ago, byte for byte.", "pipeline"
        )
        self.quarantined_spans = self._counter(
            "otel_sessions_quarantined_spans", "Spans set aside, since the exporter will never take them.", "exporter"
        )
        self.incoming_items = self._counter("otelcol_processor_incoming_items", "Spans into a processor.", "processor")
        self.outgoing_items = self._counter(
            "otelcol_processor_outgoing_items", "Spans out of a processor.", "processor"
        )
        self.spans_without_session = self._counter(
            "otel_sessions_spans_without_session",
            "Spans stored while no session was known for their trace; a late claim still finds them.",
            "processor",
        )
        self.redacted_values = self._counter(
            "otel_sessions_redacted_values", "Values that were dropped, hidden or masked.", "processor"
        )
        self.sent_spans = self._counter("otelcol_exporter_sent_spans", "Spans stored.", "exporter")
        self.send_failed_spans = self._counter(
            "otelcol_exporter_send_failed_spans", "Spans whose storing failed for good.", "exporter"
        )
        self.enqueue_failed_spans = self._counter(
            "otelcol_exporter_enqueue_failed_spans", "Spans for which there was no room.", "exporter"
        )
        self.export_retries = self._counter(
            "otelcol_exporter_retries", "Attempts to store that failed and are tried again.", "exporter"
        )
        self.partly_rejected_spans = self._counter(
            "otel_sessions_rejected_spans", "Spans that the other side refused of requests it took.", "exporter"
        )
        self.queue_size = self._gauge("otelcol_exporter_queue_size", "Bytes waiting to be stored.", "exporter")
        self.queue_capacity = self._gauge(
            "otelcol_exporter_queue_capacity", "Bytes that may wait to be stored.", "exporter"
        )
        self.moved_traces = self._counter(
            "otel_sessions_moved_traces",
            "Traces whose spans a late claim put into another session.",
            "exporter",
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def exposition(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)


class Intervals:
    """For what is logged again and again: says yes once in `every_s` seconds and key, of 1,024 keys at most."""

    def __init__(self, now: Callable[[], float] = time.monotonic, *, every_s: float = 60.0) -> None:
        self._now = now
        self._every_s = every_s
        self._told: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def due(self, key: str) -> bool:
        with self._lock:
            now = self._now()
            while self._told and next(iter(self._told.values())) <= now - self._every_s:
                self._told.popitem(last=False)
            if key in self._told or len(self._told) == _REMEMBERED_KEYS:
                return False
            self._told[key] = now
            return True


def printable(text: str) -> str:
    """The text on one line: control characters, line ends and what changes the direction of writing are escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def configure_logging(level: str = "INFO", stream: TextIO = sys.stderr) -> None:
    """One line a record on stderr, UTC; library loggers from WARNING up."""
    handler = logging.StreamHandler(stream)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logger.setLevel(level)
