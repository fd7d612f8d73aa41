"""How much memory there is, and how much of it this process uses."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


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
