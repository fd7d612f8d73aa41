# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions components`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Command


@dataclass(frozen=True, slots=True)
class Row:
    """A type that a configuration may name; `error` says why it may not after all."""

    kind: str
    type: str
    summary: str
    error: str | None


@click.command("components", cls=Command)
@options.as_json
def components(json_: bool) -> None:
    """List the receivers, processors, exporters and extensions that a configuration can name, plugins included.

    \b
    Examples:
      otel-sessions components
      otel-sessions components --json
    """
    found = list(rows())
    if json_:
        click.echo(json.dumps([asdict(row) for row in found], indent=2))
    else:
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        table = Table("kind", "type", "what it does", box=None, pad_edge=False)
        for row in found:
            table.add_row(row.kind, row.type, row.error or row.summary)
        terminal = sys.stdout.isatty()
        width = None if terminal else 1000  # a pipe takes a row a line
        Console(markup=False, highlight=False, width=width, force_terminal=terminal).print(table)


def rows() -> Iterator[Row]:
    """Every registered type; one that does not load is there with its error."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import

    from otel_sessions.component import GROUPS  # noqa: PLC0415
    from otel_sessions.config.plugins import EntryPoints, load  # noqa: PLC0415
    from otel_sessions.errors import ConfigError  # noqa: PLC0415
    from otel_sessions.evaluators import GROUP  # noqa: PLC0415

    registry = EntryPoints()
    for kind in GROUPS:
        for type_ in registry.types(kind):
            try:
                yield Row(kind, type_, registry.factory(kind, type_, "").summary, None)
            except ConfigError as error:
                yield Row(kind, type_, "", str(error))
    for type_ in sorted({entry.name for entry in entry_points(group=GROUP)}):
        try:
            yield Row("evaluators", type_, load(GROUP, "evaluator", type_, "").summary, None)
        except ConfigError as error:
            yield Row("evaluators", type_, "", str(error))
