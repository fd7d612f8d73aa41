# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions list`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options, output
from otel_sessions.cli.asking import Asking, asked, explained, moment

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.queries.listing import Order, Sort

_NAMED = 5
_SORTS = ("last_activity", "start", "duration", "traces", "spans", "errors", "tokens", "cost")


@click.command("list", cls=Asking)
@asked
@options.active_from
@options.active_to
@click.option("--sort", type=click.Choice(_SORTS), default="last_activity", help="By what to sort.")
@click.option(
    "--order", type=click.Choice(["asc", "desc"]), default="desc", help="The smallest first, or the greatest."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, metavar="N", help="How many sessions.")
@options.project
@options.as_json
@options.configuration
def list_(  # noqa: PLR0917 - the command line names them
    words: tuple[str, ...],
    from_: str | None,
    to: str | None,
    sort: Sort,
    order: Order,
    limit: int,
    project: str,
    json_: bool,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
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

    query = " ".join(words)
    chosen = Filter(query=query, from_ns=moment(from_, "--from", end=False), to_ns=moment(to, "--to", end=True))
    with reader_of(config, set_) as client:
        with explained(query):
            find = list_sessions if json_ else list_rows  # the table shows nothing of what people added
            page = find(client, Wanted(project, chosen, sort, order, limit), now_ns=time.time_ns())
        hints = [] if json_ else list(_hints(client, project, empty=not page.rows and chosen.is_empty))
    if json_:
        click.echo(json.dumps([session(row) for row in page.rows], indent=2))
    elif page.rows:
        from otel_sessions.cli import render, tables  # noqa: PLC0415

        console = render.console()
        console.print(tables.sessions_table(page.rows, datetime.now(UTC), console.width))
    elif chosen.is_empty:
        click.echo(f"no sessions in the project {project!r} yet")
    else:
        within = "".join(f" {name} {value}" for name, value in (("from", from_), ("to", to)) if value)
        click.echo(f"no session in the project {project!r} is of this kind: {plain(query) or 'any'}{within}")
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
