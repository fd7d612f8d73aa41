# SPDX-License-Identifier: Apache-2.0
"""Work on the database that is done again and again, every few seconds or hours, by a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.connection import Connection
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError
from otel_sessions.telemetry import Intervals

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

logger = logging.getLogger("otel_sessions")


class Rounds:
    """Calls `act` every `interval_s` seconds from `start` to `shutdown`, and at once again where it returns True.

    With `at_once` the first time is at the start. A round that fails is told of by the health of `component`/`part`
    and, now and then, by the log, unless `failed` takes what it raised. The next goes on.
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
        part: str = "clickhouse",
        failed: Callable[[OtelSessionsError], None] | None = None,
        at_once: bool = False,
        timeout_s: int = 30,
        long_parameters: bool = False,
    ) -> None:
        self._part = f"{component}/{part}"
        self._doing = f"{what} of {component}"
        self._host = host
        self._interval_s = interval_s
        self._act = act
        self._failed = failed
        self._at_once = at_once
        self._connection = Connection(endpoint, timeout_s=timeout_s, long_parameters=long_parameters)
        self.stopping = threading.Event()
        self._is_started = False
        self._worker = Worker(component, part, self._run, host)
        self._log_again = Intervals()

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if not self._is_started:
            self._is_started = True
            self._worker.start()

    def shutdown(self, timeout: float) -> None:
        """Waits for the round that is under way, which ends early where it looks at `stopping`."""
        self.stopping.set()
        self._worker.join(timeout)
        self._connection.close()

    def _run(self) -> None:
        more = self._at_once
        while not self.stopping.wait(0.0 if more else self._interval_s):
            try:
                with self._connection.client() as client:
                    more = self._act(client)
            except OtelSessionsError as error:
                more = False
                if self._failed is not None:
                    self._failed(error)
                    continue
                if self._log_again.due(self._part):
                    logger.warning("%s fails now: %s", self._doing, error)
                self._host.report(self._part, str(error))
            else:
                if self._failed is None:
                    self._host.report(self._part, None)
