"""A thread that deletes, every now and then, what has been kept for long enough."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError
from otel_sessions.exporters.clickhouse.config import RetentionConfig
from otel_sessions.sessions import retention

logger = logging.getLogger("otel_sessions.retention")


class Retention:
    """Runs from `start` on; a check that fails is made again at the next."""

    def __init__(self, component: str, endpoint: Endpoint, config: RetentionConfig, host: Host) -> None:
        self._component = f"{component}/retention"
        self._endpoint = endpoint
        self._config = config
        self._host = host
        self._stopping = threading.Event()
        self._worker: Worker | None = None

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._worker is None:
            self._worker = Worker(self._component, "check", self._run, self._host)
            self._worker.start()

    def shutdown(self) -> None:
        """Begins no further check; one that runs is left to itself, and what it had not got to is done by the next."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._config.check_interval):
            try:
                client = connect(self._endpoint, database=self._endpoint.database, long_parameters=True)
                try:
                    deleted = retention.expire(
                        client,
                        now=datetime.now(UTC),
                        sessions=_span(self._config.sessions),
                        unassigned=_span(self._config.unassigned),
                        keep=self._config.keep,
                        forget_for=_span(self._config.forget_for),
                    )
                finally:
                    client.close()
                if deleted:
                    logger.info(
                        "deleted %d sessions that were last active more than %g s ago", deleted, self._config.sessions
                    )
            except OtelSessionsError as error:
                logger.warning("%s; trying again in %g s", error, self._config.check_interval)
                self._host.report(self._component, str(error))
            else:
                self._host.report(self._component, None)


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
