# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions attach`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options, sending
from otel_sessions.cli.commands import Argument, Command
from otel_sessions.cli.interrupted import until_interrupted
from otel_sessions.cli.options import loaded
from otel_sessions.errors import Permanent

if TYPE_CHECKING:
    from otel_sessions.clickhouse.client import Endpoint


@click.command("attach", cls=Command)
@click.argument(
    "table",
    cls=Argument,
    default="default.otel_traces",
    metavar="[[DATABASE.]TABLE]",
    about="Their table.  [default: default.otel_traces]",
)
@click.option(
    "--source",
    metavar="URL",
    envvar="OTEL_SESSIONS_SOURCE",
    show_envvar=True,
    help="Their ClickHouse, as in http://user:password@host:8123; by default the one of the exporter.",
)
@click.option("--once", is_flag=True, help="End when all that is there has been read; else wait for more.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=2.0,
    metavar="SECONDS",
    help="How often to look for new rows.",
)
@sending.target
@sending.headers
@options.as_json
@options.configuration
def attach(  # noqa: PLR0917 - the command line names them
    table: str,
    source: str | None,
    once: bool,
    interval: float,
    endpoint: str | None,
    header: tuple[str, ...],
    json_: bool,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
) -> None:
    """Read the spans that a Collector has stored in ClickHouse, past and new ones, into a running service.

    Their table is read and never changed. What was read is on record: stopped and started again, the command goes on
    where it was. It takes late rows for what they are, new ones, whatever their times. On a cluster attach to the
    table of each shard.

    \b
    Examples:
      otel-sessions attach --once
      otel-sessions attach otel.otel_traces --source http://reader:secret@clickhouse:8123
    """
    from otel_sessions.cli.access import endpoint_of, writer  # noqa: PLC0415
    from otel_sessions.cli.attaching.reading import Reading  # noqa: PLC0415
    from otel_sessions.cli.output import follow  # noqa: PLC0415
    from otel_sessions.clickhouse.client import connect  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import reading  # noqa: PLC0415

    chosen = loaded(config, set_)
    sender = sending.Sender(endpoint, header, chosen)
    database, _, name = table.rpartition(".")
    theirs = replace(_theirs(source, endpoint_of(chosen)), database=database or "default")
    with reading():
        client = connect(theirs, database=theirs.database)
    their_table: Reading | None = None
    try:
        with until_interrupted() as ended, writer(chosen) as ours:
            their_table = Reading(client, ours, theirs.database, name)
            while not ended.is_set():  # what was read is on record
                follow(their_table.rounds(sender))
                if once:
                    break
                ended.wait(interval)
    finally:
        client.close()
    sent = their_table.sent if their_table is not None else 0
    click.echo(json.dumps({"spans": sent}) if json_ else f"spans sent of {theirs.database}.{name}: {sent:,}")


def _theirs(source: str | None, ours: Endpoint) -> Endpoint:
    from otel_sessions.clickhouse.client import Endpoint  # noqa: PLC0415

    if source is not None:
        try:
            endpoint = Endpoint.parse(source)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--source") from error
        if not endpoint.embedded:
            return endpoint
    elif not ours.embedded:
        return ours
    raise Permanent("say where the Collector's ClickHouse is: --source http://user:password@host:8123")
