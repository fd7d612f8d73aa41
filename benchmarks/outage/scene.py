"""Two processes, the service and its ClickHouse, which goes away and comes back while spans arrive."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.load import Shape
from benchmarks.outage.arrival import Arrival
from benchmarks.server import Server
from tests.integration.running import ANY, Directory, Running, config, free_port, wait_until

CAUGHT_UP_S: Final = 2.0
"""Whoever is no further behind than the arrivals of this time has caught up."""
DRAINED_S: Final = 600.0
SETTLED_S: Final = 30.0
"""Within which what was stored twice, as it was not answered when ClickHouse was killed, counts once; 5 s where the
machine has time for it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen in one stretch of time: rates in spans a second, latencies in seconds."""

    phase: str
    elapsed_s: float
    rss_mib: float
    log_mib: float
    arrived: float
    stored: float
    p50_s: float
    p99_s: float
    refused: int


@dataclass
class Scene:
    """Warm, away, catching up, each a phase with its samples; `shown` is told of every one."""

    path: Path
    spans_per_s: float
    every_s: float
    shape: Shape = field(default_factory=Shape)
    shown: Callable[[Sample], None] = lambda _: None
    samples: list[Sample] = field(default_factory=list)
    duplicates: int = 0

    def play(self, warm_s: float, away_s: float, patience_s: float) -> None:
        """AssertionError when it has not caught up in `patience_s` seconds, or when a span is missing at the end."""
        directory = Directory(self.path, compiles=True)
        try:
            self._play(directory, warm_s, away_s, patience_s)
        finally:
            directory.close()

    def of(self, phase: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.phase == phase]

    def _play(self, directory: Directory, warm_s: float, away_s: float, patience_s: float) -> None:
        address = f"127.0.0.1:{free_port()}"
        kept = config(directory.data(), sql=address, read_only=False)
        clickhouse = directory.start(kept)
        queue = {"directory": str(self.path / "log")}
        service = directory.start(config(f"http://{address}/otel", sql=None, metrics=ANY, sending_queue=queue))
        self._begin = time.monotonic()
        arrival = Arrival(service.endpoints["otlp/grpc"], self.spans_per_s, self.shape)
        watch = Watch(service, arrival)
        with arrival.running():
            self._until("warm", watch, warm_s)
            clickhouse.kill()
            self._until("away", watch, away_s)
            clickhouse = directory.start(kept)
            self._catch_up(watch, patience_s)
        wait_until(watch.backlog, DRAINED_S, lambda backlog: backlog <= 0)
        self._check(clickhouse, arrival.acked_spans)
        assert service.stop() == 0
        assert clickhouse.stop() == 0

    def _until(self, phase: str, watch: Watch, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._sample(phase, watch)

    def _catch_up(self, watch: Watch, patience_s: float) -> None:
        end = time.monotonic() + patience_s
        watch.take("", 0)  # what came while ClickHouse started is not part of it
        while watch.backlog() > CAUGHT_UP_S * self.spans_per_s:
            assert time.monotonic() < end, f"{watch.backlog():.0f} spans behind after {patience_s:g} s"
            self._sample("back", watch)

    def _sample(self, phase: str, watch: Watch) -> None:
        time.sleep(self.every_s)
        sample = watch.take(phase, time.monotonic() - self._begin)
        self.samples.append(sample)
        self.shown(sample)

    def _check(self, clickhouse: Running, acked: int) -> None:
        [[rows]] = clickhouse.sql("SELECT count() FROM otel_traces")
        self.duplicates = rows - acked
        wait_until(lambda: _counted_of_all(clickhouse) - acked, SETTLED_S, lambda too_many: not too_many)


def _counted_of_all(clickhouse: Running) -> int:
    return sum(_counted(clickhouse, f"session-{digit}") for digit in range(10))


def _counted(clickhouse: Running, prefix: str) -> int:
    """Spans of the sessions whose ids begin so; those of all would be much for one query."""
    query = "SELECT sum(SpanCount) FROM sessions WHERE SessionId >= {p:String} AND SessionId < {p:String} || '~'"
    return int(clickhouse.sql(query, p=prefix)[0][0])


class Watch:
    """Reads the service: its memory, its log, what it took and stored since it was read last."""

    def __init__(self, service: Running, arrival: Arrival) -> None:
        self._service = service
        self._server = Server(service.process.pid, service.endpoints)
        self._arrival = arrival
        self._at = time.monotonic()
        self._acked = self._stored = 0.0
        self._refused = 0

    def backlog(self) -> float:
        """Spans taken and not stored."""
        return self._arrival.acked_spans - self._service.metric("otelcol_exporter_sent_spans")

    def take(self, phase: str, elapsed: float) -> Sample:
        now, acked, refused = time.monotonic(), self._arrival.acked_spans, self._arrival.refused
        stored = self._service.metric("otelcol_exporter_sent_spans")
        waits = sorted(self._arrival.answered()) or [0.0]
        seconds = now - self._at
        sample = Sample(
            phase,
            elapsed,
            self._server.rss_mib(),
            self._service.metric("otelcol_exporter_queue_size") / 2**20,
            (acked - self._acked) / seconds,
            (stored - self._stored) / seconds,
            statistics.median(waits),
            waits[int(len(waits) * 0.99)],
            refused - self._refused,
        )
        self._at, self._acked, self._stored, self._refused = now, acked, stored, refused
        return sample
