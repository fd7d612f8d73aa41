# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions list`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options, output
from otel_sessions.cli.asking import Asking, asked, explained, moment

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.queries.listing import Order, Sort, Wanted
    from otel_sessions.queries.rows import Row

    Show = Callable[[list[Row]], None]

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
    from otel_sessions.queries.filters import Filter  # noqa: PLC0415
    from otel_sessions.queries.listing import Wanted, list_sessions  # noqa: PLC0415

    query = " ".join(words)
    chosen = Filter(query=query, from_ns=moment(from_, "--from", end=False), to_ns=moment(to, "--to", end=True))
    wanted = Wanted(project, chosen, sort, order, limit)
    show: Show
    hints: list[str] = []
    with reader_of(config, set_) as client, explained(query):
        if json_:
            show, rows = _print_json, list_sessions(client, wanted, now_ns=time.time_ns()).rows
        else:
            show, rows, hints = _looked_up(client, wanted)
    if rows or json_:
        show(rows)
    elif chosen.is_empty:
        click.echo(f"no sessions in the project {project!r} yet")
    else:
        from otel_sessions.cli.render import plain  # noqa: PLC0415

        within = "".join(f" {name} {value}" for name, value in (("from", from_), ("to", to)) if value)
        click.echo(f"no session in the project {project!r} is of this kind: {plain(query) or 'any'}{within}")
    output.hints(hints)


def _looked_up(client: Client, wanted: Wanted) -> tuple[Show, list[Row], list[str]]:
    """What prints rows, which is loaded while they are asked for; the rows; and why there is nothing, or not all."""
    from otel_sessions.clickhouse.at_once import at_once  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415
    from otel_sessions.queries.listing import list_rows  # noqa: PLC0415

    show, page, others = at_once(
        client,
        lambda _: _table_printer(),
        lambda one: list_rows(one, wanted, now_ns=time.time_ns()),  # the table shows nothing of what people added
        lambda one: sessions.other_projects(one, project=wanted.project, limit=_NAMED),
    )
    empty = not page.rows and wanted.filter.is_empty
    heard = sessions.services_heard(client, project=wanted.project, limit=_NAMED) if empty else []
    return show, page.rows, list(_hints(heard, others, empty=empty))


def _table_printer() -> Show:
    from otel_sessions.cli import render, tables  # noqa: PLC0415

    def show(rows: list[Row]) -> None:
        console = render.console()
        console.print(tables.sessions_table(rows, datetime.now(UTC), console.width))

    return show


def _print_json(rows: list[Row]) -> None:
    from otel_sessions.queries.shapes import session  # noqa: PLC0415

    click.echo(json.dumps([session(row) for row in rows], indent=2))


def _hints(heard: list[Row], others: list[str], *, empty: bool) -> Iterator[str]:
    """Why there is nothing, or not all, that somebody may look for."""
    from otel_sessions.cli.render import plain  # noqa: PLC0415

    if heard:
        services = ", ".join(f"{plain(row['ServiceName']) or '(no name)'} ({row['SpanCount']:,})" for row in heard)
        yield (
            f"spans came in the last day, but none names a session: {services}. Set `session.id` on a span of each "
            "trace, as in span.set_attribute('session.id', 'chat-42')"
        )
    if others:
        yield f"there are spans of other projects too: {', '.join(map(plain, others))}; see them with --project"
    if empty and not heard and not others:
        yield "nothing has arrived yet; point an OTLP exporter at the service, or try `otel-sessions demo --once`"
