# SPDX-License-Identifier: Apache-2.0
"""A file of the log: written by one process until it is sealed, read as often as needed, removed when what it holds
is stored and outlasts a power cut; and the parts of its spans that go into one insert."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from otel_sessions.component import Request
from otel_sessions.exporterhelper.fsync import boot, sync_directory
from otel_sessions.exporterhelper.wal.frames import HEADER, Contents, contents, frames
from otel_sessions.pdata import SpanBatch, split

SUFFIX: Final = ".wal"
STORED: Final = ".stored"
"""Of segments whose spans are stored, but lost if the machine of this boot loses its power now."""
_FIRST_MS: Final = 10**12  # numbers from here on are milliseconds since 1970


@dataclass(eq=False, slots=True)
class Segment:
    """`began` is when its first request came (unix seconds; of one that another process has left, exact to 1 ms),
    `nbytes` its size, `spans` how many it holds, 0 of one that another process has left."""

    path: Path
    nbytes: int = 0
    began: float = field(default_factory=time.time)
    spans: int = 0

    @property
    def name(self) -> str:
        """A name that no other segment has, of this log or another."""
        return self.path.name.partition(".")[0]

    @property
    def number(self) -> int:
        """Its place among the segments of its log, the oldest first."""
        return int(self.name.partition("-")[0])

    def read(self) -> Contents:
        """Raises OSError."""
        return contents(self.path.read_bytes())

    def mark_stored(self) -> None:
        """Whoever starts next on this boot of the machine need not store it again; raises OSError."""
        path = self.path.with_name(f"{self.name}.{boot()}{STORED}")
        self.path.rename(path)
        self.path = path


def number_after(number: int) -> int:
    """The number of a segment that begins now: milliseconds since 1970, and greater than `number`."""
    return max(number + 1, time.time_ns() // 1_000_000)


def sealed_in(directory: Path) -> list[Segment]:
    """The segments of a directory that are to be stored, the oldest first; raises OSError.

    Those that were stored before the machine started anew are among them.
    """
    for path in directory.glob(f"*{STORED}"):
        if not path.name.endswith(f".{boot()}{STORED}"):
            path.rename(path.with_name(f"{path.name.partition('.')[0]}{SUFFIX}"))
    return _segments(directory, SUFFIX)


def stored_in(directory: Path) -> list[Segment]:
    """The segments of a directory that are stored, but would be lost with the machine's power."""
    return _segments(directory, STORED)


def _segments(directory: Path, suffix: str) -> list[Segment]:
    found = [Segment(path, path.stat().st_size) for path in directory.glob(f"*{suffix}")]
    for segment in found:  # the first releases counted from 1
        began = segment.number / 1000 if segment.number >= _FIRST_MS else segment.path.stat().st_mtime
        segment.began = began
    return sorted(found, key=lambda segment: segment.number)


class Writer:
    """Appends to a new segment. All methods raise OSError when the disk does not take it, and then nothing has changed:
    what was written of an append that failed is cut off again."""

    def __init__(self, directory: Path, number: int) -> None:
        self.segment = Segment(directory / f"{number:016d}-{secrets.token_hex(8)}{SUFFIX}")
        self._file = os.open(
            self.segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        try:
            self._write([HEADER])  # it is on disk when the first requests are
            sync_directory(directory)
        except OSError:
            self.close()
            with suppress(OSError):
                self.segment.path.unlink()
            raise

    def append(self, requests: Sequence[Request]) -> None:
        """Returns when the requests are on disk."""
        self._write(frames(requests), lasting=True)

    def close(self) -> None:
        if self._file >= 0:
            with suppress(OSError):  # what it holds is on disk already
                os.close(self._file)
            self._file = -1

    def _write(self, pieces: Iterable[bytes], *, lasting: bool = False) -> None:
        written = 0
        try:
            for piece in pieces:
                left = memoryview(piece)
                while left:
                    left = left[os.write(self._file, left) :]
                written += len(piece)
            if lasting:
                os.fdatasync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self.segment.nbytes)
            raise
        self.segment.nbytes += written


@dataclass(eq=False, slots=True)
class Part:
    """`batches` is None while the spans are on disk only. `token` names just these spans.

    For those that were refused for good: how many times, and how many other parts had been stored when that
    happened first. `held` are spans that have waited for their session. `waits` is how often it was put off,
    `not_before` when to try again, in seconds of the monotonic clock.
    """

    segment: Segment
    token: str
    batches: Sequence[SpanBatch] | None = None
    refusals: int = 0
    stored_before: int | None = None
    waits: int = 0
    not_before: float = 0.0
    held: bool = False

    @classmethod
    def whole(cls, segment: Segment, batches: Sequence[SpanBatch] | None = None) -> Part:
        return cls(segment, segment.name, batches)

    @property
    def is_whole(self) -> bool:
        """Whether these are all spans of the segment."""
        return self.token == self.segment.name

    def halves(self) -> tuple[Part, Part] | None:
        """The same spans in two; None of a single one. They must be in memory."""
        batches = self.batches or ()
        spans = sum(map(len, batches))
        if spans < 2:
            return None
        first, second = split(batches, spans // 2)
        left = Part(self.segment, f"{self.token}.0", first, stored_before=self.stored_before)
        return left, Part(self.segment, f"{self.token}.1", second, stored_before=self.stored_before)
