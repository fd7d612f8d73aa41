# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import loaded, period

if TYPE_CHECKING:
    from otel_sessions.sessions.verify import Report

_LINES = 20


@click.command("verify", cls=Command)
@options.stored_from
@options.stored_to
@options.as_json
@options.configuration
def verify(start: str | None, end: str | None, json_: bool, config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Compare the sessions with the stored spans; exit status 1 where they differ, 0 where they do not.

    Every span is looked at, and what the views say of every session. What differs is looked at again after some
    seconds, as a late session id takes a moment to be put into force. Nothing is changed.

    \b
    Examples:
      otel-sessions verify
      otel-sessions verify --from 2026-01-31T12:00:00Z --json
    """
    from otel_sessions.cli.access import writer  # noqa: PLC0415
    from otel_sessions.cli.output import follow  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import reading  # noqa: PLC0415
    from otel_sessions.sessions import verify as sessions  # noqa: PLC0415

    stored = period(start, end)
    with writer(loaded(config, set_)) as client, reading():
        report = follow(sessions.verify(client, stored))
    if json_:
        differences = [asdict(each) for each in report.differences]
        click.echo(json.dumps({"spans": report.spans, "differences": differences, "more": report.more}, indent=2))
    else:
        click.echo("\n".join(_lines(report)))
    if not report.clean:
        raise click.exceptions.Exit(1)


def _lines(report: Report) -> Iterator[str]:
    from otel_sessions.cli.render import plain  # noqa: PLC0415

    if report.clean:
        yield f"the sessions are what the {report.spans:,} stored spans say"
        return
    yield "these sessions are not what the stored spans say (project, session: what differs):"
    for difference in report.differences[:_LINES]:
        counts = (
            (difference.missing, "missing"),
            (difference.extra, "extra"),
            (difference.different, "different"),
            (difference.misplaced, "more than once in session_spans"),
        )
        what = [f"{number:,} {'span' if number == 1 else 'spans'} {word}" for number, word in counts if number]
        if difference.views:
            what.append(f"figures in {', '.join(difference.views)}")
        yield f"  {plain(difference.project)}, {plain(difference.session_id)}: {', '.join(what)}"
    more = len(report.differences[_LINES:]) + report.more
    if more:
        yield f"  and {more:,} more"
    yield "`otel-sessions sessions rebuild` puts them right"
