# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions tail`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options
from otel_sessions.cli.asking import Asking, asked, explained
from otel_sessions.cli.interrupted import until_interrupted

if TYPE_CHECKING:
    from threading import Event

    from clickhouse_connect.driver.client import Client

    from otel_sessions.queries.rows import Row

_POLL_S = 1.0
_LOOK_BACK_S = 60


@click.command("tail", cls=Asking)
@asked
@click.option(
    "--last",
    type=click.IntRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Begin with the turns of these seconds.",
)
@options.project
@options.as_json
@options.configuration
def tail(  # noqa: PLR0917 - the command line names them
    words: tuple[str, ...],
    last: int,
    project: str,
    json_: bool,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
) -> None:
    """Print turns as they arrive, until Ctrl-C; one that changes is printed again.

    \b
    Examples:
      otel-sessions tail
      otel-sessions tail 'user:ada' --last 600
      otel-sessions tail 'has:error' --json
    """
    from otel_sessions.cli.access import reader_of  # noqa: PLC0415
    from otel_sessions.queries.shapes import turn as shown  # noqa: PLC0415

    query = " ".join(words)
    with reader_of(config, set_) as client, explained(query):
        if sys.stderr.isatty():
            click.echo("waiting for turns, which show a second after they are stored; Ctrl-C ends", err=True)
        with until_interrupted() as ended:
            for turn in _turns(client, project, query, last, ended):
                click.echo(json.dumps(shown(turn)) if json_ else _line(turn))


def _turns(client: Client, project: str, query: str, last: int, ended: Event) -> Iterator[Row]:
    from otel_sessions.queries.tail import Seen, recent_turns  # noqa: PLC0415

    seen = Seen()
    if last == 0:
        seen.add(recent_turns(client, project=project, query=query, seconds=_LOOK_BACK_S, now_ns=time.time_ns()))
    is_first = last > 0
    while not ended.is_set():
        seconds = last if is_first else _LOOK_BACK_S
        turns = recent_turns(client, project=project, query=query, seconds=seconds, now_ns=time.time_ns())
        yield from seen.news(turns, at_once=is_first)
        is_first = False
        ended.wait(_POLL_S)


def _line(turn: Row) -> str:
    from otel_sessions.cli.render import cost, count, duration, plain  # noqa: PLC0415
    from otel_sessions.genai.json_text import question  # noqa: PLC0415

    parts = [turn["StartTime"][:19], plain(turn["SessionId"]), plain(turn["Name"]), plain(duration(turn["Duration"]))]
    if turn["UserId"]:
        parts.append(plain(turn["UserId"]))
    if turn["TotalTokens"]:
        parts.append(f"{turn['TotalTokens']:,} tokens")
    if turn["Cost"]:
        parts.append(plain(cost(turn["Cost"])))
    if turn["ErrorCount"]:
        parts.append(count(turn["ErrorCount"], "error"))
    said = plain(question(turn["Input"]))[:80]
    return "  ".join([*parts, *([said] if said else [])])
