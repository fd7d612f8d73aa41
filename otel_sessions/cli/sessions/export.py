# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Command
from otel_sessions.cli.sessions.finding import find, named

if TYPE_CHECKING:
    from otel_sessions.queries.export import Format


@click.command("export", cls=Command)
@named
@click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl", "csv", "parquet", "md", "messages"]),
    default="jsonl",
    help="Spans as JSON Lines, CSV or Parquet; or what was said as Markdown, or as the messages of a chat.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write; standard output without it.",
)
@options.project
@options.configuration
def export(  # noqa: PLR0917 - the command line names them
    session_id: str,
    format_: Format,
    output: Path | None,
    project: str,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
) -> None:
    """Write a session whole, whatever its size.

    \b
    Examples:
      otel-sessions sessions export SESSION > spans.jsonl
      otel-sessions sessions export SESSION --format parquet --output spans.parquet
      otel-sessions sessions export SESSION --format messages >> dataset.jsonl
    """
    from otel_sessions.cli.access import reader_of  # noqa: PLC0415
    from otel_sessions.queries.export import Exported  # noqa: PLC0415
    from otel_sessions.queries.export import export as pieces  # noqa: PLC0415

    with reader_of(config, set_) as client:
        of = Exported(client, project, find(client, project, session_id))
        out = output.open("wb") if output else sys.stdout.buffer
        try:
            for piece in pieces(of, format_):
                out.write(piece)
            out.flush()
        finally:
            if output:
                out.close()
