# SPDX-License-Identifier: Apache-2.0
"""ClickHouse for the handlers of an event loop, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from functools import partial
from typing import Final, TypeVar

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.connection import BoundedThreads, Pool
from otel_sessions.component import Host
from otel_sessions.errors import NotStored, Retryable
from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.deleter import Deleter
from otel_sessions.queries.limits import Limits, limited

T = TypeVar("T")
MAX_WAITING: Final = 256
"""Requests that may wait for ClickHouse; those beyond are told at once to come back."""
MAX_STREAMS: Final = 32
"""Exports at a time: each has a client of its own, for as long as whoever reads it takes."""


class Store:
    """Runs what takes a client, several at a time, beside the event loop."""

    def __init__(self, config: Config, host: Host) -> None:
        self.deleter = Deleter(host)
        self._endpoint: Endpoint | None = host.clickhouse
        self._limits = Limits(config.max_execution_time, config.max_memory_usage, config.max_rows_to_read)
        self._clients = Pool(self._connect)
        self._threads = BoundedThreads(config.max_concurrent_queries, "web", MAX_WAITING)
        self._streams = 0

    async def run(self, work: Callable[[Client], T]) -> T:
        """What `work` returns or raises. `Retryable` when ClickHouse is not reached or too many wait, `NotStored`,
        `LimitExceeded`.
        """
        if self._endpoint is None:
            raise NotStored("this service has no exporter `clickhouse`, so it reads nothing")
        return await self._threads.run(partial(self._run, work))

    def stream(self, work: Callable[[Client], Iterator[bytes]]) -> AsyncIterator[bytes]:
        """What `work` yields, each piece asked for when the one before has gone out; one client is its own meanwhile.

        Raises as `run`, at once: `Retryable` where `MAX_STREAMS` have a client already.
        """
        if self._endpoint is None:
            raise NotStored("this service has no exporter `clickhouse`, so it reads nothing")
        if self._streams >= MAX_STREAMS:
            raise Retryable(f"{MAX_STREAMS} exports are under way already")
        return self._pieces(work)

    async def _pieces(self, work: Callable[[Client], Iterator[bytes]]) -> AsyncIterator[bytes]:
        loop, steps = asyncio.get_running_loop(), self._steps(work)
        self._streams += 1
        try:
            while (piece := await loop.run_in_executor(self._threads.pool, next, steps, None)) is not None:
                yield piece
        finally:
            self._streams -= 1
            await loop.run_in_executor(self._threads.pool, steps.close)

    def _steps(self, work: Callable[[Client], Iterator[bytes]]) -> Generator[bytes, None, None]:
        with limited(), self._clients.client() as client:
            yield from work(client)

    def close(self) -> None:
        """What waits still is dropped; who is at work closes the connection at its end."""
        self._threads.close()
        self._clients.close()

    def _run(self, work: Callable[[Client], T]) -> T:
        with limited(), self._clients.client() as client:
            return work(client)

    def _connect(self) -> Client:
        assert self._endpoint is not None
        return self._limits.connect(self._endpoint)
