"""`otel-sessions sessions list` and `show`, and the place of the others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_sessions.cli import rebuild
from otel_sessions.cli.options import AsJson, ConfigFiles, Sets
from otel_sessions.errors import QueryError

if TYPE_CHECKING:
    from rich.console import Console

    from otel_sessions.queries.rows import Row

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look at sessions, and work them out anew.

    \b
    Examples:
      otel-sessions sessions list
      otel-sessions sessions show SESSION
      otel-sessions sessions rebuild
    """,
)
app.command("rebuild")(rebuild.rebuild)
Project = Annotated[str, typer.Option("--project", help="The project whose sessions to read.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many sessions.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The id of the session.")]


@app.command("list")
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
    from otel_sessions.cli.access import reader  # noqa: PLC0415
    from otel_sessions.config import load  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415

    with reader(load(config or [], set_ or [])) as client:
        rows = sessions.page(client, project=project, limit=limit)
    if json_:
        _print_json([_as_json(row) for row in rows])
    elif rows:
        _print_table(rows)
    else:
        typer.echo(f"no sessions in the project {project!r} yet")


@app.command("show")
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

    with reader(load(config or [], set_ or [])) as client:
        row = sessions.one(client, project=project, session_id=session_id)
        if row is None:
            raise QueryError(f"there is no session {session_id!r} in the project {project!r}")
        turns = sessions.traces(client, project=project, session_id=session_id)
        minutes = sessions.timeline(client, project=project, session_id=session_id)
    if json_:
        below = {"traces": [_as_json(turn) for turn in turns], "timeline": [_as_json(minute) for minute in minutes]}
        _print_json({**_as_json(row), **below})
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


def _print_table(rows: list[Row]) -> None:
    from otel_sessions.cli import render  # noqa: PLC0415

    console = render.console()
    console.print(render.sessions_table(rows, datetime.now(UTC), console.width))


def _as_json(row: Row) -> dict[str, Any]:
    from otel_sessions.queries.rows import as_json  # noqa: PLC0415

    return as_json(row)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))
