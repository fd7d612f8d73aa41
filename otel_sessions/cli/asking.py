# SPDX-License-Identifier: Apache-2.0
"""What commands share that take an expression of the language, or a time of sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click

from otel_sessions.cli import complete, output
from otel_sessions.cli.commands import Argument, Command

_NEGATED = re.compile(r"-[a-z][a-z_.]*[:=<>].*", re.DOTALL)
asked = click.argument(
    "words",
    cls=Argument,
    nargs=-1,
    metavar="[QUERY]...",
    about="Which sessions, as in 'user:ada cost>0.5'; several words are one query. See docs/language.md.",
    shell_complete=complete.fields,
)


class Asking(Command):
    """A command that takes a query: a word such as `-has:score` is a term of it, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f"({each})" if _NEGATED.fullmatch(each) else each for each in args])


@contextmanager
def explained(query: str) -> Iterator[None]:
    """Shows the place in an expression that is not of the language."""
    from otel_sessions.queries.language import LanguageError  # noqa: PLC0415

    try:
        yield
    except LanguageError as error:
        output.error(str(error))
        click.echo(f"  {''.join(each if each.isprintable() else ' ' for each in query)}", err=True)
        click.echo(f"  {' ' * error.position}^", err=True)
        raise click.exceptions.Exit(1) from error


def moment(text: str | None, option: str, *, end: bool) -> int | None:
    """Nanoseconds since 1970 of a time, or of the beginning or end of a day."""
    from otel_sessions.queries.filters import end_of_window  # noqa: PLC0415
    from otel_sessions.queries.language import values  # noqa: PLC0415

    if text is None:
        return None
    span = values.time(text)
    if span is None:
        raise click.BadParameter(f"{text!r} is no time as in 2026-01-31T12:00:00Z", param_hint=option)
    return end_of_window(span, is_last=end)
