"""A process's worth of pipeline, log and exporter, which can end as kill -9 ends a process."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from otel_sessions.component import ComponentId, Host, Outcome, Request
from otel_sessions.errors import Retryable
from otel_sessions.exporters.clickhouse import ClickHouseConfig, ClickHouseExporter
from otel_sessions.pdata import SpanBatch
from otel_sessions.pipeline import Outlet, Pipeline
from otel_sessions.processors.session import SessionConfig, factory
from otel_sessions.telemetry import Metrics
from tests.integration.running import wait_until

Mode = Literal["well", "before", "part", "after"]
CLICKHOUSE: Final = ComponentId("clickhouse")
SESSION: Final = ComponentId("session")
DRAINED_S: Final = 60.0


class Faulty:
    """An exporter that fails before it has stored anything, when it has stored a part, or after it has stored all."""

    awaits_claims = True

    def __init__(self, exporter: ClickHouseExporter) -> None:
        self._exporter = exporter
        self.mode: Mode = "well"

    def start(self) -> None:
        self._exporter.start()

    def shutdown(self, timeout: float) -> None:
        self._exporter.shutdown(timeout)

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        mode = self.mode  # which may change meanwhile
        if mode == "part":
            self._exporter.export([batches[0].slice(0, max(1, len(batches[0]) // 2))], token)
        elif mode != "before":
            self._exporter.export(batches, token)
        if mode != "well":
            raise Retryable(f"test: failed ({mode})")


class Life:
    """From a start to a `stop` or a `crash`; `log` is the directory of its log."""

    def __init__(self, endpoint: str, log: Path) -> None:
        self.log = log
        config = ClickHouseConfig.model_validate(
            {
                "endpoint": endpoint,
                "sending_queue": {"directory": str(log), "batch": {"flush_timeout": 0, "max_size": 16}},
                "retry_on_failure": {"initial_interval": 0.01, "max_interval": 0.05},
                "attribution": {"interval": 5},
            }
        )
        self._host = Host(Metrics())
        self._clickhouse = ClickHouseExporter(CLICKHOUSE, config, self._host)
        self.exporter = Faulty(self._clickhouse)
        self.exporter.start()
        processor = factory.create(SESSION, SessionConfig(claim_wait=0.2), self._host)
        self._pipeline = Pipeline(
            "traces", [(SESSION, processor)], [Outlet(CLICKHOUSE, self.exporter, config)], self._host
        )
        self._pipeline.start()

    def send(self, request: Request) -> Future[Outcome]:
        return self._pipeline.consume(request)

    def drain(self) -> None:
        """Returns when the log is empty."""
        self.exporter.mode = "well"
        size = self._host.metrics.queue_size.labels(str(CLICKHOUSE))
        wait_until(size._value.get, DRAINED_S, lambda nbytes: nbytes == 0)

    def stop(self) -> None:
        """As SIGTERM: drains, puts late claims into force."""
        self._pipeline.shutdown(DRAINED_S)
        self.exporter.shutdown(DRAINED_S)

    def crash(self, log: Path) -> None:
        """What is on disk at this moment is in `log`; nothing is stored or attributed any more."""
        self.exporter.mode = "before"
        for path in self.log.rglob("*.wal"):
            copy = log / path.relative_to(self.log)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # stored just now
                shutil.copyfile(path, copy)
        self._clickhouse._attributor._touched.clear()
        self._clickhouse._attributor._has_stored = False
        self._pipeline.shutdown(0.0)
        self.exporter.shutdown(DRAINED_S)
