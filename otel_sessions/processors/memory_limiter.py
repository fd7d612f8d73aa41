# SPDX-License-Identifier: Apache-2.0
"""The processor `memory_limiter`: refuses data before memory runs out, by the names of the Collector's."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
from pydantic import Field, model_validator

from otel_sessions.component import ComponentId, Factory, Host, Settings
from otel_sessions.errors import Retryable
from otel_sessions.footprint import give_back, resident
from otel_sessions.pdata import SpanBatch
from otel_sessions.types import Duration

logger = logging.getLogger("otel_sessions.memory_limiter")
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_SPIKE_SHARE = 0.2  # of the limit, as in the Collector


class MemoryLimiterConfig(Settings):
    """The hard limit, in MiB or in percent of what the machine or its control group has; one of the two is needed.

    Requests are refused while more than the soft limit is used, which is the hard one less the spike limit: what the
    requests on their way may take until memory is measured again.
    """

    check_interval: Duration = Field(default=1.0, gt=0)
    limit_mib: int = Field(default=0, ge=0)
    spike_limit_mib: int = Field(default=0, ge=0)
    limit_percentage: int = Field(default=0, ge=0, le=100)
    spike_limit_percentage: int = Field(default=0, ge=0, le=100)

    @model_validator(mode="after")
    def _has_a_limit(self) -> MemoryLimiterConfig:
        if not self.limit_mib and not self.limit_percentage:
            raise ValueError("set limit_mib, or limit_percentage of the memory there is")
        return self

    @model_validator(mode="after")
    def _leaves_room(self) -> MemoryLimiterConfig:
        if self.limit_bytes and self.spike_bytes >= self.limit_bytes:
            raise ValueError("the spike limit must be less than the limit")
        return self

    @property
    def limit_bytes(self) -> int:
        return self.limit_mib << 20 if self.limit_mib else total_bytes() * self.limit_percentage // 100

    @property
    def spike_bytes(self) -> int:
        if self.spike_limit_mib:
            return self.spike_limit_mib << 20
        if self.spike_limit_percentage:
            return total_bytes() * self.spike_limit_percentage // 100
        return int(self.limit_bytes * _SPIKE_SHARE)


def total_bytes() -> int:
    """The limit of the control group, or what the machine has."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it is "max"
            return min(machine, int(Path(path).read_text("ascii")))
    return machine


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
        used: Callable[[], int] = resident,
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
                    give_back()
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


factory = Factory("memory_limiter", MemoryLimiterConfig, MemoryLimiter, "Refuses requests while memory is short.")
