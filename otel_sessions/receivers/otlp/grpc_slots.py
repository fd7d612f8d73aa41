# SPDX-License-Identifier: Apache-2.0
"""The slots of gRPC: how many calls have their message read at a time, which wait in line for that, and how long a call
that sends nothing may hold its slot before it is cancelled.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Protocol

import grpc

from otel_sessions.component import Host, Worker
from otel_sessions.footprint import RECEIVED_BYTES, resident

WORKERS: Final = 128
"""Exports that are being read or wait for their outcome; the messages of others are not asked for."""
READING: Final = 32
NEW_BYTES: Final = RECEIVED_BYTES // 2
"""What the first message of a connection counts until it has come, as nobody says how long it is. Those that follow
count as much as the largest of late."""
LEAST_BYTES: Final = RECEIVED_BYTES // READING
"""What one counts at least, and one that has not come after `SOON_S`: its client may be silent."""
SOON_S: Final = 2.0
LITTLE: Final = 448 << 20
"""Bytes resident below which new connections count half as much and are waited for a quarter as long: there is room for
those that are found to be slow, and not silent."""
OVERTAKING: Final = 8
"""Small messages that may be read before others for which there is no room."""
PEERS: Final = 4096
"""Connections whose largest message of late is remembered."""
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
        self._overtaking: set[Reading] = set()  # of those, which take no room
        self._room = host.received
        self._largest: OrderedDict[str, int] = OrderedDict()  # message of late, by connection
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
        if following is None:
            self._changed.set()
        else:
            self._have_read(following)

    def release(self, export: Reading, nbytes: int) -> None:
        """Its message has come, with so many bytes, or will not come."""
        with self._turn:
            self._placed.pop(export, None)
            self._count(export, nbytes)
            if nbytes:
                self._note(export.peer(), nbytes)
            following = self._next() if self._in_line else None
        if following is not None:
            self._have_read(following)

    def leave(self, export: Reading) -> None:
        """The call is over."""
        with self._turn:
            self._in_line.pop(export, None)
            self._forget(export)
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
                    self._forget(export)
                following = self._next() if self._in_line else None

    def _next(self) -> Reading | None:
        """Who has its slots from now on, or None where there are none; called with `_turn`.

        It is the first in line, or where there is no room for that a small one, without room: a few do not fill it.
        """
        export = next(iter(self._in_line))
        expected = self._largest.get(export.peer()) or (NEW_BYTES // 2 if resident() < LITTLE else NEW_BYTES)
        is_full = len(self._placed) >= READING or len(self._working) >= WORKERS
        if not is_full and not self._room.take(export, expected, whole=True):
            self._room.is_awaited = True
            small = (each for each in islice(self._in_line, WORKERS) if self._largest.get(each.peer()) == LEAST_BYTES)
            found = next(small, None) if len(self._overtaking) < OVERTAKING else None
            is_full = found is None
            export, expected = found or export, 0
            self._overtaking.update([export] if found else [])
        elif not is_full:
            self._room.is_awaited = False
        if is_full:
            return None
        del self._in_line[export]
        self._placed[export] = time.monotonic()
        self._working[export] = expected
        return export

    def _count(self, export: Reading, nbytes: int) -> None:
        """Its message has so many bytes; called with `_turn`."""
        if export in self._overtaking and nbytes <= LEAST_BYTES:
            return
        if export in self._working:
            self._room.take(export, nbytes - self._working[export], forced=True)
            self._working[export] = nbytes

    def _forget(self, export: Reading) -> None:
        """Gives back what it had; called with `_turn`."""
        self._placed.pop(export, None)
        self._working.pop(export, None)
        self._overtaking.discard(export)
        self._room.give_back(export)

    def _note(self, peer: str, nbytes: int) -> None:
        """Takes note of how long a message was; called with `_turn`."""
        before = self._largest.pop(peer, 0)
        self._largest[peer] = max(nbytes, before - before // 16, LEAST_BYTES)
        if len(self._largest) > PEERS:
            self._largest.popitem(last=False)

    def _pass_over_slow(self, before: float) -> Reading | None:
        """Has count little what is waited for since `before`; returns whose turn comes by it. Called with `_turn`."""
        for export, began in self._placed.items():
            if began < before and self._working.get(export, 0) > LEAST_BYTES:
                self._count(export, LEAST_BYTES)
        return self._next() if self._in_line else None

    def _watch(self) -> None:
        """Cancels calls whose message does not come: small ones and exports whose time is over, and of the exports
        that are in the way of others as many as stand in line."""
        while not self._closed:
            self._changed.wait(GREEDY_S / 8 if self._in_line else CROWDED_S / 4)
            self._changed.clear()
            now = time.monotonic()
            for context in [context for context, until in list(self._waiting.items()) if until < now]:
                context.cancel()  # type: ignore[no-untyped-call]
            if self._in_line:
                with self._turn:
                    following = self._pass_over_slow(now - (SOON_S / 4 if resident() < LITTLE else SOON_S))
                if following is not None:
                    self._have_read(following)
            with self._turn:
                placed, in_line = dict(self._placed), len(self._in_line)
            held = Counter(export.peer() for export in placed)
            allowed = {peer: GREEDY_S if calls > READING // 4 else CROWDED_S for peer, calls in held.items()}
            in_the_way = [export for export, began in placed.items() if now - began > allowed[export.peer()]]
            late = [export for export, began in placed.items() if now - began > READ_TIMEOUT_S]
            for export in late + in_the_way[:in_line]:
                export.cancel()
