"""A connection to ClickHouse that is made when it is first needed, and anew after every error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client

from otel_sessions.storage.client import Endpoint, connect
from otel_sessions.storage.faults import writing


class Connection:
    """One client for all threads, one at a time; its current database is the endpoint's."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: int = 30) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._client: Client | None = None

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Raises `Retryable` when ClickHouse is not reached. What the block raises closes the client, see `connect`."""
        with self._lock:
            client, self._client = self._client or self._connected(), None
            try:
                yield client
            except BaseException:
                client.close()
                raise
            self._client = client

    def close(self) -> None:
        """Waits for who uses it; a later use connects anew."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                client.close()

    def _connected(self) -> Client:
        with writing(f"connecting to {self._endpoint}"):
            return connect(self._endpoint, database=self._endpoint.database, timeout_s=self._timeout_s)
