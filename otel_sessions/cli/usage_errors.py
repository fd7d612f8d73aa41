# SPDX-License-Identifier: Apache-2.0
"""Messages for whoever mistypes a command: those of click in our words, with the nearest word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click

from otel_sessions.errors import hint, near

_NO_COMMAND = re.compile(r"^No such command '(?P<name>.*?)'\.", re.DOTALL)
_NO_CHOICE = re.compile(r"^'(?P<value>.*)' is not one of ", re.DOTALL)
_NO_NUMBER = re.compile(r"^(?P<value>'.*') is not a valid (?P<kind>integer|float)", re.DOTALL)
_OUT_OF_RANGE = re.compile(r"^(?P<value>\S+) is not in the range ")
_NUMBERS = {"integer": "a whole number", "float": "a number"}


@contextmanager
def reworded() -> Iterator[None]:
    """Raises what click raises, its message and its choices put plainly."""
    try:
        yield
    except click.NoSuchOption as error:
        params = error.ctx.command.params if error.ctx else []
        known = [name for each in params for name in each.opts if name.startswith("--")]
        message = f"there is no option {error.option_name}{near(error.option_name, known)}"
        raise click.UsageError(message, error.ctx) from error
    except click.BadParameter as error:
        if message := _of_value(error):
            raise click.BadParameter(message, error.ctx, error.param, error.param_hint) from error
        raise
    except click.UsageError as error:
        if (found := _NO_COMMAND.match(error.message)) and error.ctx and isinstance(error.ctx.command, click.Group):
            known = sorted(error.ctx.command.list_commands(error.ctx))
            message = f"there is no command '{found['name']}'{hint(found['name'], known)}"
            raise click.UsageError(message, error.ctx) from error
        raise


def _of_value(error: click.BadParameter) -> str:
    """What is wrong with a value; empty where click says it plainly."""
    type_ = error.param.type if error.param else None
    if isinstance(type_, click.Choice) and (found := _NO_CHOICE.match(error.message)):
        value, known = found["value"], [str(each) for each in type_.choices]
        return f"'{value}' is none of {', '.join(known)}{near(value, known)}"
    if found := _NO_NUMBER.match(error.message):
        return f"expected {_NUMBERS[found['kind']]}, not {found['value']}"
    if isinstance(type_, click.IntRange | click.FloatRange) and (found := _OUT_OF_RANGE.match(error.message)):
        is_low = type_.min is not None and float(found["value"]) < type_.min
        bound = f"at least {type_.min}" if is_low else f"at most {type_.max}"
        return f"expected {bound}, not {found['value']}"
    return ""
