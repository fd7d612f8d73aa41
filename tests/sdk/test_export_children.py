"""The end of child processes: bounded, and the application's own say comes first. In processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time

APPLICATION = """
import multiprocessing, os, signal, sys, time
from otel_sessions import SessionSpanProcessor, configure, observe
from otel_sessions.sdk import export
os.environ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "100"  # seconds of trying, where it tries

def work():
    observe(lambda: 7)()

def wait(ready):
    work()
    ready.set()
    for _ in range(600):  # not one long sleep: what comes just before a call is seen by Python when the call is over
        time.sleep(0.1)

def terminated():
    ready = context.Event()
    process = context.Process(target=wait, args=(ready,), daemon=True)
    process.start()
    ready.wait(60)
    process.terminate()
    process.join(60)
    print(process.exitcode)

context = multiprocessing.get_context("fork")
configure("parent", "http://127.0.0.1:9")
"""


def run(program: str) -> tuple[str, float]:
    """What it prints, and how many seconds it takes."""
    before = time.monotonic()
    command = [sys.executable, "-c", APPLICATION + program]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    return ended.stdout, time.monotonic() - before


def test_children_end_at_once_where_nobody_listens() -> None:
    program = "process = context.Process(target=work); process.start(); process.join(); print(process.exitcode)"
    printed, seconds = run(f"{program}\nterminated()")
    assert printed == "0\n-15\n"
    assert seconds < 50


def test_what_takes_too_long_is_left() -> None:
    slow = "export.call_at_end(lambda: time.sleep(60)); export.END_S = export.TERMINATED_S = 0.1\n"
    program = "process = context.Process(target=work); process.start(); process.join(); print(process.exitcode)"
    printed, seconds = run(f"{slow}{program}\nterminated()")
    assert printed == "0\n-15\n"
    assert seconds < 50


def test_a_handler_of_the_applications_own_is_left_alone() -> None:
    printed, _ = run("signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\nterminated()")
    assert printed == "3\n"


def test_a_child_that_is_no_daemon_ends_by_a_signal_as_ever() -> None:
    program = """
process = context.Process(target=time.sleep, args=(60,))
process.start()
process.terminate()
process.join(60)
print(process.exitcode, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    assert run(program)[0] == "-15 True\n"
