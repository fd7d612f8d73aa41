"""A file of credentials, read again when it has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
_logger = logging.getLogger(__name__)


class Watched(Generic[T]):
    """What `parse` makes of the file's bytes.

    Creation raises OSError, or the ValueError of `parse`. A later content that cannot be read changes nothing but the
    log: who had access keeps it. Any thread may ask.
    """

    def __init__(self, path: str, parse: Callable[[bytes], T]) -> None:
        self._path = Path(path)
        self._parse = parse
        self._lock = Lock()
        self._stamp = self._look()
        self._value = parse(self._path.read_bytes())

    def value(self) -> T:
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._read_again()
            return self._value

    def _look(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read_again(self) -> None:
        try:
            self._value = self._parse(self._path.read_bytes())
        except (OSError, ValueError) as error:
            problem = error.strerror if isinstance(error, OSError) else error
            _logger.error("%s: %s; what it said before stays in force", self._path, problem)  # noqa: TRY400
        else:
            _logger.info("%s has changed and was read again", self._path)
