"""Connections to the embedded engine, each used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client


class Pool:
    """As many connections as were ever used at once; the first stays open, so that the engine does.

    A connection whose use raised is closed: chDB hands what a failed query had already written to the next query.
    """

    def __init__(self, open_: Callable[[], Client]) -> None:
        self._open = open_
        self._lock = threading.Lock()
        self._idle: list[Client] = []
        self._anchor: Client | None = None
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[Client]:
        client = self._take()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._give(client)

    def close(self) -> None:
        """Closes what is idle; what is in use closes when its query ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            anchor, self._anchor = self._anchor, None
        for client in [*idle, *([anchor] if anchor else [])]:
            client.close()

    def _take(self) -> Client:
        with self._lock:
            if self._anchor is None and not self._closed:
                self._anchor = self._open()
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _give(self, client: Client) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        client.close()
