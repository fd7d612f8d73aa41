# SPDX-License-Identifier: Apache-2.0
"""What every component must hold to, built in or a plugin's: call `check_life` in a test of your own, and
`check_evaluator` for an evaluator."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from otel_sessions.component import Component
from otel_sessions.evaluators import MAX_ANSWERS, Answer, Evaluator, IdleSession

ENDED_S: Final = 5.0
"""How long threads may take to end after `shutdown`."""


def check_life(create: Callable[[], Any], directory: Path) -> None:
    """Raises AssertionError unless the component that `create` makes keeps to its life.

    Its constructor starts no thread, opens no file and writes nothing below `directory`, where its configuration should
    point; `shutdown` may come before `start` and twice; afterwards no thread is left, and another one can start and end
    as the first did. A processor without `start` and `shutdown` is fine.
    """
    with _nothing_new(directory, "its constructor"):
        component = create()
    if not isinstance(component, Component):
        assert hasattr(component, "process"), f"{component!r} has no start and shutdown, and is no processor"
        return
    with _nothing_new(directory, "a shutdown before the start"):
        component.shutdown(1.0)
    threads = set(threading.enumerate())
    for each in (create(), create()):
        each.start()
        each.shutdown(ENDED_S)
        each.shutdown(ENDED_S)
        end = time.monotonic() + ENDED_S
        while (left := [each.name for each in threading.enumerate() if each not in threads]) and time.monotonic() < end:
            time.sleep(0.01)
        assert not left, f"after its shutdown there are still the threads {', '.join(left)}"


def check_evaluator(evaluator: Evaluator, session: IdleSession) -> list[Answer]:
    """The answers of an evaluator to a session; AssertionError unless they can be stored, and stored again.

    They are `Answer`s, `MAX_ANSWERS` at most, each of a name and anchor of its own, and the same when asked again.
    """
    assert isinstance(evaluator, Evaluator), f"{evaluator!r} has no evaluate"
    answers, again = (list(islice(evaluator.evaluate(session), MAX_ANSWERS + 1)) for _ in range(2))
    assert all(isinstance(each, Answer) for each in answers), f"not all of {answers!r} are an Answer"
    assert len(answers) <= MAX_ANSWERS, f"there are more than {MAX_ANSWERS} answers"
    anchors = [(each.name, each.trace_id, each.span_id) for each in answers]
    assert len(set(anchors)) == len(anchors), f"two answers have one name and anchor: {sorted(anchors)}"
    assert answers == again, f"asked again it answers {again!r}, not {answers!r}"
    return answers


@contextmanager
def _nothing_new(directory: Path, when: str) -> Iterator[None]:
    threads, files, opened = set(threading.enumerate()), _files(directory), _opened()
    yield
    left = sorted(thread.name for thread in threading.enumerate() if thread not in threads)
    assert not left, f"{when} starts the threads {', '.join(left)}"
    made = sorted(map(str, _files(directory) - files))
    assert not made, f"{when} writes {', '.join(made)}"
    more = _opened() - opened
    assert not more, f"{when} opens {', '.join(sorted(more))}"


def _files(directory: Path) -> set[Path]:
    return set(directory.rglob("*"))


def _opened() -> set[str]:
    """The sockets and files below no system directory that this process has open, where the system tells."""
    found = set[str]()
    for number in os.listdir("/proc/self/fd") if Path("/proc/self/fd").is_dir() else ():
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if target.startswith("socket:") or (target.startswith("/") and not target.startswith(("/proc", "/dev"))):
            found.add(target)
    return found
