# SPDX-License-Identifier: Apache-2.0
"""The service's own metrics and logs, defined once. Metric names are the Collector's, so its dashboards work."""

from __future__ import annotations

import json
import logging
import math
import shutil
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Timer
from typing import Final, Literal, Protocol, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from otel_sessions.footprint import most_resident, resident

logger = logging.getLogger("otel_sessions")
_CONNECTIONS: Final = ("urllib3.connectionpool", "clickhouse_connect.driver")
_REMEMBERED_KEYS: Final = 1024


class Metrics:
    """All counters and gauges of one service, on a registry of its own, and the log of what it refuses."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.refusals = LimitedLog(logging.getLogger("otel_sessions.refused"))
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
        self.processor_errors = self._counter(
            "otel_sessions_processor_errors",
            "Spans for which a processor raised, by what became of them: drop or pass.",
            "processor",
            "on_error",
        )
        self.spans_without_session = self._counter(
            "otel_sessions_spans_without_session",
            "Spans that came while no session was known for their trace; a late claim still finds them.",
            "processor",
        )
        self.redacted_values = self._counter(
            "otel_sessions_redacted_values", "Values that were dropped, hidden or masked.", "processor"
        )
        self._add_exporters()
        self._add_extensions()
        self.registry.register(ProcessCollector())

    def _add_exporters(self) -> None:
        """Adds what tells of storing."""
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
        self.held_spans = self._gauge(
            "otel_sessions_held_spans", "Spans that wait in the log for the session of their trace.", "exporter"
        )
        self.queue_capacity = self._gauge(
            "otelcol_exporter_queue_capacity", "Bytes that may wait to be stored.", "exporter"
        )
        self.forgotten_spans = self._counter(
            "otel_sessions_forgotten_spans", "Spans that were dropped because their session was deleted.", "exporter"
        )
        self.moved_traces = self._counter(
            "otel_sessions_moved_traces",
            "Traces whose spans a late claim put into another session.",
            "exporter",
        )
        self.stored_bytes = self._gauge(
            "otel_sessions_stored_bytes", "Bytes of the stored data on disk, as of the last minute.", "exporter"
        )
        self._log_bytes = self._gauge(
            "otel_sessions_log_bytes", "Bytes of a write-ahead log on disk.", "exporter", "pipeline"
        )
        self._log_free_bytes = self._gauge(
            "otel_sessions_log_free_bytes", "Bytes free where a write-ahead log is.", "exporter", "pipeline"
        )
        self._oldest = self._gauge(
            "otel_sessions_oldest_unstored_seconds",
            "How long the request that has waited longest has waited to be stored; 0 if none waits.",
            "exporter",
            "pipeline",
        )

    def _add_extensions(self) -> None:
        """Adds what tells of reading, and of sessions that are over."""
        self.served_queries = self._counter("otel_sessions_served_queries", "Queries of SQL answered.", "extension")
        self.refused_queries = self._counter(
            "otel_sessions_refused_queries",
            "Queries of SQL that were answered with an error, by ClickHouse's code.",
            "extension",
            "code",
        )
        self.broken_pages = self._counter(
            "otel_sessions_broken_pages",
            "Parts of pages that could not be made; the page says so in their place.",
            "part",
        )
        self.sampled_out_sessions = self._counter(
            "otel_sessions_sampled_out_sessions", "Sessions of which sampling left the figures only.", "extension"
        )
        self.hooks_delivered = self._counter(
            "otel_sessions_hooks_delivered",
            "Sessions that have fallen idle and were told of, or evaluated.",
            "extension",
        )
        self.hooks_failed = self._counter(
            "otel_sessions_hooks_failed",
            "Attempts to tell of an idle session, or to evaluate it, that failed.",
            "extension",
        )

    def watch_log(self, log: LogState, exporter: str, pipeline: str) -> None:
        """Shows the size and the age of a log, as they are when asked, until `forget_log`."""
        self._log_bytes.labels(exporter, pipeline).set_function(lambda: log.nbytes)
        self._log_free_bytes.labels(exporter, pipeline).set_function(lambda: _free_bytes(log.directory))
        self._oldest.labels(exporter, pipeline).set_function(lambda: _age(log.oldest))

    def forget_log(self, exporter: str, pipeline: str) -> None:
        for gauge in (self._log_bytes, self._log_free_bytes, self._oldest):
            gauge.remove(exporter, pipeline)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def exposition(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(_WithoutTimes(self.registry))


class LogState(Protocol):
    """What a write-ahead log says of itself; `oldest` is since when what waits longest waits, in unix seconds."""

    directory: Path

    @property
    def nbytes(self) -> int: ...

    @property
    def oldest(self) -> float | None: ...


class ProcessCollector(Collector):
    """The process, under the names of the Collector."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "otelcol_process_uptime_seconds", "How long the service runs.", value=self._clock() - self._began
        )
        yield CounterMetricFamily("otelcol_process_cpu_seconds", "CPU time of the process.", value=time.process_time())
        used = resident() or most_resident()
        yield GaugeMetricFamily("otelcol_process_memory_rss_bytes", "Resident memory.", value=used)


class _WithoutTimes:
    """A registry whose counters do not say when they were made, which doubles their number."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _age(since: float | None) -> float:
    return 0.0 if since is None else max(0.0, time.time() - since)


def _free_bytes(directory: Path) -> float:
    try:
        return float(shutil.disk_usage(directory).free)
    except OSError:
        return math.nan


class Intervals:
    """For what is logged again and again: says yes once in `every_s` seconds and key, of 1,024 keys at most."""

    def __init__(self, now: Callable[[], float] = time.monotonic, *, every_s: float = 60.0) -> None:
        self._now = now
        self._every_s = every_s
        self._told: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def due(self, key: str) -> bool:
        """Whether to log what has this key now; the next yes comes after `every_s` seconds."""
        with self._lock:
            now = self._now()
            while self._told and next(iter(self._told.values())) <= now - self._every_s:
                self._told.popitem(last=False)
            if key in self._told or len(self._told) == _REMEMBERED_KEYS:
                return False
            self._told[key] = now
            return True


class LimitedLog:
    """Warns of what happens again and again: at once, and once in `every_s` seconds how often it came again, of 1,024
    keys at most; those beyond are counted together. Any thread may call it."""

    def __init__(self, to: logging.Logger, now: Callable[[], float] = time.monotonic, *, every_s: float = 60.0) -> None:
        self._logger = to
        self._now = now
        self._every_s = every_s
        self._told: OrderedDict[str, tuple[float, str, int]] = OrderedDict()  # since when, the line, how often since
        self._lock = Lock()
        self._timer: Timer | None = None

    def tell(self, key: str, line: str) -> None:
        """Logs the line, or counts it."""
        self.flush()
        with self._lock:
            if key not in self._told and len(self._told) >= _REMEMBERED_KEYS:
                key, line = "", "of others that are not named"
            began, first, again = self._told.get(key, (self._now(), line, -1))
            self._told[key] = (began, first, again + 1)
            if again >= 0 and self._timer is None:
                self._timer = Timer(self._every_s, self._flush_later)
                self._timer.daemon = True
                self._timer.start()
        if again < 0:
            self._logger.warning("%s", line)

    def flush(self) -> None:
        """Logs the counts whose time is over."""
        with self._lock:
            now, due = self._now(), []
            while self._told and next(iter(self._told.values()))[0] <= now - self._every_s:
                key, (_, line, again) = self._told.popitem(last=False)
                if again:
                    due.append((line, again))
                    self._told[key] = (now, line, 0)
        for line, again in due:
            self._logger.warning("%d more in %g s: %s", again, self._every_s, line)

    def close(self) -> None:
        """Logs what was counted and not told yet; of that, nothing is logged later."""
        with self._lock:
            timer, self._timer = self._timer, None
            due = [(line, again) for _, line, again in self._told.values() if again]
            self._told.clear()
        if timer is not None:
            timer.cancel()
        for line, again in due:
            self._logger.warning("%d more until the end: %s", again, line)

    def _flush_later(self) -> None:
        with self._lock:
            self._timer = None
        self.flush()


def printable(text: str) -> str:
    """The text on one line: control characters, line ends and what changes the direction of writing are escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


class _Lines(logging.Formatter):
    """A line a record; what an exception says follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


class _Json(logging.Formatter):
    """An object a line with the members of the Collector's: `level`, `ts`, `logger`, `msg` and `stacktrace`."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "level": record.levelname.lower(),
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.exc_info:
            told["stacktrace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def configure_logging(
    level: str = "INFO", stream: TextIO = sys.stderr, encoding: Literal["console", "json"] = "console"
) -> None:
    """One line a record on stderr, UTC; library loggers from WARNING up, those of connections from ERROR up: what they
    warn of is in the errors that we tell of. With `json` a line is an object, tracebacks included."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json() if encoding == "json" else _Lines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in _CONNECTIONS:
        logging.getLogger(name).setLevel(logging.ERROR)
    logger.setLevel(level)
