"""Writes batches into the log of the service; names of settings as in the Collector's."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from otel_sessions.component import Settings
from otel_sessions.exporters.debug.lines import LINES
from otel_sessions.pdata import SpanBatch


class DebugConfig(Settings):
    """How much is written of a batch: a line with counts, a line a span, or all that there is.

    Of each second the first `sampling_initial` batches are written, then every `sampling_thereafter`-th; with 0, none.
    """

    verbosity: Literal["basic", "normal", "detailed"] = "basic"
    sampling_initial: int = Field(default=2, ge=0)
    sampling_thereafter: int = Field(default=1, ge=0)


logger = logging.getLogger("otel_sessions.exporter.debug")


class Sampling:
    """Of each second the first few, then every n-th; as zap does it for the Collector."""

    def __init__(self, initial: int, thereafter: int, clock: Callable[[], float]) -> None:
        self._initial = initial
        self._thereafter = thereafter
        self._clock = clock
        self._second = -math.inf
        self._count = 0

    def takes(self) -> bool:
        """Whether the next one is written."""
        now = self._clock()
        if now - self._second >= 1.0:
            self._second, self._count = now, 0
        self._count += 1
        beyond = self._count - self._initial
        return beyond <= 0 or (self._thereafter > 0 and beyond % self._thereafter == 0)


class DebugExporter:
    """Called by one thread at a time. Never fails, and keeps nothing."""

    def __init__(self, config: DebugConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = LINES[config.verbosity]
        self._sampling = Sampling(config.sampling_initial, config.sampling_thereafter, clock)

    def start(self) -> None: ...

    def shutdown(self, timeout: float) -> None: ...

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        """Writes the batches, unless they are sampled away; a record of the log is one line."""
        if self._sampling.takes():
            for line in self._lines(batches):
                logger.info("%s", line)
