"""`otel-sessions sessions list`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from otel_sessions.cli import output
from otel_sessions.cli.options import AsJson, ConfigFiles, Project, Sets, loaded

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NAMED = 5
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
    from otel_sessions.cli.access import reader  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415
    from otel_sessions.queries.rows import as_json  # noqa: PLC0415

    with reader(loaded(config, set_)) as client:
        rows = sessions.page(client, project=project, limit=limit)
        hints = [] if json_ else list(_hints(client, project, empty=not rows))
    if json_:
        typer.echo(json.dumps([as_json(row) for row in rows], indent=2))
    elif rows:
        from otel_sessions.cli import render, tables  # noqa: PLC0415

        console = render.console()
        console.print(tables.sessions_table(rows, datetime.now(UTC), console.width))
    else:
        typer.echo(f"no sessions in the project {project!r} yet")
    output.hints(hints)


def _hints(client: Client, project: str, *, empty: bool) -> Iterator[str]:
    """Why there is nothing, or not all, that somebody may look for."""
    from otel_sessions.cli.render import plain  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415

    heard = sessions.services_heard(client, project=project, limit=_NAMED) if empty else []
    if heard:
        services = ", ".join(f"{plain(row['ServiceName']) or '(no name)'} ({row['SpanCount']:,})" for row in heard)
        yield (
            f"spans came in the last day, but none names a session: {services}. Set `session.id` on a span of each "
            "trace, as in span.set_attribute('session.id', 'chat-42')"
        )
    others = sessions.other_projects(client, project=project, limit=_NAMED)
    if others:
        yield f"there are spans of other projects too: {', '.join(map(plain, others))}; see them with --project"
    if empty and not heard and not others:
        yield "nothing has arrived yet; point an OTLP exporter at the service, or try `otel-sessions demo --once`"
