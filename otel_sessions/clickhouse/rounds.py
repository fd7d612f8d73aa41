# SPDX-License-Identifier: Apache-2.0
"""What is done to the database every now and then, by a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.connection import Connection
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError
from otel_sessions.telemetry import Intervals

logger = logging.getLogger("otel_sessions")


class Rounds:
    """Calls `act` every `interval_s` seconds from `start` to `shutdown`, and at once again where it returns True.

    A round that fails is told of by the health of `component` and, now and then, by the log; the next goes on.
    """

    def __init__(
        self,
        component: str,
        what: str,
        endpoint: Endpoint,
        host: Host,
        *,
        interval_s: float,
        act: Callable[[Client], bool],
    ) -> None:
        self._component = component
        self._what = what
        self._host = host
        self._interval_s = interval_s
        self._act = act
        self._connection = Connection(endpoint)
        self.stopping = threading.Event()
        self._worker = Worker(component, "rounds", self._run, host)
        self._log_again = Intervals()

    def start(self) -> None:
        self._worker.start()

    def shutdown(self, timeout: float) -> None:
        """Waits for the round that is under way, which ends early where it looks at `stopping`."""
        self.stopping.set()
        self._worker.join(timeout)
        self._connection.close()

    def _run(self) -> None:
        more = False
        while not self.stopping.wait(0.0 if more else self._interval_s):
            try:
                with self._connection.client() as client:
                    more = self._act(client)
            except OtelSessionsError as error:
                more = False
                if self._log_again.due("clickhouse"):
                    logger.warning("%s of %s fails now: %s", self._what, self._component, error)
                self._host.report(f"{self._component}/clickhouse", str(error))
            else:
                self._host.report(f"{self._component}/clickhouse", None)
