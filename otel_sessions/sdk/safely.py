# SPDX-License-Identifier: Apache-2.0
"""Keeps errors of this package from the application: they are logged, once a kind, and go no further."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Final

logger: Final = logging.getLogger("otel_sessions.sdk")
_KINDS: Final = 256
_seen: set[tuple[str, type[BaseException]]] = set()


class Safely:
    """`with Safely("doing so"):` swallows every `Exception` of the block. Reusable, from any thread."""

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        log_once(self._doing, kind, error)
        return True


def log_once(doing: str, kind: type[BaseException], error: BaseException | None) -> None:
    """A warning with the traceback the first time this kind of error meets this work; DEBUG afterwards."""
    logger.log(_level(doing, kind), "%s failed; the application goes on: %s", doing, kind.__name__, exc_info=error)


def warn_once(text: str) -> None:
    """A warning the first time; DEBUG afterwards."""
    logger.log(_level(text, Warning), text)


def _level(text: str, kind: type[BaseException]) -> int:
    if (text, kind) in _seen or len(_seen) >= _KINDS:
        return logging.DEBUG
    _seen.add((text, kind))
    return logging.WARNING
