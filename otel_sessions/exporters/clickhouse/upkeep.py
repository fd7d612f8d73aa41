# SPDX-License-Identifier: Apache-2.0
"""What is done every now and then beside storing: old sessions are deleted, the data on disk are measured."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.sql import statement
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError
from otel_sessions.exporters.clickhouse.config import RetentionConfig
from otel_sessions.sessions import retention

logger = logging.getLogger("otel_sessions.exporter.clickhouse")
retention_logger = logging.getLogger("otel_sessions.retention")
MEASURE_INTERVAL_S: Final = 60.0


class _Upkeep:
    """A thread of its own from `start` on, which opens a connection whenever it has something to do."""

    def __init__(self, component: str, task: str, endpoint: Endpoint, host: Host) -> None:
        self._component = component
        self._task = task
        self._endpoint = endpoint
        self._host = host
        self._stopping = threading.Event()
        self._worker: Worker | None = None

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._worker is None:
            self._worker = Worker(self._component, self._task, self._run, self._host)
            self._worker.start()

    def shutdown(self, timeout: float) -> None:
        """Begins nothing more; waits for what is under way, `timeout` seconds at most."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.join(timeout)

    def _run(self) -> None:
        raise NotImplementedError

    @contextmanager
    def _connected(self, *, long_parameters: bool = False) -> Iterator[Client]:
        client = connect(self._endpoint, database=self._endpoint.database, long_parameters=long_parameters)
        try:
            yield client
        finally:
            client.close()


class Retention(_Upkeep):
    """Deletes what has been kept for long enough; a check that fails is made again at the next.

    What a check that is broken off had not got to is done by the next.
    """

    def __init__(self, component: str, endpoint: Endpoint, config: RetentionConfig, host: Host) -> None:
        super().__init__(f"{component}/retention", "check", endpoint, host)
        self._config = config

    def _run(self) -> None:
        config = self._config
        spans = (config.sessions, config.unassigned, config.forget_for)
        sessions, unassigned, forget_for = (None if each is None else timedelta(seconds=each) for each in spans)
        while not self._stopping.wait(config.check_interval):
            try:
                with self._connected(long_parameters=True) as client:
                    deleted = retention.expire(
                        client,
                        now=datetime.now(UTC),
                        sessions=sessions,
                        unassigned=unassigned,
                        keep=config.keep,
                        forget_for=forget_for,
                    )
                if deleted:
                    said = "deleted %d sessions that were last active more than %g s ago"
                    retention_logger.info(said, deleted, config.sessions)
            except OtelSessionsError as error:
                retention_logger.warning("%s; trying again in %g s", error, config.check_interval)
                self._host.report(self._component, str(error))
            else:
                self._host.report(self._component, None)


class StoredBytes(_Upkeep):
    """Sets the gauge once a minute; NaN while ClickHouse does not say. Reading the metrics asks nothing."""

    def __init__(self, component: str, endpoint: Endpoint, host: Host) -> None:
        super().__init__(f"{component}/stored", "bytes", endpoint, host)
        self._exporter = component

    def _run(self) -> None:
        gauge = self._host.metrics.stored_bytes.labels(self._exporter)
        sql = statement("otel_sessions.exporters.clickhouse", "stored_bytes")
        while not self._stopping.is_set():
            try:
                with reading(), self._connected() as client:
                    rows = client.query(sql, {"database": self._endpoint.database}).result_rows
                gauge.set(float(rows[0][0]))
            except OtelSessionsError as error:
                logger.debug("the size of the stored data is not known: %s", error)
                gauge.set(math.nan)
            self._stopping.wait(MEASURE_INTERVAL_S)
