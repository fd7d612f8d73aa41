# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from otel_sessions.cli.options import ConfigFiles, Project, Sets
from otel_sessions.cli.sessions.show import SessionId, find

Format = Annotated[
    Literal["jsonl", "csv", "parquet", "md", "messages"],
    typer.Option(
        "--format",
        help="Spans as JSON Lines, CSV or Parquet; or what was said as Markdown, or as the messages of a chat.",
    ),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; standard output without it.")
]


def export(  # noqa: PLR0917 - the command line names them
    session_id: SessionId,
    format_: Format = "jsonl",
    output: Output = None,
    project: Project = "default",
    config: ConfigFiles = None,
    set_: Sets = None,
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
