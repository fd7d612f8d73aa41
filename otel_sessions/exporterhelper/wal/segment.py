"""A file of the log: written by one process until it is sealed, read as often as needed, removed when it is stored."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from otel_sessions.component import Request
from otel_sessions.exporterhelper.wal.frames import HEADER, Contents, contents, frame

SUFFIX: Final = ".wal"


@dataclass(eq=False, slots=True)
class Segment:
    """`began` is when its first request came (unix seconds), `nbytes` its size."""

    path: Path
    nbytes: int = 0
    began: float = field(default_factory=time.time)

    @property
    def name(self) -> str:
        """Unlike that of any other segment, of this log or another."""
        return self.path.stem

    @property
    def number(self) -> int:
        """Of its place among the segments of its log."""
        return int(self.name.partition("-")[0])

    def read(self) -> Contents:
        """Raises OSError."""
        return contents(self.path.read_bytes())


def listed(directory: Path) -> list[Segment]:
    """The segments of a directory, the oldest first."""
    found = [
        Segment(path, stat.st_size, stat.st_mtime) for path in directory.glob(f"*{SUFFIX}") if (stat := path.stat())
    ]
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
            self._append(HEADER)
            sync_directory(directory)
        except OSError:
            self.close()
            with suppress(OSError):
                self.segment.path.unlink()
            raise

    def append(self, requests: Sequence[Request]) -> None:
        """Returns when the requests are on disk."""
        self._append(b"".join(map(frame, requests)))

    def close(self) -> None:
        if self._file >= 0:
            with suppress(OSError):  # what it holds is on disk already
                os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fdatasync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self.segment.nbytes)
            raise
        self.segment.nbytes += len(data)


def sync_directory(directory: Path) -> None:
    """Makes the names of its files last."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
