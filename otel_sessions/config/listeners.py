"""Two of a service's components cannot listen at one address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otel_sessions.config.tree import Path, dotted
from otel_sessions.config.within import within
from otel_sessions.errors import Fault
from otel_sessions.types import HostPort

_LOCAL = {"localhost": "127.0.0.1"}


def addresses(value: Any, path: Path) -> Iterator[tuple[Path, HostPort]]:
    """Every `HostPort` in settings, by path."""
    return within(HostPort, value, path)


def conflicts(listeners: list[tuple[Path, HostPort]]) -> list[Fault]:
    """A fault for each address that one before it in the list has taken."""
    faults = []
    for index, (path, address) in enumerate(listeners):
        for other_path, other in listeners[:index]:
            if _clash(address, other):
                faults.append(Fault(dotted(path), f"{address} is taken by {dotted(other_path)} ({other})"))
                break
    return faults


def _clash(one: HostPort, other: HostPort) -> bool:
    if one.port != other.port or one.port == 0:
        return False
    hosts = {_LOCAL.get(address.host.lower(), address.host.lower()) for address in (one, other)}
    every_v4 = "0.0.0.0" in hosts and not any(":" in host for host in hosts)  # noqa: S104
    return len(hosts) == 1 or "::" in hosts or every_v4
