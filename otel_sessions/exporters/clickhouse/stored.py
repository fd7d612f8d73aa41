"""A thread that asks, once a minute, how much the stored data have on disk."""

from __future__ import annotations

import logging
import math
import threading
from typing import Final

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.sql import statement
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError

logger = logging.getLogger("otel_sessions.exporter.clickhouse")
INTERVAL_S: Final = 60.0


class StoredBytes:
    """Sets the gauge from `start` on; NaN while ClickHouse does not say. Reading the metrics asks nothing."""

    def __init__(self, component: str, endpoint: Endpoint, host: Host) -> None:
        self._component = component
        self._endpoint = endpoint
        self._host = host
        self._stopping = threading.Event()
        self._worker: Worker | None = None

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._worker is None:
            self._worker = Worker(f"{self._component}/stored", "bytes", self._run, self._host)
            self._worker.start()

    def shutdown(self, timeout: float) -> None:
        """Asks no more; waits for an answer that is under way, `timeout` seconds at most."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.join(timeout)

    def _run(self) -> None:
        gauge = self._host.metrics.stored_bytes.labels(self._component)
        while not self._stopping.is_set():
            try:
                with reading():
                    client = connect(self._endpoint, database=self._endpoint.database)
                    try:
                        sql = statement("otel_sessions.exporters.clickhouse", "stored_bytes")
                        rows = client.query(sql, {"database": self._endpoint.database}).result_rows
                    finally:
                        client.close()
                gauge.set(float(rows[0][0]))
            except OtelSessionsError as error:
                logger.debug("the size of the stored data is not known: %s", error)
                gauge.set(math.nan)
            self._stopping.wait(INTERVAL_S)
