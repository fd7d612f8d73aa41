"""Services and commands forked from a process that has imported the package, so that hundreds of starts import it once.

Each is a process of its own with its own arguments, directory, standard streams and end. It is a child of the tests,
not of the process it came from: that forks twice while the tests adopt orphans (`PR_SET_CHILD_SUBREAPER` of Linux).
"""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

from tests.engine import compile_nothing

_PR_SET_CHILD_SUBREAPER = 36
LOADED_AT_START = (
    "otel_sessions.cli.app",
    "otel_sessions.cli.process",
    "otel_sessions.cli.serve",
    "otel_sessions.exporters.clickhouse.exporter",
    "otel_sessions.extensions.clickhouse_http.server",
    "otel_sessions.processors.session.processor",
    "otel_sessions.receivers.otlp.receiver",
    "otel_sessions.service",
    "otel_sessions.session_service.service",
    "uvicorn.lifespan.off",
    "uvicorn.loops.asyncio",
)
"""What a service imports as late as at its start; not the engine, whose threads no fork takes along."""
_lock = threading.Lock()
_parent: list[Any] = []
"""The process that forks and its socket, once it is there."""


class Forked:
    """As much of `subprocess.Popen` as the tests use."""

    def __init__(self, pid: int, stdout: IO[str]) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end, pause = time.monotonic() + (timeout or 0.0), 0.001
        while self.poll() is None:
            if timeout is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("otel-sessions", timeout)
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork(arguments: list[str], cwd: Path, errors: IO[str], *, compiles: bool = False) -> Forked | None:
    """`otel-sessions` with these arguments; None where it cannot be forked: on another system, or with an environment
    that has changed since the tests began, but for what has come to be first in PYTHONPATH.

    Its engine compiles expressions, as that of users does, only where it is asked to.
    """
    installed = _installed_since(_ENVIRONMENT)
    if sys.platform != "linux" or installed is None:
        return None
    with _lock:
        if not _parent:
            _parent.extend(_begin())
        _, channel = _parent
        libc = ctypes.CDLL(None)
        read, write = os.pipe()
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            message = json.dumps([["otel-sessions", *arguments], str(cwd), compiles, installed]).encode()
            socket.send_fds(channel, [message], [write, errors.fileno()])
            told = b""
            while not told.endswith(b"\n"):
                part = channel.recv(100)
                assert part, "the process that forks services has ended"
                told += part
        finally:
            libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
            os.close(write)
        return Forked(int(told), os.fdopen(read, encoding="utf-8"))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


def _installed_since(before: dict[str, str]) -> list[str] | None:
    """The directories of plugins that have come to be first in PYTHONPATH; None where something else has changed."""
    now = _environment()
    path = now.pop("PYTHONPATH", "")
    former = before.get("PYTHONPATH", "")
    if now != {name: value for name, value in before.items() if name != "PYTHONPATH"} or not path.endswith(former):
        return None
    return [each for each in path.removesuffix(former).split(os.pathsep) if each]


_ENVIRONMENT = _environment()


def _begin() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    command = [sys.executable, "-m", "tests.integration.forking", str(its.fileno())]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, pass_fds=[its.fileno()], cwd=root, stdin=subprocess.DEVNULL, env=_ENVIRONMENT)
    its.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return process, ours


def _fork_what_is_asked_for(channel: socket.socket) -> None:
    """Until the tests have ended."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, 65_536, 2)
        if not message:
            return
        between = os.fork()
        if between == 0:
            service = os.fork()
            if service == 0:
                arguments, cwd, compiles, installed = json.loads(message)
                if not compiles:
                    compile_nothing()
                sys.path[:0] = installed
                _become(arguments, cwd, descriptors, channel)
            channel.sendall(str(service).encode())
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(between, 0)
        channel.sendall(b"\n")


def _become(arguments: list[str], cwd: str, descriptors: list[int], channel: socket.socket) -> NoReturn:
    from otel_sessions.cli import main

    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Those of the process that forks know whether they can seek, and these may not.
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    channel.close()
    os.chdir(cwd)
    faulthandler.enable()
    sys.argv = arguments
    main()
    sys.exit(0)


def _import_all() -> None:
    from otel_sessions.cli import options

    options.loaded(to_serve=True)
    for module in LOADED_AT_START:
        import_module(module)
    gc.collect()
    gc.freeze()  # what all have in common no child looks at again for garbage


if __name__ == "__main__":
    _import_all()
    _fork_what_is_asked_for(socket.socket(fileno=int(sys.argv[1])))
