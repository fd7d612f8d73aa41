"""Refuses requests while too much memory is used."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable

import pyarrow as pa

from otel_sessions.component import ComponentId, Host
from otel_sessions.errors import Retryable
from otel_sessions.pdata import SpanBatch
from otel_sessions.processors.memory_limiter.config import MemoryLimiterConfig, used_bytes

logger = logging.getLogger("otel_sessions.memory_limiter")


class MemoryLimiter:
    """Measures memory every `check_interval`, when a request asks.

    Above the soft limit requests are told to come back. Above the hard one memory is given back first, as far as can
    be. Batches pass through: what was taken is stored.
    """

    def __init__(
        self,
        component_id: ComponentId,
        config: MemoryLimiterConfig,
        host: Host,
        *,
        used: Callable[[], int] = used_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._id = str(component_id)
        self._interval = config.check_interval
        self._hard = config.limit_bytes
        self._soft = config.limit_bytes - config.spike_bytes
        self._host = host
        self._used = used
        self._clock = clock
        self._checked = -float("inf")
        self._problem: str | None = None
        self._turn = threading.Lock()

    def admit(self) -> None:
        """Raises `Retryable` while memory is short."""
        with self._turn:
            if self._clock() - self._checked >= self._interval:
                used = self._used()
                if used > self._hard:
                    gc.collect()
                    pa.default_memory_pool().release_unused()
                    used = self._used()
                short = used > self._soft
                if short != (self._problem is not None):
                    told = "is short, requests are refused" if short else "suffices again"
                    logger.warning(
                        "memory %s: %d MiB used, the soft limit is %d MiB", told, used >> 20, self._soft >> 20
                    )
                self._problem = (
                    f"memory is short: {used >> 20} MiB of {self._soft >> 20} MiB are used" if short else None
                )
                self._host.report(self._id, self._problem, refuses=True)
                self._checked = self._clock()
            problem = self._problem
        if problem is not None:
            raise Retryable(problem, retry_after=self._interval)

    def process(self, batch: SpanBatch) -> SpanBatch:
        return batch
