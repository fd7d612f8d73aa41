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
        self._using = threading.Lock()
        self._state = threading.Lock()
        self._client: Client | None = None
        self._closed = False

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Raises `Retryable` when ClickHouse is not reached. What the block raises closes the client, see `connect`."""
        with self._using:
            client = self._taken() or self._connected()
            try:
                yield client
            except BaseException:
                client.close()
                raise
            self._give(client)

    def close(self) -> None:
        """Waits for nobody: a client in use is closed at the end of its use."""
        with self._state:
            self._closed = True
        client = self._taken()
        if client is not None:
            client.close()

    def _taken(self) -> Client | None:
        with self._state:
            client, self._client = self._client, None
            return client

    def _give(self, client: Client) -> None:
        with self._state:
            if not self._closed:
                self._client = client
                return
        client.close()

    def _connected(self) -> Client:
        with writing(f"connecting to {self._endpoint}"):
            return connect(self._endpoint, database=self._endpoint.database, timeout_s=self._timeout_s)
