# SPDX-License-Identifier: Apache-2.0
"""What commands tell people on stderr: errors, warnings, and how far long work is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from otel_sessions.errors import Fault

if TYPE_CHECKING:
    from otel_sessions.clickhouse import chunks


def error(message: str) -> None:
    """Prints an error on one line."""
    click.echo(f"error: {' '.join(message.split())}", err=True)


def stop() -> None:
    """Drops what standard output still holds where it takes no more, so that leaving does not fail for it again."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def warnings(messages: Iterable[str]) -> None:
    """A line each."""
    for message in messages:
        click.echo(f"warning: {message}", err=True)


def hints(messages: Iterable[str]) -> None:
    """A line each."""
    for message in messages:
        click.echo(f"hint: {message}", err=True)


def faults(found: Iterable[Fault]) -> None:
    """Prints a line for each fault, which starts with its path."""
    for fault in found:
        click.echo(str(fault), err=True)


T = TypeVar("T")
Show = Callable[["chunks.Progress"], None]
_LINE_EVERY_S = 10.0


def follow(steps: Generator[chunks.Progress, None, T]) -> T:
    """Does all the steps while it shows how far they are; returns what they return in the end."""
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

        def show(step: chunks.Progress) -> None:
            # not before it is known how much there is to do: until then nothing, instead of 0 of an unknown number
            task = bar.task_ids[0] if bar.task_ids else bar.add_task(step.doing)
            bar.update(task, completed=step.done, total=max(1, step.total), description=step.doing)

        yield show


@contextmanager
def _lines() -> Iterator[Show]:
    due = time.monotonic() + _LINE_EVERY_S

    def show(step: chunks.Progress) -> None:
        nonlocal due
        if time.monotonic() >= due:
            click.echo(f"{step.doing}: {step.done:,} of {step.total:,}", err=True)
            due = time.monotonic() + _LINE_EVERY_S

    yield show
