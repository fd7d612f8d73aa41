# SPDX-License-Identifier: Apache-2.0
"""ClickHouse for the handlers of an event loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.connection import BoundedThreads, Connection
from otel_sessions.errors import NotStored

T = TypeVar("T")
TIMEOUT_S: Final = 10
"""How long ClickHouse may take; the SDKs wait 5 s for an answer."""
MAX_WAITING: Final = 64
"""Requests that may wait for ClickHouse; those beyond are told at once to come back."""


class Store:
    """Runs what takes a client, one at a time, beside the event loop."""

    def __init__(self, endpoint: Endpoint | None) -> None:
        self._connection = Connection(endpoint, timeout_s=TIMEOUT_S) if endpoint else None
        self._threads = BoundedThreads(1, "langfuse", MAX_WAITING)

    async def run(self, work: Callable[[Client], T]) -> T:
        """What `work` returns or raises. `Retryable` when ClickHouse is not reached or too many wait, `NotStored`."""
        if self._connection is None:
            raise NotStored("this service has no exporter `clickhouse`, so it keeps and reads nothing itself")
        return await self._threads.run(partial(_run, self._connection, work))

    def close(self) -> None:
        """What waits still is dropped; who is at work closes the connection at its end."""
        self._threads.close()
        if self._connection is not None:
            self._connection.close()


def _run(connection: Connection, work: Callable[[Client], T]) -> T:
    with connection.client() as client:
        return work(client)
