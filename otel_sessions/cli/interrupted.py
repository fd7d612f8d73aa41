# SPDX-License-Identifier: Apache-2.0
"""The end of a command that goes on until Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from types import FrameType


@contextmanager
def until_interrupted() -> Iterator[Event]:
    """Ends its block at SIGINT, and sets the event, for the caller to look at between steps.

    The exception alone is not enough: one that is raised in a finalizer or in a callback of the garbage collector is
    printed and forgotten.
    """
    ended = Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, end)
    try:
        with suppress(KeyboardInterrupt):
            yield ended
    finally:
        signal.signal(signal.SIGINT, before)
