# SPDX-License-Identifier: Apache-2.0
"""Large answers, which go out piece by piece, and room for what clients leave unread of them.

An answer keeps memory for as long as its client takes to read it. So those of all listeners have so many bytes together
(`Unsent`): one that finds no room waits a little, then its client is told to come back, and meanwhile those are cut off
that hardly read. Small answers always go.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Final

from starlette.types import Message, Send

from otel_sessions.errors import Retryable
from otel_sessions.footprint import Room, give_back_kept
from otel_sessions.telemetry import Intervals, logger

PIECE: Final = 256 << 10
"""Bytes that are handed to a connection at once: before the next it has to have room."""
UNSENT_BYTES: Final = 64 << 20
"""Of answers that are ready and that their clients have not taken, over all listeners together."""
SMALL: Final = 64 << 10
"""An answer of no more bytes goes out whatever others leave unread."""
SLOW_S: Final = 10.0
"""A client that takes longer for a piece is cut off where others need the room."""
WAIT_S: Final = 1.0
"""How long an answer waits for room before its client is told to come back; meanwhile it keeps others from reading."""
BEGUN_WAIT_S: Final = 300.0
"""The same of one that has begun to go out, before more of it is read: nobody can be told any more."""
_LOOK_S: Final = 0.05
_EASY: Final = UNSENT_BYTES // 32  # what `Room.take` has a quarter more for
_notices: Final = Intervals()


class Unsent:
    """Which answers wait for their clients, and with how many bytes. Any thread may call."""

    def __init__(self, nbytes: int = UNSENT_BYTES, now: Callable[[], float] = time.monotonic) -> None:
        self._room = Room(nbytes)
        self._now = now
        self._read: dict[object, tuple[float, Callable[[], object]]] = {}  # when last, and how to cut it off
        self._leaving: object | None = None  # who was cut off, and has not given back yet
        self._using = threading.Lock()

    @property
    def held(self) -> int:
        """The bytes of all of them."""
        return self._room.held

    def enter(self, answer: object, nbytes: int, cut: Callable[[], object] | None) -> bool:
        """Whether there is room for so many bytes of an answer that has none. Where there is none, who has been slow
        for longest is cut off by its `cut`, and gives its room back when it `leave`s. One that is not made yet has no
        `cut`."""
        has_room = self._room.take(answer, nbytes) if nbytes <= _EASY else self._room.reserve(answer, nbytes)
        with self._using:
            if has_room:
                if cut is not None:
                    self._read[answer] = (self._now(), cut)
                return True
            self._room.give_back(answer)
            slowest = min(self._read, key=lambda each: self._read[each][0], default=None)
            if self._leaving is not None or slowest is None or self._now() - self._read[slowest][0] <= SLOW_S:
                return False
            self._leaving = slowest
            _, cut_off = self._read.pop(slowest)
        if _notices.due("cut"):
            logger.warning("a client that hardly reads its answer is cut off: others need the room, %d MiB", self._mib)
        cut_off()
        return False

    def settle(self, answer: object, nbytes: int, cut: Callable[[], object]) -> None:
        """It has just so many bytes, which are there already."""
        self._room.settle(answer, nbytes)
        with self._using:
            self._read[answer] = (self._now(), cut)

    def note_read(self, answer: object) -> None:
        """Its client has taken a piece."""
        with self._using:
            if known := self._read.get(answer):
                self._read[answer] = (self._now(), known[1])

    def wait(self, answer: object, nbytes: int, cut: Callable[[], object]) -> bool:
        """As `enter`, after a while at most."""
        end = self._now() + WAIT_S
        while not (has_room := self.enter(answer, nbytes, cut)) and self._now() < end:
            time.sleep(_LOOK_S)
        return has_room

    def leave(self, answer: object) -> None:
        """Gives back what the answer has; a second call does nothing."""
        with self._using:
            self._read.pop(answer, None)
            self._leaving = None if self._leaving is answer else self._leaving
        self._room.give_back(answer)

    def refusal(self) -> Retryable:
        """What the client of an answer is told for which there is no room."""
        if _notices.due("refused"):
            logger.warning("answers are refused: clients leave %d MiB of others unread", self.held >> 20)
        return Retryable("clients that read slowly leave no room for large answers", retry_after=2.0)

    @property
    def _mib(self) -> int:
        return self._room.nbytes >> 20


UNSENT: Final = Unsent()
"""Those of the process."""
_at_hand: Final[ContextVar[Answer | None]] = ContextVar("answer", default=None)


class Answer:
    """Sends one answer, a large body in pieces, each when the connection has room again. `cut` ends the connection."""

    def __init__(self, send: Send, cut: Callable[[], object], unsent: Unsent = UNSENT) -> None:
        self._send = send
        self._cut = cut
        self._unsent = unsent
        self._start: Message | None = None
        self._held = 0
        self._is_refused = False
        self.has_begun = False
        self.made_of = 0
        _at_hand.set(self)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        body = message.get("body", b"")
        is_new = self._held < len(body) > SMALL
        if self._is_refused or (is_new and not await self.hold(max(len(body), self.made_of))):
            await self._refuse()
            return
        if not message.get("more_body", False):
            give_back_kept()
        await self._begin()
        while len(body) > PIECE:
            await self._send({**message, "body": bytes(body[:PIECE]), "more_body": True})
            self._unsent.note_read(self)
            await asyncio.sleep(0)  # for others, and to be told that the client has gone
            body = memoryview(body)[PIECE:]
        await self._send({**message, "body": bytes(body)} if body else message)
        self._unsent.note_read(self)
        if is_new:
            self.leave()

    async def hold(self, nbytes: int, *, is_made: bool = True) -> bool:
        """Whether there is room for so many bytes, instead of what it had, after a while at most."""
        self.leave()
        cut = self._cut if is_made else None
        end = time.monotonic() + (BEGUN_WAIT_S if self.has_begun else WAIT_S)
        while not self._unsent.enter(self, nbytes, cut):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(_LOOK_S)
        self._held = nbytes
        return True

    def settle(self, nbytes: int) -> None:
        """It has just so many bytes."""
        self._held = nbytes
        self._unsent.settle(self, nbytes, self._cut)

    def leave(self) -> None:
        """Gives back what it has."""
        self._held = 0
        self._unsent.leave(self)

    async def _begin(self) -> None:
        if self._start is not None:
            start, self._start, self.has_begun = self._start, None, True
            await self._send(start)

    async def _refuse(self) -> None:
        """Tells the client to come back, once; where the answer has begun, ends the connection."""
        if self._is_refused:
            return
        self._is_refused, refusal = True, self._unsent.refusal()
        if self._start is None:
            self._cut()
            return
        text = f"{refusal}\n".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
        closing = [each for each in self._start["headers"] if each[0].lower() == b"connection"]
        self._start = {**self._start, "status": 503, "headers": [*headers, (b"retry-after", b"2"), *closing]}
        await self._begin()
        await self._send({"type": "http.response.body", "body": text})


async def hold(nbytes: int) -> None:
    """Has so many bytes that are made of the answer at hand counted until their end, or `next_held`, and gives back
    what was kept for reading them. Raises `Retryable` where clients leave no room."""
    answer = _at_hand.get()
    if answer is not None and not await answer.hold(nbytes):
        raise UNSENT.refusal()
    give_back_kept()


def release() -> None:
    """The client has taken what there is of the answer at hand, which goes on later."""
    answer = _at_hand.get()
    if answer is not None:
        answer.leave()


async def next_held(make: Callable[[], Awaitable[bytes]], nbytes: int) -> bytes:
    """The next piece of the answer at hand, which is counted instead of the one before, that had `nbytes`.

    It is made when there is room for as many: who waits for those that read slowly keeps nobody from reading.
    """
    answer = _at_hand.get()
    if answer is None:
        return await make()
    if not await answer.hold(nbytes, is_made=False):
        raise UNSENT.refusal()
    piece = await make()
    answer.settle(len(piece))
    give_back_kept()
    return piece


def note_made_of(nbytes: int) -> None:
    """Says that the answer at hand is made of so many bytes, which are there until it is sent."""
    answer = _at_hand.get()
    if answer is not None:
        answer.made_of = nbytes


def in_pieces(body: bytes) -> Iterator[bytes]:
    """A body in pieces."""
    for start in range(0, len(body), PIECE):
        yield body if len(body) <= PIECE else body[start : start + PIECE]
