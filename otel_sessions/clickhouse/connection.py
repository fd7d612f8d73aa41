# SPDX-License-Identifier: Apache-2.0
"""Connections to ClickHouse that are made when they are first needed, and anew after every error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from otel_sessions.clickhouse.at_once import lend
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.readers import settle
from otel_sessions.clickhouse.surface import Client, Closing
from otel_sessions.errors import NotStored, Permanent, Retryable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as FullClient

T = TypeVar("T")
C = TypeVar("C", bound=Closing)


class Pool(Generic[C]):
    """As many clients as were ever used at once, each by one thread at a time.

    With `anchored` one that nobody uses stays open, and the embedded engine with it.
    """

    def __init__(self, open_: Callable[[], C], *, anchored: bool = False) -> None:
        self._open = open_
        self._anchored = anchored
        self._lock = threading.Lock()
        self._idle: list[C] = []
        self._anchor: C | None = None
        self._closed = False

    @contextmanager
    def client(self) -> Iterator[C]:
        """A client for the block. Raises as opening does.

        An error in the block closes it, see `connect`, but for one of ours that nothing caused: what was asked is not
        there, or not allowed, and all statements have ended.
        """
        with self._lock:
            if self._anchored and self._anchor is None and not self._closed:
                self._anchor = self._open()
            idle = self._idle.pop() if self._idle else None
        client = self._open() if idle is None else idle
        try:
            yield client
        except BaseException as error:
            settle(client)
            if isinstance(error, Permanent) and error.__cause__ is None and error.__context__ is None:
                self._give_back(client)
            else:
                client.close()
            raise
        settle(client)
        self._give_back(client)

    def _give_back(self, client: C) -> None:
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


class Store:
    """Work on ClickHouse for the handlers of an event loop: on `threads` threads beside it, each with a client of its
    own.

    `open_` makes a client; None says that this service stores nothing in ClickHouse. `around` is entered around each
    use of a client.
    """

    def __init__(
        self,
        open_: Callable[[], Client] | None,
        name: str,
        *,
        threads: int,
        max_waiting: int,
        max_streams: int = 0,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        # anchored: what is remembered of an engine beside its clients is right as long as it stays open
        self._clients = None if open_ is None else Pool(partial(self._opened, open_), anchored=True)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._max_waiting = max_waiting
        self._max_streams = max_streams
        self._around = around
        self._waiting = 0
        self._streams = 0
        # of their pieces at a time: who waits for a place to read one has a thread that others lack
        self._making = asyncio.Semaphore(max(1, threads // 4))

    async def run(self, work: Callable[[Client], T]) -> T:
        """What `work` returns or raises.

        `NotStored` without ClickHouse; `Retryable` where it is not reached, and at once where `max_waiting` calls are
        waiting or at work; what `around` raises.
        """
        clients = self._pool()
        if self._waiting >= self._max_waiting:
            raise Retryable(f"{self._max_waiting} requests are waiting already")

        def step() -> T:
            with self._around(), clients.client() as client:
                return work(client)

        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, step)
        finally:
            self._waiting -= 1

    def stream(self, work: Callable[[Client], Iterator[bytes]]) -> AsyncIterator[bytes]:
        """What `work` yields, each piece asked for when the one before has gone out; one client is its own meanwhile.

        Raises as `run`, at once: `Retryable` where `max_streams` have a client already.
        """
        clients = self._pool()
        if self._streams >= self._max_streams:
            raise Retryable(f"{self._max_streams} exports are under way already")

        def steps() -> Generator[bytes, None, None]:
            with self._around(), clients.client() as client:
                for piece in work(client):
                    settle(client, has_begun=True)
                    yield piece
                    del piece  # it is with the reader: not kept while the next is made

        return self._pieces(steps())

    async def _pieces(self, steps: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
        loop, at_work = asyncio.get_running_loop(), threading.Lock()

        def step() -> bytes | None:
            with at_work:
                return next(steps, None)

        def end() -> None:
            with at_work:  # the client may have gone while a piece was made
                steps.close()

        self._streams += 1
        try:
            # in the context of the request: what is kept for a piece is given back when that is counted as unsent
            while True:
                async with self._making:
                    piece = await loop.run_in_executor(self._threads, copy_context().run, step)
                if piece is None:
                    break
                yield piece
                del piece
        finally:
            self._streams -= 1
            await loop.run_in_executor(self._threads, end)

    def close(self) -> None:
        """Drops what waits and waits for nobody: who is at work closes the connection at its end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._clients is not None:
            self._clients.close()

    def beside(self, work: Callable[[Client], T]) -> Future[T]:
        """`work` on a thread and with a client of its own, for `at_once`. Raises RuntimeError once it is closed."""
        clients = self._pool()

        def step() -> T:
            with clients.client() as client:
                return work(client)

        return self._threads.submit(step)

    def _opened(self, open_: Callable[[], Client]) -> Client:
        client = open_()
        lend(client, self)
        return client

    def _pool(self) -> Pool[Client]:
        if self._clients is None:
            raise NotStored("this service has no exporter `clickhouse`, so it keeps and reads nothing itself")
        return self._clients


def open_client(endpoint: Endpoint, *, timeout_s: int = 30, long_parameters: bool = False) -> FullClient:
    """A client of the endpoint's database. Raises `Retryable` when ClickHouse is not reached."""
    with writing(f"connecting to {endpoint}"):
        return connect(endpoint, database=endpoint.database, timeout_s=timeout_s, long_parameters=long_parameters)


class Connection:
    """One client for all threads, one at a time; its database is the endpoint's. The rest is as in `connect`."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: int = 30, long_parameters: bool = False) -> None:
        self._using = threading.Lock()
        self._pool = Pool(partial(open_client, endpoint, timeout_s=timeout_s, long_parameters=long_parameters))

    @contextmanager
    def client(self) -> Iterator[FullClient]:
        """Raises `Retryable` when ClickHouse is not reached. What the block raises closes the client."""
        with self._using, self._pool.client() as client:
            yield client

    def close(self) -> None:
        """Waits for nobody: a client in use is closed at the end of its use."""
        self._pool.close()
