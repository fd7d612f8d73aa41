"""How far long work is: a bar on a terminal, else a line now and then; both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from otel_sessions.clickhouse.chunks import Progress

T = TypeVar("T")
Show = Callable[["Progress"], None]
_LINE_EVERY_S = 10.0


def follow(steps: Generator[Progress, None, T]) -> T:
    """Does all the steps; what they return in the end."""
    with _bar() if sys.stderr.isatty() else _lines() as show:
        while True:
            try:
                show(next(steps))
            except StopIteration as end:
                result: T = end.value
                return result


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda step: bar.update(task, completed=step.done, total=max(1, step.total), description=step.doing)


@contextmanager
def _lines() -> Iterator[Show]:
    due = time.monotonic() + _LINE_EVERY_S

    def show(step: Progress) -> None:
        nonlocal due
        if time.monotonic() >= due:
            typer.echo(f"{step.doing}: {step.done:,} of {step.total:,} rows", err=True)
            due = time.monotonic() + _LINE_EVERY_S

    yield show
