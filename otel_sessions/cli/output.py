"""What commands tell people on stderr."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from otel_sessions.errors import Fault


def error(message: str) -> None:
    """One line."""
    typer.echo(f"error: {' '.join(message.split())}", err=True)


def warnings(messages: Iterable[str]) -> None:
    """A line each."""
    for message in messages:
        typer.echo(f"warning: {message}", err=True)


def hints(messages: Iterable[str]) -> None:
    """A line each."""
    for message in messages:
        typer.echo(f"hint: {message}", err=True)


def faults(found: Iterable[Fault]) -> None:
    """A line each, which starts with the fault's path."""
    for fault in found:
        typer.echo(str(fault), err=True)
