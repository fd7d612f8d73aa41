# SPDX-License-Identifier: Apache-2.0
"""A directory of segments, which one process has at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from otel_sessions.component import Request
from otel_sessions.errors import Permanent, Retryable
from otel_sessions.exporterhelper.config import SendingQueue
from otel_sessions.exporterhelper.fsync import make_directory
from otel_sessions.exporterhelper.wal.frames import HEADER, size_of
from otel_sessions.exporterhelper.wal.segment import Segment, Writer, number_after, sealed_in, stored_in
from otel_sessions.lock import DataLock

logger = logging.getLogger("otel_sessions.wal")
FULL_RETRY_AFTER_S: Final = 5.0
DISK_RETRY_AFTER_S: Final = 1.0
"""How long nothing is taken after the disk has refused to write."""
_PROBE_BYTES: Final = 64 * 2**10


class Log:
    """Requests that were answered and are not stored for good yet, between `open` and `close`.

    Its segments are sealed ones, by number, the active one, which `append` makes when there is none, and those that are
    stored but may be lost with the machine's power. Any thread may call; appends are made one at a time.
    """

    def __init__(self, directory: Path, queue: SendingQueue, resized: Callable[[int], None] = lambda _: None) -> None:
        """`resized` is told by how many bytes that wait to be stored it grows or shrinks."""
        self.directory = directory
        self._resized = resized
        self._capacity = queue.capacity
        self._max_age = queue.max_age
        self._lock: DataLock | None = None
        self._sealed: OrderedDict[int, Segment] = OrderedDict()
        self._stored: list[Segment] = []
        self._number = 0
        self._nbytes = 0
        self._guard = threading.Lock()
        self._writer: Writer | None = None
        self._refused_until = 0.0
        self._problem = ""
        self._appending = threading.Lock()

    def open(self) -> None:
        """Takes the directory.

        Raises `Permanent` when it cannot be used, or when another process has it; then it is left alone.
        """
        try:
            make_directory(self.directory)
            self._lock = DataLock(self.directory)
            sealed, self._stored = sealed_in(self.directory), stored_in(self.directory)
        except OSError as error:
            self.close()
            raise Permanent(
                f"the write-ahead log {self.directory} cannot be used: {error.strerror or error}"
            ) from error
        self._sealed = OrderedDict((segment.number, segment) for segment in sealed)
        self._number = max((segment.number for segment in (*sealed, *self._stored)), default=0)
        self._grow(sum(segment.nbytes for segment in sealed))
        self._nbytes += sum(segment.nbytes for segment in self._stored)

    def close(self) -> None:
        """Lets go of the directory; a second call does nothing."""
        self.seal()
        with self._guard:
            waiting = sum(segment.nbytes for segment in self._sealed.values())
            self._sealed.clear()
            self._nbytes = 0
        self._resized(-waiting)
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    @property
    def nbytes(self) -> int:
        """Bytes of all that its directory holds."""
        return self._nbytes

    @property
    def is_full(self) -> bool:
        return self._nbytes > self._capacity

    @property
    def oldest(self) -> float | None:
        """Since when the request that has waited longest waits to be stored (unix seconds); None if there is none."""
        with self._guard:
            first = next(iter(self._sealed.values()), None)
        writer = self._writer
        segment = first or (writer.segment if writer else None)
        return segment.began if segment else None

    def sealed(self) -> list[Segment]:
        """Those to store, the oldest first."""
        with self._guard:
            return sorted(self._sealed.values(), key=lambda segment: segment.number)

    def recover(self, each: Callable[[Sequence[Request]], None]) -> None:
        """Reads what an earlier process has left: cuts off torn tails, removes what is empty, tells of damage.

        `each` is called with the requests of every segment. Raises `Permanent` where one cannot be read.
        """
        begin = told = time.monotonic()
        segments = self.sealed()
        for count, segment in enumerate(segments, 1):
            each(self._recovered(segment))
            if time.monotonic() - told > 2.0:
                told = time.monotonic()
                logger.info("reading the write-ahead log: %d of %d segments", count, len(segments))
        if segments:
            seconds = time.monotonic() - begin
            logger.info(
                "%d bytes wait in the write-ahead log %s (read in %.1f s)", self.nbytes, self.directory, seconds
            )

    def check_room(self, nbytes: int) -> None:
        """Raises `Retryable` when a request of so many bytes will not be taken."""
        if time.monotonic() < self._refused_until:
            raise Retryable(self._problem, retry_after=DISK_RETRY_AFTER_S)
        if shortage := self.shortage(nbytes):
            raise Retryable(shortage, retry_after=FULL_RETRY_AFTER_S)

    def shortage(self, nbytes: int) -> str | None:
        """Why a request of so many bytes has no room, if it has none: what waits is too much, or too old."""
        if self._nbytes + nbytes > self._capacity:
            return f"the write-ahead log is full: {self._nbytes} bytes wait"
        if self._max_age is not None and time.time() - (self.oldest or time.time()) > self._max_age:
            return f"spans have waited for over {self._max_age:g} s"
        return None

    def probe(self) -> str | None:
        """Why the disk does not take more, if it does not: tries a small file. Without a failure before, None."""
        if not self._problem:
            return None
        path = self.directory / "probe"
        try:
            with path.open("wb") as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
            self._problem = ""
        except OSError as error:
            return f"the write-ahead log {self.directory} cannot be written: {error.strerror or error}"
        finally:
            with suppress(OSError):
                path.unlink()
        return None

    def append(self, requests: Sequence[Request], spans: int = 0) -> Segment:
        """Returns, with the segment, when the requests, of so many spans, are on disk.

        Raises `Retryable` when there is no room, or the disk does not take them; what is there stays as it was.
        """
        with self._appending:
            self.check_room(size_of(requests))
            try:
                if self._writer is None:
                    self._writer = Writer(self.directory, number_after(self._number))
                    self._number = self._writer.segment.number
                    self._grow(self._writer.segment.nbytes)
                segment = self._writer.segment
                before = segment.nbytes
                self._writer.append(requests)
            except OSError as error:
                problem = f"the write-ahead log {self.directory} cannot be written: {error.strerror or error}"
                if problem != self._problem or time.monotonic() - self._refused_until > 60:
                    logger.error("%s; senders are told to come back", problem)  # noqa: TRY400
                self._problem, self._refused_until = problem, time.monotonic() + DISK_RETRY_AFTER_S
                raise Retryable(problem, retry_after=DISK_RETRY_AFTER_S) from error
            segment.spans += spans
            self._grow(segment.nbytes - before)
            return segment

    def seal(self) -> Segment | None:
        """Closes the active segment, if there is one."""
        with self._appending:
            writer = self._writer
            if writer is None:
                return None
            writer.close()
            with self._guard:
                self._sealed[writer.segment.number] = writer.segment
                self._writer = None
            return writer.segment

    def count(self, nbytes: int) -> None:
        """The directory holds so many bytes more beside segments, or less if negative."""
        with self._guard:
            self._nbytes += nbytes

    def keep(self, segment: Segment) -> None:
        """The segment is stored, and is kept until `remove`. One that cannot be marked so is stored again after the
        next start."""
        with self._guard:
            if self._sealed.pop(segment.number, None) is None:
                return
            self._stored.append(segment)
        self._resized(-segment.nbytes)
        try:
            segment.mark_stored()
        except OSError:
            logger.exception("the stored segment %s of the write-ahead log cannot be renamed", segment.path)

    def kept(self) -> Sequence[Segment]:
        """The segments that are stored, but would be lost with the machine's power."""
        with self._guard:
            return list(self._stored)

    def remove(self, segment: Segment) -> None:
        """The segment is stored for good. One that cannot be removed is stored again after the next start."""
        with self._guard:
            waited = self._sealed.pop(segment.number, None) is not None
            if not waited and segment not in self._stored:
                return
            self._stored = [other for other in self._stored if other is not segment]
            self._nbytes -= segment.nbytes
        if waited:
            self._resized(-segment.nbytes)
        try:
            segment.path.unlink(missing_ok=True)
        except OSError:
            logger.exception("the stored segment %s of the write-ahead log cannot be removed", segment.path)

    def _grow(self, nbytes: int) -> None:
        """Adds to the bytes that wait to be stored, and tells `resized`."""
        self.count(nbytes)
        self._resized(nbytes)

    def _recovered(self, segment: Segment) -> Sequence[Request]:
        try:
            found = segment.read()
        except OSError as error:
            raise Permanent(
                f"{segment.path} of the write-ahead log cannot be read: {error.strerror or error}"
            ) from error
        if found.damaged_bytes:
            logger.error("%s: %d bytes are damaged; the requests in them are lost", segment.path, found.damaged_bytes)
        torn = found.torn_bytes + segment.nbytes - found.end
        if torn > len(HEADER):
            logger.warning(
                "%s: the last write is torn: %d bytes, never answered unless the disk has damaged them since",
                segment.path,
                torn,
            )
        if not found.requests and not found.damaged_bytes:
            self.remove(segment)
        elif found.end < segment.nbytes:
            with suppress(OSError), segment.path.open("r+b") as file:  # it is only ever read up to its last whole frame
                file.truncate(found.end)
                self._grow(found.end - segment.nbytes)
                segment.nbytes = found.end
        return found.requests
