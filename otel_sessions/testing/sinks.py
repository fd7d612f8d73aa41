# SPDX-License-Identifier: Apache-2.0
"""Exporters for tests of pipelines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from otel_sessions.pdata import SpanBatch

Script = Callable[[Sequence[SpanBatch]], None]


class MemoryExporter:
    """Keeps what it is given, unless `script` raises.

    `exports` has the span names of every call that was stored, `attempts` of every call. `hold()` makes calls wait
    until `release()`, as a slow database does.
    """

    def __init__(self, script: Script = lambda _: None) -> None:
        self.script = script
        self.attempts: list[list[str]] = []
        self.exports: list[list[str]] = []
        self._free = threading.Event()
        self._free.set()
        self._attempted = threading.Condition()

    @property
    def names(self) -> list[str]:
        """The names of all stored spans, in order."""
        return [name for names in self.exports for name in names]

    def start(self) -> None: ...

    def shutdown(self, timeout: float) -> None: ...

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        names = span_names(batches)
        with self._attempted:
            self.attempts.append(names)
            self._attempted.notify_all()
        self._free.wait()
        self.script(batches)
        self.exports.append(names)

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    def wait_for(self, attempts: int, timeout: float = 60.0) -> None:
        """Returns when `export` has been called so many times; TimeoutError otherwise."""
        with self._attempted:
            if not self._attempted.wait_for(lambda: len(self.attempts) >= attempts, timeout):
                raise TimeoutError(f"{len(self.attempts)} exports of {attempts}")


def span_names(batches: Sequence[SpanBatch]) -> list[str]:
    """The names of all spans, in order."""
    return [name for batch in batches for name in batch["SpanName"].to_pylist()]
