# SPDX-License-Identifier: Apache-2.0
"""What is done every now and then beside storing: old sessions are deleted, and what came while one was deleted; the
data on disk are measured.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.rounds import Rounds
from otel_sessions.clickhouse.sql import statement
from otel_sessions.component import Host
from otel_sessions.errors import OtelSessionsError
from otel_sessions.exporters.clickhouse.config import RetentionConfig
from otel_sessions.sessions import deletion, retention
from otel_sessions.sessions.attribution import CLOCKS_DIFFER_NS

logger = logging.getLogger("otel_sessions.exporter.clickhouse")
retention_logger = logging.getLogger("otel_sessions.retention")
MEASURE_INTERVAL_S: Final = 60.0
_STRAYS_INTERVAL_S: Final = 2.0
_BEFORE_START_NS: Final = 600 * 10**9


def retention_rounds(component: str, endpoint: Endpoint, config: RetentionConfig, host: Host) -> Rounds:
    """Rounds that delete sessions which were kept for long enough. What one leaves undone, the next does."""
    spans = (config.sessions, config.unassigned, config.forget_for)
    sessions, unassigned, forget_for = (None if each is None else timedelta(seconds=each) for each in spans)

    def expire(client: Client) -> bool:
        now, keep = datetime.now(UTC), config.keep
        deleted = retention.expire(
            client, now=now, sessions=sessions, unassigned=unassigned, keep=keep, forget_for=forget_for
        )
        if deleted:
            said = "deleted %d sessions that were last active more than %g s ago"
            retention_logger.info(said, deleted, config.sessions)
        return False

    return Rounds(
        component,
        "the check of retention",
        endpoint,
        host,
        interval_s=config.check_interval,
        act=expire,
        part="retention",
        timeout_s=300,
        long_parameters=True,
    )


class Strays:
    """Deletes what inserts have stored of sessions that were deleted while they were under way, a moment after them."""

    def __init__(self, component: str, endpoint: Endpoint, host: Host) -> None:
        self._lock = threading.Lock()
        # A process that was killed may have stored some, just before.
        self._since_ns: int | None = time.time_ns() - _BEFORE_START_NS
        self.rounds = Rounds(
            component,
            "deleting what came while a session was deleted",
            endpoint,
            host,
            interval_s=_STRAYS_INTERVAL_S,
            act=self._delete,
            part="strays",
            timeout_s=300,
            long_parameters=True,
        )

    def note_stored(self, known_ns: int) -> None:
        """Takes note of an insert that has ended and knew of deletions until then, ns since 1970."""
        with self._lock:
            self._since_ns = known_ns if self._since_ns is None else min(self._since_ns, known_ns)

    def _delete(self, client: Client) -> bool:
        with self._lock:
            since_ns, self._since_ns = self._since_ns, None
        if since_ns is None:
            return False
        try:
            deletion.delete_stored_again(client, since_ns - CLOCKS_DIFFER_NS)
        except BaseException:
            self.note_stored(since_ns)
            raise
        return False


def stored_bytes_rounds(component: str, endpoint: Endpoint, host: Host) -> Rounds:
    """Rounds that measure the stored bytes once a minute, for the gauge; NaN while ClickHouse does not answer."""
    gauge = host.metrics.stored_bytes.labels(component)
    sql = statement("otel_sessions.exporters.clickhouse", "stored_bytes")

    def measure(client: Client) -> bool:
        with reading():
            gauge.set(float(client.query(sql, {"database": endpoint.database}).result_rows[0][0]))
        return False

    def forget(error: OtelSessionsError) -> None:
        logger.debug("the size of the stored data is not known: %s", error)
        gauge.set(math.nan)

    return Rounds(
        component,
        "measuring",
        endpoint,
        host,
        interval_s=MEASURE_INTERVAL_S,
        act=measure,
        part="stored_bytes",
        failed=forget,
        at_once=True,
        timeout_s=300,
    )
