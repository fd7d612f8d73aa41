"""`otel-sessions sessions show`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from otel_sessions.cli.options import AsJson, ConfigFiles, Project, Sets
from otel_sessions.errors import QueryError

if TYPE_CHECKING:
    from rich.console import Console

    from otel_sessions.queries.rows import Row

SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The id of the session.")]


def show(
    session_id: SessionId,
    project: Project = "default",
    json_: AsJson = False,
    config: ConfigFiles = None,
    set_: Sets = None,
) -> None:
    """Show one session: its figures, its turns, and what happened in each minute.

    \b
    Examples:
      otel-sessions sessions show SESSION
      otel-sessions sessions show SESSION --json
    """
    from otel_sessions.cli.access import reader  # noqa: PLC0415
    from otel_sessions.config import load  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415
    from otel_sessions.queries.rows import as_json  # noqa: PLC0415

    with reader(load(config or [], set_ or [])) as client:
        row = sessions.one(client, project=project, session_id=session_id)
        if row is None:
            raise QueryError(f"there is no session {session_id!r} in the project {project!r}")
        turns = sessions.traces(client, project=project, session_id=session_id)
        minutes = sessions.timeline(client, project=project, session_id=session_id)
    if json_:
        below = {"traces": [as_json(turn) for turn in turns], "timeline": [as_json(minute) for minute in minutes]}
        typer.echo(json.dumps({**as_json(row), **below}, indent=2))
    else:
        from otel_sessions.cli import render  # noqa: PLC0415

        print_session(render.console(), row, turns, minutes)


def print_session(console: Console, row: Row, turns: list[Row], minutes: list[Row]) -> None:
    """One session whole."""
    from otel_sessions.cli import render  # noqa: PLC0415

    console.print(render.session_header(row, datetime.now(UTC)))
    console.print()
    console.print(render.turns_table(turns, console.width))
    console.print()
    console.print(render.timeline_table(minutes, ascii_only=console.options.ascii_only))
