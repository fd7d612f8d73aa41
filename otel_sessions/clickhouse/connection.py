# SPDX-License-Identifier: Apache-2.0
"""Connections to ClickHouse that are made when they are first needed, and anew after every error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import writing
from otel_sessions.errors import Retryable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

T = TypeVar("T")


class Pool:
    """As many clients as were ever used at once, each by one thread at a time.

    With `anchored` one that nobody uses stays open, and the embedded engine with it.
    """

    def __init__(self, open_: Callable[[], Client], *, anchored: bool = False) -> None:
        self._open = open_
        self._anchored = anchored
        self._lock = threading.Lock()
        self._idle: list[Client] = []
        self._anchor: Client | None = None
        self._closed = False

    @contextmanager
    def client(self) -> Iterator[Client]:
        """What the block raises closes the client, see `connect`."""
        client = self._take()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        client.close()

    def close(self) -> None:
        """Waits for nobody: a client in use is closed at the end of its use."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            anchor, self._anchor = self._anchor, None
        for client in [*idle, *([anchor] if anchor else [])]:
            client.close()

    def _take(self) -> Client:
        with self._lock:
            if self._anchored and self._anchor is None and not self._closed:
                self._anchor = self._open()
            if self._idle:
                return self._idle.pop()
        return self._open()


class BoundedThreads:
    """Threads beside an event loop, `count` of them, for what would hold the loop up.

    `run` raises `Retryable` at once where `max_waiting` calls of it are waiting or at work.
    """

    def __init__(self, count: int, name: str, max_waiting: int) -> None:
        self.pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._max_waiting = max_waiting
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        if self._waiting >= self._max_waiting:
            raise Retryable(f"{self._max_waiting} requests are waiting already")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Drops what waits; waits for nobody."""
        self.pool.shutdown(wait=False, cancel_futures=True)


class Connection:
    """One client for all threads, one at a time; its database is the endpoint's. The rest is as in `connect`."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: int = 30, long_parameters: bool = False) -> None:
        self._endpoint = endpoint
        self._connect = partial(
            connect, endpoint, database=endpoint.database, timeout_s=timeout_s, long_parameters=long_parameters
        )
        self._using = threading.Lock()
        self._pool = Pool(self._connected)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Raises `Retryable` when ClickHouse is not reached. What the block raises closes the client."""
        with self._using, self._pool.client() as client:
            yield client

    def close(self) -> None:
        """Waits for nobody: a client in use is closed at the end of its use."""
        self._pool.close()

    def _connected(self) -> Client:
        with writing(f"connecting to {self._endpoint}"):
            return self._connect()
