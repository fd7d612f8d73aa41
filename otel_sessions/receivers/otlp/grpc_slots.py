# SPDX-License-Identifier: Apache-2.0
"""The slots of gRPC: how many calls have their message read at a time, which wait in line for that, and how long a call
that sends nothing may hold its slot before it is cancelled.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterator
from itertools import islice
from typing import Any, Final, Protocol

import grpc

from otel_sessions.component import Host, Worker
from otel_sessions.footprint import CROWD, RECEIVED_BYTES, TIGHT, resident
from otel_sessions.http.body import SOON_S, too_long

WORKERS: Final = 128
"""Exports that are being read or wait for their outcome; the messages of others are not asked for."""
READING: Final = 32
"""Messages that are waited for at a time, with those that are slow, or never come."""
EXPECTED_BYTES: Final = RECEIVED_BYTES * 3 // 8
"""What a message counts until it has come, as nobody says how long it will be: so two are waited for at a time, and
fewer while much waits for its outcome. What is short lies in gRPC's core before it is asked for, and comes at once."""
SLOW_BYTES: Final = RECEIVED_BYTES // READING
"""What one counts that has not come after `SOON_S`: its client is slow, or silent."""
LITTLE: Final = 448 << 20
"""Bytes resident below which messages are waited for a quarter as long before they count as slow: there is room for
those that are found to be large."""
LIGHT_BYTES: Final = 64 << 10
"""Of a message that is small. As many calls as stay in line while memory is tight stay beside them whose connections
sent such a one last: they take next to nothing, and their turn comes soon."""
FEW: Final = 2
FAIR: Final = 8
"""Of so many turns one goes to the first in line, the others to connections of which nothing large or slow is known."""
PEERS: Final = 4096
"""Connections of which that is known."""
READ_TIMEOUT_S: Final = 30.0
"""For the message of an export, from the moment that it is waited for; as long as over HTTP."""
CROWDED_S: Final = 5.0
"""The same while other calls stand in line to be read, and for the messages of other services, which are small."""
GREEDY_S: Final = 1.0
"""The same while others stand in line, for a connection that has over a quarter of the messages that are being read."""


class Reading(Protocol):
    """An export. `read` has its message read, and is False if the call is over; `send_away` tells its client to come
    back."""

    def read(self) -> bool: ...

    def send_away(self) -> None: ...

    def cancel(self) -> None: ...

    def peer(self) -> Hashable: ...


class Messages:
    """Reads the messages of calls, and cancels a call that keeps its reader waiting.

    Its client sees CANCELLED, after which it sends again.
    """

    def __init__(self, name: str, host: Host) -> None:
        self._worker = Worker(name, "silence", self._watch, host)
        self._waiting: dict[grpc.ServicerContext, float] = {}  # until when
        self._in_line: dict[Reading, None] = {}
        self._placed: dict[Reading, float] = {}  # being read: since when
        self._slow: set[Reading] = set()  # of those, which count little
        self._passed_at = 0.0  # when the last was found slow
        self._working: set[Reading] = set()  # being read, and what waits for its outcome
        self._heavy: set[Hashable] = set()  # connections whose last message was large, or slow to come
        self._light: set[Hashable] = set()  # those whose last one was small
        self._turns = 0
        self._room = host.received
        self._expected = EXPECTED_BYTES
        # where memory is tight one message is waited for at a time, and slow ones are given up, but for `FEW`: they may
        # be large, and come all at once
        self._is_tight = False  # when it was looked at last
        self._turn = threading.Lock()
        self._closed = False
        self._changed = threading.Event()
        self._rests = False

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
        """Has its message read when it is its turn. Raises `Retryable` where the line is long and memory tight."""
        with self._turn:
            self._in_line[export] = None
            if self._is_tight and len(self._in_line) > CROWD and export in self._beyond():
                del self._in_line[export]
                raise too_long()
            following = self._next()
        if following is not None:
            self._have_read(following)
        elif self._rests:
            self._rests = False
            self._changed.set()

    def release(self, export: Reading, nbytes: int) -> None:
        """Its message has come, with so many bytes, or will not come."""
        with self._turn:
            self._placed.pop(export, None)
            self._slow.discard(export)
            if export in self._working:
                self._room.settle(export, nbytes)
            if nbytes:
                self._note(export, nbytes)
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
        """Who has its slots from now on, or None where there are none; called with `_turn`."""
        if len(self._placed) >= READING or len(self._working) >= WORKERS:
            return None
        export = self._first()
        if not self._room.reserve(export, self._expected, line=self):
            return None
        self._turns += 1
        del self._in_line[export]
        self._placed[export] = time.monotonic()
        self._working.add(export)
        return export

    def _first(self) -> Reading:
        """Whose turn it is: what is large or slow keeps the rest of the line waiting little, and has its turn too."""
        first = next(iter(self._in_line))
        if not self._heavy or self._turns % FAIR == 0:
            return first
        others = (each for each in islice(self._in_line, 2 * CROWD) if each.peer() not in self._heavy)
        return next(others, first)

    def _note(self, export: Reading, nbytes: int) -> None:
        """Takes note of what is known of its connection; called with `_turn`."""
        peer = export.peer()
        for known, is_of_it in ((self._heavy, nbytes > SLOW_BYTES), (self._light, nbytes <= LIGHT_BYTES)):
            if not is_of_it:
                known.discard(peer)
                continue
            if len(known) >= PEERS and peer not in known:
                known.clear()
            known.add(peer)

    def _beyond(self) -> list[Reading]:
        """Who came last to a line that is too long; called with `_turn`."""
        light, others = list[Reading](), list[Reading]()
        for export in self._in_line:
            (light if export.peer() in self._light else others).append(export)
        return [*light[CROWD:], *others[CROWD:]]

    def _forget(self, export: Reading) -> None:
        """Gives back what it had; called with `_turn`."""
        self._placed.pop(export, None)
        self._slow.discard(export)
        self._working.discard(export)
        self._room.give_back(export)

    def _go_on(self, slow: Reading | None) -> None:
        """Whose turn it is where others have given back room. What is found `slow` counts little from now on, and is
        the last whom the room waits for."""
        with self._turn:
            if slow is not None and slow in self._placed:
                self._slow.add(slow)
                self._room.give_back(slow)
                self._room.settle(slow, SLOW_BYTES)
                self._note(slow, SLOW_BYTES + 1)
            following = self._next() if self._in_line else None
        if following is not None:
            self._have_read(following)

    def _thin_out(self) -> None:
        """Sends away who came last to a line that is too long."""
        with self._turn:
            last = self._beyond() if len(self._in_line) > CROWD else []
            for export in last:
                del self._in_line[export]
        for export in last:
            export.send_away()

    def _watch(self) -> None:
        while not self._closed:
            self._rests = not self._in_line and len(self._placed) <= FEW
            if self._changed.wait(CROWDED_S / 4 if self._rests else GREEDY_S / 8):
                self._changed.clear()
            else:
                self._look(time.monotonic(), resident())

    def _look(self, now: float, memory: int) -> None:
        """Cancels calls whose message does not come: small ones and exports whose time is over, of the exports that are
        in the way of others as many as stand in line, and slow ones while `memory` is tight. Cuts a long line then."""
        for context in [context for context, until in list(self._waiting.items()) if until < now]:
            context.cancel()  # type: ignore[no-untyped-call]
        self._is_tight = memory >= TIGHT
        if self._is_tight:
            self._thin_out()
        self._expected = 2 * EXPECTED_BYTES if self._is_tight else EXPECTED_BYTES
        with self._turn:
            placed, in_line = dict(self._placed), len(self._in_line)
        soon = SOON_S / 4 if memory < LITTLE else SOON_S
        slow = [export for export, began in placed.items() if now - began > soon]
        found = None
        may_come = len(self._slow) * RECEIVED_BYTES  # as all that were silent may send at once
        # one at a time: all are slow where the machine is
        if memory + may_come < TIGHT and now - self._passed_at > soon:
            found = next((export for export in slow if export not in self._slow), None)
        if in_line:
            self._passed_at = now if found else self._passed_at
            self._go_on(found)
        held = Counter(export.peer() for export in placed)
        allowed = {peer: GREEDY_S if calls > READING // 4 else CROWDED_S for peer, calls in held.items()}
        in_the_way = [export for export, began in placed.items() if now - began > allowed[export.peer()]]
        late = [export for export, began in placed.items() if now - began > READ_TIMEOUT_S]
        for export in [*late, *in_the_way[:in_line], *(slow[FEW:] if self._is_tight else ())]:
            export.cancel()
