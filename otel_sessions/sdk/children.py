# SPDX-License-Identifier: Apache-2.0
"""The end of a child process: `multiprocessing` ends its children without `atexit`, on which the SDK relies."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from otel_sessions.sdk.safely import Safely, logger

END_S: Final = 10.0
TERMINATED_S: Final = 3.0
_PRIORITY: Final = -90  # after what an application asks for, which may make spans; -100 removes temporary directories
_ending = Safely("sending what waits at the end of a child process")
_watching = Safely("watching for the end of a child process")
_acts: list[Callable[[], object]] = []
_finalizer: Any = None


def call_at_end(act: Callable[[], object]) -> None:
    """Calls it at the end of each child of `multiprocessing`: of this process, if it is one, and of those it starts.

    All that is to be done there has 10 s. Daemons, as the workers of a pool are, end by SIGTERM: they have 3 s, unless
    the application handles that signal itself.
    """
    if not _acts:
        call_after_fork(_await_start)
        _await_start()
    _acts.append(act)


def call_after_fork(act: Callable[[], object]) -> None:
    """Calls it in each process that is forked from this one, where no lock that another thread held is ever let go."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=act)


def _await_start() -> None:
    """A forked child forgets the finalizers of its parent, and then calls what was registered for that moment."""
    with _watching:
        if (util := sys.modules.get("multiprocessing.util")) is not None:
            process = sys.modules["multiprocessing.process"]
            util.register_after_fork(_await_start, _watch)
            if process.parent_process() is not None or _is_preparing(process.current_process()):
                _watch()


def _is_preparing(process: Any) -> bool:
    """Whether this is a child, spawned or of a fork server, that imports the main module before it becomes itself."""
    return getattr(process, "_inheriting", False)


def _watch(_: object = None) -> None:
    global _finalizer  # noqa: PLW0603 - one for the process
    with _watching:
        if _finalizer is None or not _finalizer.still_active():
            _finalizer = sys.modules["multiprocessing.util"].Finalize(None, _end, (END_S,), exitpriority=_PRIORITY)
        process = sys.modules["multiprocessing.process"].current_process()
        if (process.daemon or _is_preparing(process)) and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, _: FrameType | None) -> None:
    if sys.modules["multiprocessing.process"].current_process().daemon:
        _end(TERMINATED_S)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _end(timeout: float) -> None:
    """In a thread: the one that a signal has interrupted may hold a lock that is needed."""
    with _ending:
        thread = threading.Thread(target=_act, name="otel-sessions-end", daemon=True)
        thread.start()
        thread.join(timeout)
        if thread.is_alive():
            logger.warning("what waits at the end of this process is dropped: it was not sent within %.0f s", timeout)


def _act() -> None:
    for act in _acts:
        with _ending:
            act()
