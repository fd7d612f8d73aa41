"""What the in-app helpers cost an application: `python -m benchmarks.sdk`.

Each figure is a difference between two kinds of the same work, timed in turns of a few milliseconds, of which the
quickest ones count: those that nothing else on the machine has interrupted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from otel_sessions import SessionSpanProcessor, observe, session

TURNS = 400
CALLS = 100
IMPORTS = 9
LIGHT = "import opentelemetry.sdk.trace.export"
HELPERS = (
    "from otel_sessions import SessionSpanProcessor, configure, get_client, observe, session, update_current_trace"
)


def difference_us(plain: Callable[[], object], more: Callable[[], object]) -> tuple[float, float]:
    """CPU us of `plain`, and how many more `more` takes."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        for work, found in zip((plain, more), times, strict=True):
            begin = time.perf_counter()
            for _ in range(CALLS):
                work()
            found.append((time.perf_counter() - begin) / CALLS * 1e6)
    first, second = (statistics.mean(sorted(found)[: TURNS // 10]) for found in times)
    return first, second - first


def import_ms(code: str) -> float:
    timed = f"import time; t = time.perf_counter(); {LIGHT}; u = time.perf_counter(); {code}; v = time.perf_counter()"
    shown = f"{timed}; print((v - u) * 1e3)"
    runs = [subprocess.run([sys.executable, "-c", shown], check=True, capture_output=True) for _ in range(IMPORTS)]
    return min(float(run.stdout) for run in runs)


def stamps_us(rounds: int) -> dict[str, list[float]]:
    """What `SessionSpanProcessor` adds to a root span, so many times, in a session and without."""
    before, after = _tracers()
    found: dict[str, list[float]] = {"stamp without a session": [], "stamp in a session": []}
    for _ in range(rounds):
        found["stamp without a session"].append(difference_us(_root(before), _root(after))[1])
        with session("chat-42"):
            found["stamp in a session"].append(difference_us(_root(before), _root(after))[1])
    return found


def _tracers() -> tuple[trace.Tracer, trace.Tracer]:
    bare, stamping = TracerProvider(shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)
    stamping.add_span_processor(SessionSpanProcessor())
    return bare.get_tracer("bare"), stamping.get_tracer("stamping")


def _root(tracer: trace.Tracer) -> Callable[[], object]:
    def span() -> None:
        with tracer.start_as_current_span("span"):
            pass

    return span


def main() -> None:
    before, after = _tracers()
    trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
    parent = trace.set_span_in_context(before.start_span("parent"))

    def child(tracer: trace.Tracer) -> Callable[[], object]:
        return lambda: tracer.start_span("span", parent).end()

    print(f"{'':44}plain  helpers add")
    for kind, span in (("root", _root), ("child", child)):
        show(f"a {kind} span, no session, us", *difference_us(span(before), span(after)))
        with session("chat-42"):
            show(f"a {kind} span in a session: its id, us", *difference_us(span(before), span(after)))
        with session("chat-42", user_id="ada"):
            show(f"a {kind} span in a session: id and user, us", *difference_us(span(before), span(after)))

    def answer(question: str, top: int) -> str:
        return question

    def by_hand() -> str:
        with before.start_as_current_span("answer"):
            return answer("what?", 3)

    os.environ["OTEL_SESSIONS_AUTO_CONFIGURE"] = "false"  # the bare provider is to stay bare
    observed, silent = observe(answer), observe(capture_input=False, capture_output=False)(answer)
    show("an observed call, us", *difference_us(by_hand, lambda: observed("what?", 3)))
    show("an observed call without contents, us", *difference_us(by_hand, lambda: silent("what?", 3)))
    show("import otel_sessions, ms", 0.0, import_ms("import otel_sessions"))
    show("import of all helpers, ms", 0.0, import_ms(HELPERS))


def show(what: str, plain: float, added: float) -> None:
    print(f"{what:42}{plain:7.1f}  {added:11.2f}")


if __name__ == "__main__":
    main()
