# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions rebuild`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import loaded, period


@click.command("rebuild", cls=Command)
@options.stored_from
@options.stored_to
@options.as_json
@options.configuration
def rebuild(start: str | None, end: str | None, json_: bool, config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Work out the sessions anew from the stored spans, while new ones come in.

    Without --from and --to new tables are built beside those in force and then take their place: what was wrong is
    gone. Stopped half way, nothing has changed; the next rebuild clears up. With a period, what is missing of its
    traces is added and nothing is taken away.

    \b
    Examples:
      otel-sessions sessions rebuild
      otel-sessions sessions rebuild --from 2026-01-31T12:00:00Z --to 2026-01-31T13:00:00Z
    """
    from otel_sessions.cli.access import writer  # noqa: PLC0415
    from otel_sessions.cli.output import follow  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import writing  # noqa: PLC0415
    from otel_sessions.sessions import rebuild as tables  # noqa: PLC0415

    stored = period(start, end)
    begin = time.monotonic()
    with writer(loaded(config, set_)) as client, writing("rebuilding the sessions"):
        spans = follow(tables.everything(client) if stored is None else tables.period(client, stored))
    seconds = time.monotonic() - begin
    if json_:
        click.echo(json.dumps({"spans": spans, "from": start, "to": end, "seconds": round(seconds, 3)}, indent=2))
    else:
        what = "the sessions are rebuilt" if stored is None else "what was missing is added"
        click.echo(f"{what}, out of {spans:,} stored spans, in {seconds:.1f} s")
