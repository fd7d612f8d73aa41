# SPDX-License-Identifier: Apache-2.0
"""Request bodies, bounded in every way: size, packed and unpacked; memory of all together; time; members; window.

Every listener reads its bodies here. The class of an error decides the answer to what is wrong with one: `TooLarge`,
`BrokenBody`, `UnsupportedMediaType`, `SlowBody`, `Retryable`, and Starlette's `ClientDisconnect`, whose answer nobody
reads.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from starlette.requests import Request
from starlette.responses import Response

from otel_sessions.errors import InvalidData, Retryable, TooLarge
from otel_sessions.footprint import CROWD, TIGHT, Room, resident

T = TypeVar("T")
ROOM_TIMEOUT_S: Final = 5.0
"""How long a body waits for room that has some already, before its client is told to come back."""
PATIENCE_S: Final = 60.0
"""How long one waits for its turn that has none, while memory is not tight: over gRPC that takes as long as its client
has patience."""
SOON_S: Final = 2.0
"""A body whose turn has come and that is not there by then counts what has come of it: its client is slow.
Messages over gRPC likewise."""
_TURN_LOOK_S: Final = 1.0
_LOOK_S: Final = 0.02
_INFLATING: Final = 2
READ_TIMEOUT_S: Final = 30.0
"""How long a body may take, from the first look at it to its last byte."""
NOBODY_READS: Final = Response(status_code=499)
"""The answer to a client that has gone while it sent, which nobody reads."""
_PLAIN: Final = ("", "identity", "none")
_MAX_MEMBERS: Final = 32  # every member of a gzip file, or frame of zstd, has what follows it copied
_MAX_WINDOW_LOG: Final = 23  # 8 MiB, https://www.rfc-editor.org/rfc/rfc9659

Decoders = Mapping[str, Callable[[], Any]]
"""By content encoding, what makes an object with `decompress(data, max_length)`, `eof` and `unused_data`."""
_DECODERS: Final[Decoders] = {
    "gzip": lambda: zlib.decompressobj(31),
    "x-gzip": lambda: zlib.decompressobj(31),
    "deflate": lambda: zlib.decompressobj(15),
    "zlib": lambda: zlib.decompressobj(15),  # as the Collector's exporter says with `compression: zlib`
    "zstd": lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}),
}
_inflating: Final = threading.Semaphore(_INFLATING)  # what was inflated has no room yet
_BROKEN: Final = (zlib.error, zstd.ZstdError, EOFError, RuntimeError, ValueError, OSError)


class UnsupportedMediaType(InvalidData):
    """A content type or encoding that nobody here reads: HTTP 415. `accept_encoding` is what to send instead."""

    def __init__(self, message: str, *, accept_encoding: str = "") -> None:
        super().__init__(message)
        self.accept_encoding = accept_encoding


class BrokenBody(InvalidData):
    """The body is not in the encoding that its header names."""


class SlowBody(Retryable):
    """The body was not there in `READ_TIMEOUT_S` seconds; the connection is of no more use."""


def too_long() -> Retryable:
    """What the client of a request is told for which the line is too long."""
    return Retryable("too many requests wait to be read, and memory is tight", retry_after=2.0)


class Bodies:
    """Reads bodies of at most `limit` bytes each, packed and unpacked, and of `together` bytes that are held at a time,
    or as far as there is room in one that is shared with others.

    All reading is on one event loop, work at bodies in `pool` or the threads of that loop. `more` are decoders beside
    those for gzip, deflate and zstd.
    """

    def __init__(
        self, limit: int, together: int | Room, *, pool: Executor | None = None, more: Decoders | None = None
    ) -> None:
        self.limit = limit
        self._room = Room(together, is_shared=False) if isinstance(together, int) else together
        self._line: deque[asyncio.Future[None]] = deque()  # large bodies whose turn is to come, the next one is done
        self._pool = pool
        self._decoders: Decoders = {**_DECODERS, **(more or {})}
        self._accepted = ", ".join(dict.fromkeys(["gzip", "deflate", "zstd", *(more or {})]))

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[Body]:
        """The body as it was sent; it counts until the block ends.

        Raises `UnsupportedMediaType`; `TooLarge` for more than `limit` bytes, and for a header that announces them;
        `Retryable` when there is no room; `SlowBody`; Starlette's `ClientDisconnect`.
        """
        body = Body(self.limit, self._room, *self._decoder(request.headers.get("content-encoding", "")))
        announced = body.check_announced(request.headers.get("content-length", ""))
        try:
            if self._room.is_shared and announced > self._room.nbytes // 32:
                await self._wait_for_turn(body, announced)
            slow = asyncio.get_running_loop().call_later(SOON_S, body.count_what_came)
            try:
                async with asyncio.timeout(READ_TIMEOUT_S):
                    async for chunk in request.stream():
                        await body.add(chunk)
            except TimeoutError:
                raise SlowBody(f"the request was not there after {READ_TIMEOUT_S:g} s") from None
            finally:
                slow.cancel()
            yield body
        finally:
            body.release()

    async def take(
        self, request: Request, work: Callable[[Body], T], pool: Executor | None = None, *, light_bytes: int = 0
    ) -> T:
        """What `work` makes of the body, in a thread, of `pool` if that is named; raises as `read`.

        A body that is not packed and has less than `light_bytes` is not worth waking a thread for.
        """
        async with self.read(request) as body:
            return await self.work(body, work, pool, light_bytes=light_bytes)

    async def work(
        self, body: Body, work: Callable[[Body], T], pool: Executor | None = None, *, light_bytes: int = 0
    ) -> T:
        """As `take`, of a body that was read."""
        if body.is_lighter(light_bytes):
            return work(body)
        return await asyncio.get_running_loop().run_in_executor(pool or self._pool, work, body)

    async def _wait_for_turn(self, body: Body, nbytes: int) -> None:
        """Returns when there is room for all of a large body, of which nothing is read before: pieces of many would
        fill the room, and none come to its end. Raises `Retryable` after a while, sooner where memory is tight."""
        turn, began = asyncio.get_running_loop().create_future(), time.monotonic()
        if len(self._line) >= CROWD and resident() >= TIGHT:
            raise too_long()
        self._line.append(turn)
        self._call_next()
        looked_at = began
        try:
            while not (turn.done() and body.reserve(nbytes, self)):
                now = time.monotonic()
                if now - looked_at > _TURN_LOOK_S:
                    looked_at, is_tight = now, resident() >= TIGHT
                    if now - began > (ROOM_TIMEOUT_S if is_tight else PATIENCE_S):
                        raise Retryable("too many requests are being read")
                    if is_tight and self._line.index(turn) >= CROWD:
                        raise too_long()
                if turn.done():
                    await asyncio.sleep(_LOOK_S)
                else:
                    await asyncio.wait({turn}, timeout=_TURN_LOOK_S)
        finally:
            self._line.remove(turn)
            self._call_next()

    def _call_next(self) -> None:
        if self._line and not self._line[0].done():
            self._line[0].set_result(None)

    def _decoder(self, header: str) -> tuple[str, Callable[[], Any] | None]:
        """The content encoding that a header names, and its decoder, None of what is not packed."""
        encoding = header.strip().lower()
        if encoding not in _PLAIN and encoding not in self._decoders:
            raise UnsupportedMediaType(
                f"the content encoding {encoding!r} is not supported; send {self._accepted} or none",
                accept_encoding=self._accepted,
            )
        return encoding, self._decoders.get(encoding)


class Body:
    """One body: the event loop adds to it, a thread unpacks it."""

    def __init__(self, limit: int, room: Room, encoding: str, decoder: Callable[[], Any] | None) -> None:
        self._limit = limit
        self._room = room
        self._encoding = encoding
        self._decoder = decoder
        self._parts: list[bytes] = []
        self._size = 0
        self._held = 0
        self._is_over = False
        # Compression makes some bodies a little longer.
        self._most = limit if decoder is None else limit + limit // 256 + 1024

    def is_lighter(self, nbytes: int) -> bool:
        """Whether it is not packed, and has less than so many bytes."""
        return self._decoder is None and self._size < nbytes

    def check_announced(self, length: str) -> int:
        """The bytes that the header `Content-Length` says, 0 without one. Raises `TooLarge` by them."""
        announced = int(length) if length.isdecimal() else 0
        if announced > self._most:
            raise self._too_large_error()
        return announced

    def reserve(self, nbytes: int, line: object) -> bool:
        """Whether it has room for so many bytes from now on."""
        if not self._room.reserve(self, nbytes, line):
            return False
        self._held = nbytes
        return True

    def count_what_came(self) -> None:
        """Gives back the room for what has not come yet."""
        if self._held > self._size:
            self._held = self._size
            self._room.settle(self, self._size)

    async def add(self, chunk: bytes) -> None:
        """Takes a piece of the body. Raises `TooLarge` past the limit, and `Retryable` when there is no room."""
        self._size += len(chunk)
        if self._size > self._most:
            raise self._too_large_error()
        end = time.monotonic() + ROOM_TIMEOUT_S
        while not self._hold(self._size, until=end):
            await asyncio.sleep(_LOOK_S)
        self._parts.append(chunk)

    def unpacked(self) -> bytes:
        """The body, never inflated past its limit and one byte; in a thread, as it would hold up an event loop.

        Raises `TooLarge`, `BrokenBody`, and `Retryable` when there is no room for what was inflated.
        """
        data = b"".join(self._parts)
        if self._decoder is not None:
            _refuse_event_loops()
            with _inflating:
                try:
                    data = self._inflated(data, self._decoder)
                except _BROKEN as error:
                    raise BrokenBody(f"the body is not {self._encoding}: {error}") from error
                if len(data) > self._limit:
                    raise self._too_large_error()
                end = time.monotonic() + ROOM_TIMEOUT_S
                while not self._hold(len(data), until=end):
                    time.sleep(_LOOK_S)
            self._decoder, self._size = None, len(data)
        self._parts = [data]
        return data

    def taken(self) -> bytes:
        """As `unpacked`, and it has them no longer; what room it has stays its own."""
        data = self.unpacked()
        self._parts.clear()
        return data

    def json(self) -> Any:
        """The body as JSON; text that is no Unicode is kept, so that it costs only what it is in.

        Raises as `unpacked`, and `InvalidData`.
        """
        data = self.unpacked()
        try:
            return json.loads(data)
        except RecursionError:
            raise InvalidData("the body is nested too deep") from None
        except ValueError as error:
            raise InvalidData(f"the body is not JSON: {error}") from error

    def release(self) -> None:
        """Gives its room back, also while a thread still works at the body."""
        self._is_over = True
        self._room.give_back(self)

    def _too_large_error(self) -> TooLarge:
        return TooLarge(f"the request is over the limit of {self._limit} bytes")

    def _hold(self, nbytes: int, *, until: float) -> bool:
        """Whether it has so much room in all; raises `Retryable` where it is to wait no longer than `until`."""
        taken = nbytes <= self._held or self._room.take(self, nbytes - self._held)
        if taken:
            self._held = max(self._held, nbytes)
        if self._is_over:  # a thread that still works at it takes no room
            self._room.give_back(self)
            return True
        if not taken and (not self._room.is_shared or time.monotonic() > until):
            raise Retryable("too many requests are being read")
        return taken

    def _inflated(self, data: bytes, decoder: Callable[[], Any]) -> bytes:
        found: list[bytes] = []
        left = self._limit + 1
        while data and left:
            if len(found) == _MAX_MEMBERS:
                raise EOFError(f"over {_MAX_MEMBERS} members")
            member = decoder()
            found.append(member.decompress(data, left))
            left -= len(found[-1])
            if left and not member.eof:
                raise EOFError("it ends early")
            data = member.unused_data
        return b"".join(found)


def _refuse_event_loops() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise AssertionError("bodies are inflated in a thread, as Bodies.take does")
