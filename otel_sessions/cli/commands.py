# SPDX-License-Identifier: Apache-2.0
"""Commands whose arguments have help, and groups that load no command but the one that is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Argument(click.Argument):
    """An argument with a line of help, as click itself has them since 8.5."""

    def __init__(self, *given: Any, about: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.about = about


class Command(click.Command):
    """A command whose help says what its arguments are."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(each.metavar or "", each.about) for each in self.params if isinstance(each, Argument)]
        if rows:
            with formatter.section("Arguments"):
                formatter.write_dl(rows)
        super().format_options(ctx, formatter)


class Group(click.Group):
    """A group of commands, each named with where it is, as in `package.module:name`, and loaded when it is called."""

    def __init__(self, *given: Any, places: Mapping[str, str], **more: Any) -> None:
        super().__init__(*given, **more)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._places:
            return None
        module, _, name = self._places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command
