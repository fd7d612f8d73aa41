"""Configuration of the processor `memory_limiter`, and how much memory there is to speak of."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pydantic import Field, model_validator

from otel_sessions.component import Settings
from otel_sessions.types import Duration

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
        if self.spike_bytes >= self.limit_bytes:
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


def used_bytes() -> int:
    """The resident set of this process, the embedded ClickHouse in it included."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def total_bytes() -> int:
    """The limit of the control group, or what the machine has."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it is "max"
            return min(machine, int(Path(path).read_text("ascii")))
    return machine
