# /// script
# requires-python = ">=3.11"
# dependencies = ["otel-sessions", "celery"]
# ///
"""Celery: a task belongs to the session in which it was sent. Trace and baggage travel in the message's headers.

    python examples/run.py tasks

opentelemetry-instrumentation-celery does the first two hooks; then only `baggage=True` and `baggage_keys` are needed.
"""

from __future__ import annotations

from contextvars import Token
from typing import Any

from celery import Celery, Task
from celery.contrib.testing.worker import start_worker
from celery.signals import before_task_publish, task_postrun, task_prerun
from opentelemetry import context, propagate

from otel_sessions import configure, observe, session

app = Celery("example", broker="memory://", backend="cache+memory://")
running: dict[str, Token[context.Context]] = {}


@before_task_publish.connect
def send_context(headers: dict[str, Any], **_: Any) -> None:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    headers["otel"] = carrier


@task_prerun.connect
def enter_context(task_id: str, task: Task, **_: Any) -> None:
    carrier = (task.request.headers or {}).get("otel") or getattr(task.request, "otel", None) or {}
    running[task_id] = context.attach(propagate.extract(carrier))


@task_postrun.connect
def leave_context(task_id: str, **_: Any) -> None:
    if token := running.pop(task_id, None):
        context.detach(token)


@app.task
@observe
def summarize(text: str) -> str:
    return text[:10]


if __name__ == "__main__":
    configure("tasks", baggage_keys=["session.id"])
    with start_worker(app, perform_ping_check=False, pool="solo"):
        with session("mail 7", user_id="ada", baggage=True):
            sent = summarize.delay("A long letter that nobody reads to its end.")
        print(sent.get(timeout=30))
