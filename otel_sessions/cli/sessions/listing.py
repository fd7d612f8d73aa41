# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions list`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from otel_sessions.cli import complete, output
from otel_sessions.cli.options import AsJson, ConfigFiles, Project, Sets

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NAMED = 5
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many sessions.")]
Query = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[QUERY]...",
        help="Which sessions, as in 'user:ada cost>0.5'; several words are one query. See docs/language.md.",
        autocompletion=complete.fields,
    ),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Only sessions that were active at this time or later.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Only sessions that were active at this time or earlier.")
]
Sort = Annotated[
    Literal["last_activity", "start", "duration", "traces", "spans", "errors", "tokens", "cost"],
    typer.Option("--sort", help="By what to sort."),
]
Order = Annotated[Literal["asc", "desc"], typer.Option("--order", help="The smallest first, or the greatest.")]


def list_(  # noqa: PLR0917 - the command line names them
    words: Query = None,
    from_: From = None,
    to: To = None,
    sort: Sort = "last_activity",
    order: Order = "desc",
    limit: Limit = 20,
    project: Project = "default",
    json_: AsJson = False,
    config: ConfigFiles = None,
    set_: Sets = None,
) -> None:
    """List sessions, by default those last active, the latest first.

    \b
    Examples:
      otel-sessions sessions list
      otel-sessions sessions list 'user:ada has:error' --sort cost
      otel-sessions sessions list 'refund -has:score' --from 2026-01-31 --json
    """
    from otel_sessions.cli.access import reader_of  # noqa: PLC0415
    from otel_sessions.cli.render import plain  # noqa: PLC0415
    from otel_sessions.queries.filters import Filter  # noqa: PLC0415
    from otel_sessions.queries.listing import Wanted, list_rows, list_sessions  # noqa: PLC0415
    from otel_sessions.queries.shapes import session  # noqa: PLC0415

    query = " ".join(words or ())
    chosen = Filter(query=query, from_ns=moment(from_, "--from", end=False), to_ns=moment(to, "--to", end=True))
    with reader_of(config, set_) as client:
        with explained(query):
            find = list_sessions if json_ else list_rows  # the table shows nothing of what people added
            page = find(client, Wanted(project, chosen, sort, order, limit), now_ns=time.time_ns())
        hints = [] if json_ else list(_hints(client, project, empty=not page.rows and chosen.is_empty))
    if json_:
        typer.echo(json.dumps([session(row) for row in page.rows], indent=2))
    elif page.rows:
        from otel_sessions.cli import render, tables  # noqa: PLC0415

        console = render.console()
        console.print(tables.sessions_table(page.rows, datetime.now(UTC), console.width))
    elif chosen.is_empty:
        typer.echo(f"no sessions in the project {project!r} yet")
    else:
        within = "".join(f" {name} {value}" for name, value in (("from", from_), ("to", to)) if value)
        typer.echo(f"no session in the project {project!r} is of this kind: {plain(query) or 'any'}{within}")
    output.hints(hints)


@contextmanager
def explained(query: str) -> Iterator[None]:
    """Shows the place in an expression that is not of the language."""
    from otel_sessions.queries.language import LanguageError  # noqa: PLC0415

    try:
        yield
    except LanguageError as error:
        output.error(str(error))
        typer.echo(f"  {''.join(each if each.isprintable() else ' ' for each in query)}", err=True)
        typer.echo(f"  {' ' * error.position}^", err=True)
        raise typer.Exit(1) from error


def moment(text: str | None, option: str, *, end: bool) -> int | None:
    """Nanoseconds since 1970 of a time, or of the beginning or end of a day."""
    from otel_sessions.queries.filters import end_of_window  # noqa: PLC0415
    from otel_sessions.queries.language import values  # noqa: PLC0415

    if text is None:
        return None
    span = values.time(text)
    if span is None:
        raise typer.BadParameter(f"{text!r} is no time as in 2026-01-31T12:00:00Z", param_hint=option)
    try:
        return end_of_window(span, is_last=end)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


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
