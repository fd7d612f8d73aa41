# SPDX-License-Identifier: Apache-2.0
"""What the machine says: whether the service runs and is well, its ports, its disks and its log."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any

from otel_sessions.cli.access import owner_of
from otel_sessions.cli.doctor import Finding
from otel_sessions.cli.render import size
from otel_sessions.clickhouse.client import endpoint_in_use
from otel_sessions.config import Config, dotted, listeners
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.types import HostPort, address_problem

_PATIENCE_S = 3.0
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach who listens everywhere


def examine(config: Config, min_free: int) -> Iterator[Finding]:
    """The findings about this machine; `min_free` is in bytes."""
    endpoint = endpoint_in_use({id_: config.exporters[id_] for id_ in config.used("exporters")})
    owner = owner_of(endpoint) if endpoint else {}
    health = _health(config, owner)
    running = bool(owner) or health is not None
    yield from _service(owner, health)
    yield from _ports(config, owner, running=running)
    yield from _disks(config, min_free)
    yield from _log(config, running=running)


def _health(config: Config, owner: dict[str, str]) -> dict[str, Any] | None:
    """What the extension `health_check` answers, None where nothing of ours does."""
    configured = [address for path, address in listeners(config) if str(path[1]).partition("/")[0] == "health_check"]
    for address in [HostPort.parse(owner["health_check"])] if "health_check" in owner else configured:
        connection = HTTPConnection(_ANY_HOST.get(address.host, address.host), address.port, timeout=_PATIENCE_S)
        try:
            connection.request("GET", "/")
            answer = json.loads(connection.getresponse().read(100_000))
        except (OSError, HTTPException, ValueError):
            continue
        finally:
            connection.close()
        if isinstance(answer, dict) and "upSince" in answer:
            return answer
    return None


def _service(owner: dict[str, str], health: dict[str, Any] | None) -> Iterator[Finding]:
    if not owner and health is None:
        yield Finding("service", "note", "no service runs with this configuration", "otel-sessions serve starts it")
        return
    who = f"process {owner['pid']}" if "pid" in owner else "a service"
    problems = (health or {}).get("problems", {})
    for name, reason in problems.items():
        advice = "the log of the service says more, docs/operations.md what to do"
        yield Finding("service", "act", f"{name}: {reason}", advice)
    if health is None:
        yield Finding("service", "note", f"{who} has the data; it has no health_check to ask")
    elif not problems:
        yield Finding("service", "well", f"{who} is well, up for {health.get('uptime', '?')}")


def _ports(config: Config, owner: dict[str, str], *, running: bool) -> Iterator[Finding]:
    """Says of each address whether a running service answers there, or whether one could listen there."""
    addressed = [(name, text) for name, text in owner.items() if re.fullmatch(r".+:\d+", text, re.DOTALL)]
    served = [(name, HostPort.parse(text)) for name, text in addressed]
    configured = [(dotted(path), address) for path, address in listeners(config) if address.port]
    faults = 0
    for name, address in served or configured:
        problem = _silence(address) if running else address_problem(address)
        if problem:
            faults += 1
            advice = (
                f"find who has it with `ss -ltnp 'sport = :{address.port}'`, "
                f"or take another: --set {name}={address.host}:0"
            )
            if running:
                advice = "restart the service; its log says what became of the listener"
            yield Finding("ports", "act", f"{name}: {problem}", advice)
    if not faults:
        addresses = ", ".join(str(address) for _, address in served or configured)
        yield Finding("ports", "well", f"all {'answer' if running else 'are free'}: {addresses}")


def _silence(address: HostPort) -> str | None:
    """Why nobody answers there; None where somebody does."""
    try:
        socket.create_connection((_ANY_HOST.get(address.host, address.host), address.port), _PATIENCE_S).close()
    except OSError as error:
        return f"nothing answers at {address}: {error.strerror or error}"
    return None


def _disks(config: Config, min_free: int) -> Iterator[Finding]:
    """A finding for each directory that has little room; one where all have enough."""
    directories = [("the log", settings.log_directory()) for settings in _logged(config).values()]
    endpoint = endpoint_in_use({id_: config.exporters[id_] for id_ in config.used("exporters")})
    if endpoint and endpoint.path:
        directories.insert(0, ("the data", endpoint.path))
    found = []
    for what, directory in dict.fromkeys(directories):
        there = next(each for each in (directory, *directory.parents) if each.exists())
        usage = shutil.disk_usage(there)
        said = f"{size(usage.free)} of {size(usage.total)} free for {what} in {directory}"
        if usage.free < min_free:
            advice = (
                "give it room or move it; exporters.clickhouse.retention deletes old sessions, "
                "sending_queue.max_bytes bounds the log"
            )
            yield Finding("disk", "act", f"only {said}, less than {size(min_free)}", advice)
        else:
            found.append(said)
    if found:
        yield Finding("disk", "well", "; ".join(found))


def _logged(config: Config) -> dict[str, SendingSettings]:
    settings = {str(id_): config.exporters[id_] for id_ in config.used("exporters")}
    return {
        name: each
        for name, each in settings.items()
        if isinstance(each, SendingSettings) and each.sending_queue.storage == "wal"
    }


def _log(config: Config, *, running: bool) -> Iterator[Finding]:
    """What waits to be stored without anybody to store it, and what was set aside."""
    waiting = aside = 0
    for settings in _logged(config).values():
        files = settings.log_directory()
        waiting += sum(path.stat().st_size for path in files.glob("*/*/*.wal") if path.exists())
        aside += sum(path.stat().st_size for path in files.glob("*/*/quarantine/*.jsonl") if path.exists())
    if aside:
        advice = "each line says why, and can be sent again; docs/sending_queue.md says how"
        yield Finding("log", "act", f"{size(aside)} of spans are set aside that ClickHouse does not take", advice)
    if waiting and not running:
        yield Finding("log", "act", f"{size(waiting)} wait to be stored", "start the service, which stores them")
    elif not aside:
        yield Finding("log", "well", f"{size(waiting)} wait to be stored, nothing is set aside")
