# SPDX-License-Identifier: Apache-2.0
"""The process around a service: its signals, a configuration that is read anew, memory that is given back."""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn, TextIO

import pyarrow as pa

from otel_sessions.clickhouse.client import endpoint_in_use
from otel_sessions.config import Config
from otel_sessions.errors import ConfigError, Fault, OtelSessionsError
from otel_sessions.footprint import CEILING, bound_allocators, give_back, resident
from otel_sessions.service import Service
from otel_sessions.telemetry import configure_logging

logger = logging.getLogger("otel_sessions.service")
_OPEN_FILES = 1 << 16

_LOOK_INTERVAL_S = 0.5
_IDLE_INTERVAL_S = 10.0
_BUSY = 0.1  # of a core, over that interval
_WORTH_GIVING = 32 << 20  # bytes


class _Signals:
    """What the process was told to do: stop by SIGTERM and SIGINT, and by SIGHUP, where `heeds_hangup`, reload."""

    def __init__(self, *, heeds_hangup: bool) -> None:
        self.stopping = False
        self._reloading = False
        self._woken = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if heeds_hangup:
            signal.signal(signal.SIGHUP, self._reload)

    def wait(self, timeout: float) -> bool:
        """Returns whether there is anything to do, at the latest after `timeout` seconds."""
        return self._woken.wait(timeout)

    def take_reload(self) -> bool:
        """Whether a reload was asked for since the last call."""
        self._woken.clear()
        asked, self._reloading = self._reloading, False
        if self.stopping:
            self._woken.set()
        return asked and not self.stopping

    def _stop(self, *_: object) -> None:
        self.stopping = True
        self._woken.set()

    def _reload(self, *_: object) -> None:
        self._reloading = True
        self._woken.set()


class Left:
    """Services before a reload of which threads have not ended: nobody waits for these, and what they store counts."""

    def __init__(self) -> None:
        self._services: list[Service] = []

    @property
    def threads(self) -> list[str]:
        return sorted({name for service in self._services for name in service.running})

    def add(self, service: Service) -> None:
        """Takes note of one that was stopped."""
        if service.running:
            self._services.append(service)
            logger.warning("it goes on without waiting for threads that have not ended: %s", ", ".join(service.running))

    def look(self, service: Service) -> None:
        """Has the running service name the threads, and look back once some of them have ended, as nobody has looked
        after what those stored."""
        before, self._services = self._services, [each for each in self._services if each.running]
        if not before:
            return
        if len(self._services) < len(before):
            logger.info("threads of a service before a reload have ended; what they stored is looked after")
            service.look_back()
        service.tell_of_left(self.threads)


def run(
    config: Config,
    out: TextIO,
    read: Callable[[], Config] | None = None,
    leave: Callable[[Sequence[str]], object] = lambda _: None,
) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit status. Writes a line per endpoint to `out`, then `ready`.

    At a SIGHUP the service goes on with the configuration that `read` gives, see `reloaded`. `leave` is told of threads
    that have not ended in time.
    """
    _raise_file_limit()
    bound_allocators()
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps some 100 MiB more resident under load
    signals = _Signals(heeds_hangup=read is not None)
    began = time.monotonic()
    service = _started(config)
    if service is None:
        return 1
    for name, address in service.endpoints.items():
        print(f"listening {name} {address}", file=out)
    _settle()
    print("ready", file=out, flush=True)
    logger.info("ready after %.1f s", time.monotonic() - began)
    left = Left()
    while True:
        _wait(signals, partial(left.look, service))
        if signals.stopping:
            break
        if read is not None and signals.take_reload():
            before, service = service, reloaded(service, read)
            if service is None:
                return 1
            if service is not before:
                left.add(before)
                left.look(service)
    logger.info("stopping: draining for up to %g s", service.config.service.shutdown_timeout)
    began = time.monotonic()
    unfinished = sorted({*service.shutdown(), *left.threads})
    logger.info("stopped after %.1f s", time.monotonic() - began)
    if unfinished:
        leave(unfinished)
    return 0


def leave(unfinished: Sequence[str]) -> NoReturn:
    """Ends the process at once, with status 0, while these threads are in the middle of statements.

    The embedded engine would crash if the interpreter took it down then. Nothing is lost, as when it is killed.
    """
    logger.warning("not ended in time, the next start goes on with it: %s", ", ".join(unfinished))
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def reloaded(service: Service, read: Callable[[], Config]) -> Service | None:
    """The service of the configuration that `read` gives, in the place of the one that runs.

    The one that runs goes on where the configuration has faults. Otherwise it is stopped as at the end of the process,
    so that what was answered is stored or stays in its log, and the new one is started; where that fails, one of the
    configuration before. None where that does not start either.
    """
    try:
        config = read()
        _check_data(service.config, config)
    except ConfigError as error:
        _tell(error)
        logger.error("the configuration is not taken, the service goes on with the one it has")  # noqa: TRY400
        return service
    for warning in config.warnings:
        logger.warning("%s", warning)
    logger.info("the configuration is read anew: components are stopped and started")
    began = time.monotonic()
    gc.unfreeze()
    service.shutdown()
    new = _started(config)
    if new is None:
        logger.error("the service does not start with the configuration; it goes back to the one before")
        new = _started(service.config)
    if new is not None:
        logs = new.config.service.telemetry.logs
        configure_logging(logs.level, encoding=logs.encoding)
        for name, address in new.endpoints.items():
            logger.info("listening %s %s", name, address)
        _settle()
        logger.info("ready again after %.1f s", time.monotonic() - began)
    return new


def _check_data(old: Config, new: Config) -> None:
    """Raises `ConfigError` where the embedded data would be others: the engine opens one directory a process."""
    places = [endpoint_in_use({id_: each.exporters[id_] for id_ in each.used("exporters")}) for each in (old, new)]
    before, after = (place.path if place else None for place in places)
    if before is not None and after is not None and before != after:
        problem = f"embedded data cannot change from {before} to {after} while the process runs; restart it for that"
        raise ConfigError([Fault("exporters.clickhouse.endpoint", problem)])


def _started(config: Config) -> Service | None:
    """The running service, or None after the log was told why there is none."""
    service = Service(config)
    try:
        service.start()
    except ConfigError as error:
        _tell(error)
    except (OtelSessionsError, OSError) as error:  # a port that is taken, a directory that cannot be written
        logger.error("%s", error)  # noqa: TRY400 - the sentence is for the operator
    else:
        return service
    return None


def _tell(error: ConfigError) -> None:
    for fault in error.faults:
        logger.error("%s", fault)


def _settle() -> None:
    gc.collect()
    gc.freeze()  # what is there now stays: collections under load need not look at it


def _raise_file_limit() -> None:
    """Lets the process open as many files as it may, up to 65,536: each connection is one, and so is a log."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _wait(signals: _Signals, look: Callable[[], None]) -> None:
    """Returns when there is something to do, and calls `look` every 10 s until then.

    Memory that work has touched is given back when the process has little to do, and under load when it has much.
    """
    give_back()
    floor, used, looked = resident(), time.process_time(), time.monotonic()
    while not signals.wait(_LOOK_INTERVAL_S):
        if resident() > CEILING:
            give_back()
        if time.monotonic() - looked < _IDLE_INTERVAL_S:
            continue
        look()
        used, before, looked = time.process_time(), used, time.monotonic()
        if used - before < _IDLE_INTERVAL_S * _BUSY and resident() > floor + _WORTH_GIVING:
            give_back()
            floor = resident()
