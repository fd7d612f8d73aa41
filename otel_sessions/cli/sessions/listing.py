"""`otel-sessions sessions list`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from otel_sessions.cli.options import AsJson, ConfigFiles, Project, Sets

Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many sessions.")]


def list_(
    limit: Limit = 20,
    project: Project = "default",
    json_: AsJson = False,
    config: ConfigFiles = None,
    set_: Sets = None,
) -> None:
    """List the sessions last active, the latest first.

    \b
    Examples:
      otel-sessions sessions list
      otel-sessions sessions list --limit 100 --json
    """
    from otel_sessions.cli import render  # noqa: PLC0415
    from otel_sessions.cli.access import reader  # noqa: PLC0415
    from otel_sessions.config import load  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415
    from otel_sessions.queries.rows import as_json  # noqa: PLC0415

    with reader(load(config or [], set_ or [])) as client:
        rows = sessions.page(client, project=project, limit=limit)
    if json_:
        typer.echo(json.dumps([as_json(row) for row in rows], indent=2))
    elif rows:
        console = render.console()
        console.print(render.sessions_table(rows, datetime.now(UTC), console.width))
    else:
        typer.echo(f"no sessions in the project {project!r} yet")
