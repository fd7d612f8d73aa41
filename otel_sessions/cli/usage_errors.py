# SPDX-License-Identifier: Apache-2.0
"""Messages for whoever mistypes a command: those of the library in our words, with the nearest word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand

from otel_sessions.errors import hint, near

_NEGATED = re.compile(r"-[a-z][a-z_.]*[:=<>].*", re.DOTALL)
_CHOICE = re.compile(r"^(?:Value error, )?'(?P<value>.*)' is not one of (?P<known>.*?)\.?$", re.DOTALL)


class Asking(TyperCommand):
    """A command that takes a query: a word such as `-has:score` is a term of it, not an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f"({each})" if _NEGATED.fullmatch(each) else each for each in args])


@contextmanager
def reworded() -> Iterator[None]:
    """Raises what the library raises, its message and its choices put plainly.

    The library has its errors in a place of its own in some versions, so they are known by what they have.
    """
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "message"):
            _reword(error)
        raise


def _reword(error: Any) -> None:
    if isinstance(option := getattr(error, "option_name", None), str) and hasattr(error, "possibilities"):
        given = getattr(getattr(error.ctx, "command", None), "params", []) if error.ctx else []
        known = [name for each in given for name in getattr(each, "opts", []) if name.startswith("--")]
        error.message = f"there is no option {option}{near(option, known)}"
        error.possibilities = None
    elif found := _CHOICE.match(error.message):
        known = re.findall(r"'([^']*)'", found["known"])
        error.message = f"{found['value']!r} is none of {', '.join(known)}{near(found['value'], known)}"
    elif found := re.match(r"^No such command '([^']*)'", error.message):
        known = sorted(getattr(getattr(error.ctx, "command", None), "commands", {})) if error.ctx else []
        error.message = f"there is no command {found[1]!r}{hint(found[1], known)}"
    elif hasattr(error.__cause__, "errors"):
        from otel_sessions.config.typed import message, value_of  # noqa: PLC0415 - slow to import, seldom needed

        error.message = "; ".join(message(each, shown=value_of) for each in error.__cause__.errors())
