# SPDX-License-Identifier: Apache-2.0
"""The slots of gRPC: how many calls have their message read at a time, which wait in line for that, and how long a call
that sends nothing may hold its slot before it is cancelled.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, Protocol

import grpc

from otel_sessions.component import Host, Worker

WORKERS: Final = 128
"""Exports that are being read or wait for their outcome; the messages of others are not asked for."""
READING: Final = 32
MESSAGE_BYTES: Final = 64 * 2**20
"""Of messages that are being read or wait for their outcome. One that is yet to come counts as much as the largest of
late, but so that `FEWEST` are always read."""
FEWEST: Final = 8
READ_TIMEOUT_S: Final = 30.0
"""For the message of an export, from the moment that it is waited for; as long as over HTTP."""
CROWDED_S: Final = 5.0
"""The same while other calls stand in line to be read, and for the messages of other services, which are small."""
GREEDY_S: Final = 1.0
"""The same while others stand in line, for a connection that has over a quarter of the messages that are being read."""


class Reading(Protocol):
    """An export. `read` has its message read, and is False if the call is over."""

    def read(self) -> bool: ...

    def cancel(self) -> None: ...

    def peer(self) -> str: ...


class Messages:
    """Reads the messages of calls, and cancels a call that keeps its reader waiting.

    Its client sees CANCELLED, after which it sends again.
    """

    def __init__(self, name: str, host: Host) -> None:
        self._worker = Worker(name, "silence", self._watch, host)
        self._waiting: dict[grpc.ServicerContext, float] = {}  # until when
        self._in_line: dict[Reading, None] = {}
        self._placed: dict[Reading, float] = {}  # being read: since when
        self._working: dict[Reading, int] = {}  # bytes that its message has, or is expected to have
        self._nbytes = 0  # of all of them
        self._expected = MESSAGE_BYTES // READING
        self._turn = threading.Lock()
        self._closed = False
        self._changed = threading.Event()

    def start(self) -> None:
        self._worker.start()

    def read(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """The next message, a small one; None if the client sends no more; `grpc.RpcError` if the call is over."""
        self._waiting[context] = time.monotonic() + CROWDED_S
        try:
            return next(messages, None)
        finally:
            del self._waiting[context]

    def read_one(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """The one message of a call, which is over without it."""
        message = self.read(messages, context)
        if message is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
        return message

    def enter(self, export: Reading) -> None:
        """Has its message read when it is its turn."""
        with self._turn:
            self._in_line[export] = None
            following = self._next()
        if following is not None:
            self._have_read(following)

    def release(self, export: Reading, nbytes: int) -> None:
        """Its message has come, with so many bytes, or will not come."""
        with self._turn:
            self._placed.pop(export, None)
            if export in self._working:
                self._nbytes += nbytes - self._working[export]
                self._working[export] = nbytes
            # one is expected to be as large as the largest of late, within bounds: none is to keep all others waiting
            expected = max(nbytes, self._expected - self._expected // 16, MESSAGE_BYTES // READING)
            self._expected = min(expected, MESSAGE_BYTES // FEWEST)
            following = self._next() if self._in_line else None
        if following is not None:
            self._have_read(following)

    def leave(self, export: Reading) -> None:
        """The call is over."""
        with self._turn:
            self._in_line.pop(export, None)
            self._placed.pop(export, None)
            self._nbytes -= self._working.pop(export, 0)
            following = self._next() if self._in_line else None
        if following is not None:
            self._have_read(following)

    def close(self) -> None:
        self._closed = True
        self._changed.set()

    def _have_read(self, export: Reading) -> None:
        """Has the message of this export read, and of those whose turn comes by it."""
        following: Reading | None = export
        while following is not None:
            export, is_over = following, not following.read()
            if not is_over and not self._in_line:
                return
            with self._turn:
                if is_over:
                    self._placed.pop(export, None)
                    self._nbytes -= self._working.pop(export, 0)
                following = self._next() if self._in_line else None

    def _next(self) -> Reading | None:
        """The first in line, which has its slots from now on, or None where there are none; called with `_turn`."""
        is_full = len(self._working) >= WORKERS or self._nbytes + self._expected > MESSAGE_BYTES
        if len(self._placed) >= READING or (is_full and self._working):
            self._changed.set()
            return None
        export = next(iter(self._in_line))
        del self._in_line[export]
        self._placed[export] = time.monotonic()
        self._working[export] = self._expected
        self._nbytes += self._expected
        return export

    def _watch(self) -> None:
        """Cancels calls whose message does not come: small ones and exports whose time is over, and of the exports
        that are in the way of others as many as stand in line."""
        while not self._closed:
            self._changed.wait(GREEDY_S / 4 if self._in_line else CROWDED_S / 4)
            self._changed.clear()
            now = time.monotonic()
            for context in [context for context, until in list(self._waiting.items()) if until < now]:
                context.cancel()  # type: ignore[no-untyped-call]
            with self._turn:
                placed, in_line = dict(self._placed), len(self._in_line)
            held = Counter(export.peer() for export in placed)
            allowed = {peer: GREEDY_S if calls > READING // 4 else CROWDED_S for peer, calls in held.items()}
            in_the_way = [export for export, began in placed.items() if now - began > allowed[export.peer()]]
            late = [export for export, began in placed.items() if now - began > READ_TIMEOUT_S]
            for export in late + in_the_way[:in_line]:
                export.cancel()
