# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions show`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Command
from otel_sessions.cli.sessions.finding import find, named
from otel_sessions.errors import QueryError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from rich.console import Console

    from otel_sessions.queries.rows import Row

_MAX_SPANS = 5000
_MAX_SCORES = 1000
_SHORT = 100
"""Shorter beginnings are whole: `max_preview_chars` is hardly less."""
_MAX_CONTENTS = 2000
_CHUNK = 20


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is shown of one session; `spans` is None where nobody asked for them."""

    session: Row
    turns: list[Row]
    minutes: list[Row]
    parts: list[Row]
    scores: list[Row]
    spans: list[Row] | None = None


@click.command("show", cls=Command)
@named
@options.project
@click.option("--limit", type=click.IntRange(1, 1000), default=100, metavar="N", help="How many turns, from the first.")
@click.option("--spans", is_flag=True, help="Show the spans of each turn as a tree.")
@click.option("--full", is_flag=True, help="Show what was said whole.")
@click.option("--no-pager", is_flag=True, help="On a terminal, print more than a page without stopping.")
@options.as_json
@options.configuration
def show(  # noqa: PLR0917 - the command line names them
    session_id: str,
    project: str,
    limit: int,
    spans: bool,
    full: bool,
    no_pager: bool,
    json_: bool,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
) -> None:
    """Show one session: its figures, its turns with what was said, errors and scores, and what happened each minute.

    \b
    Examples:
      otel-sessions sessions show SESSION
      otel-sessions sessions show SESS --spans
      otel-sessions sessions show SESSION --json
    """
    from otel_sessions.cli.access import reader_of  # noqa: PLC0415
    from otel_sessions.queries.rows import as_json  # noqa: PLC0415

    with reader_of(config, set_) as client:
        whole = read(client, project, find(client, project, session_id), limit=limit, spans=spans)
        if full:
            turns = _with_whole_texts(client, project, str(whole.session["SessionId"]), whole.turns)
            whole = replace(whole, turns=turns)
    if json_:
        below = {"traces": whole.turns, "timeline": whole.minutes, "parts": whole.parts, "scores": whole.scores}
        if whole.spans is not None:
            below["spans"] = whole.spans
        lists = {name: [as_json(row) for row in rows] for name, rows in below.items()}
        click.echo(json.dumps({**as_json(whole.session), **lists}, indent=2))
    else:
        from otel_sessions.cli import render  # noqa: PLC0415

        console = render.console()
        pages = console.is_terminal and not no_pager
        if pages:
            os.environ.setdefault("LESS", "-FRX")  # ends by itself where all fits on the screen
        with console.pager(styles=True) if pages else nullcontext():
            print_session(console, whole, full=full)


def read(client: Client, project: str, session_id: str, *, limit: int = 100, spans: bool = False) -> Whole:
    """One session with its first `limit` turns; `QueryError` where there is none."""
    from otel_sessions.queries import scores, sessions  # noqa: PLC0415

    row = sessions.one(client, project=project, session_id=session_id)
    if row is None:
        raise QueryError(f"there is no session {session_id!r} in the project {project!r}")
    turns = sessions.traces(client, project=project, session_id=session_id, limit=limit)
    minutes = sessions.timeline(client, project=project, session_id=session_id)
    scored = scores.ScoreFilter(session_ids=(session_id,))
    parts = sessions.parts(client, project=project, session_id=session_id)
    given, _ = scores.page(client, project=project, limit=_MAX_SCORES, wanted=scored)
    ids = [str(turn["TraceId"]) for turn in turns]
    tree = (
        sessions.tree(client, project=project, session_id=session_id, traces=ids, limit=_MAX_SPANS) if spans else None
    )
    return Whole(row, turns, minutes, parts, given, tree)


def print_session(console: Console, whole: Whole, *, full: bool = False) -> None:
    """Prints one session, and says what is left out."""
    from otel_sessions.cli import tables  # noqa: PLC0415

    row, turns = whole.session, whole.turns
    by_trace = _by_trace(whole.scores)
    spans = None if whole.spans is None else _by_trace(whole.spans)
    console.print(tables.session_header(row, by_trace.pop("", []), datetime.now(UTC)))
    console.print()
    console.print(tables.turns(turns, console.width, full=full, scores=by_trace, spans=spans))
    if len(turns) < row["TraceCount"]:
        console.print(f"... and {row['TraceCount'] - len(turns):,} turns more; --limit shows up to 1000")
    if whole.spans is not None and len(whole.spans) == _MAX_SPANS:
        console.print(f"... the first {_MAX_SPANS:,} spans; all are in the view session_spans")
    if len(whole.parts) > 1:
        console.print()
        console.print(tables.parts_table(whole.parts))
    console.print()
    console.print(tables.timeline_table(whole.minutes, ascii_only=console.options.ascii_only))


def _by_trace(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["TraceId"]), []).append(row)
    return found


def _with_whole_texts(client: Client, project: str, session_id: str, turns: Sequence[Row]) -> list[Row]:
    """The turns with `Input` and `Output` whole, where the spans of the turn have the text that begins so."""
    from otel_sessions.queries import sessions  # noqa: PLC0415

    long = [str(turn["TraceId"]) for turn in turns if max(len(turn["Input"]), len(turn["Output"])) >= _SHORT]
    whole: dict[str, dict[str, str]] = {}
    for start in range(0, len(long), _CHUNK):
        named = long[start : start + _CHUNK]
        spans = sessions.contents(client, project=project, session_id=session_id, traces=named, limit=_MAX_CONTENTS)
        texts = {trace: list(_texts(span for span in spans if span["TraceId"] == trace)) for trace in named}
        for turn in turns:
            if turn["TraceId"] in texts:
                found = texts[turn["TraceId"]]
                whole[turn["TraceId"]] = {name: _whole(turn[name], found) for name in ("Input", "Output")}
    return [{**turn, **whole.get(turn["TraceId"], {})} for turn in turns]


def _whole(beginning: str, texts: Iterable[str]) -> str:
    """The shortest of the texts that begin so; the beginning where there is none."""
    if len(beginning) < _SHORT:
        return beginning
    return min((text for text in texts if text.startswith(beginning)), key=len, default=beginning)


def _texts(spans: Iterable[Row]) -> Iterator[str]:
    """The texts of all messages of the spans, and all their attributes as they are."""
    from otel_sessions.genai.messages import words  # noqa: PLC0415
    from otel_sessions.genai.transcript import Reader  # noqa: PLC0415

    reader = Reader()
    for span in spans:
        attributes: Mapping[str, str] = span["SpanAttributes"]
        events = list(zip(span["EventNames"], span["EventAttributes"], strict=True))
        step = reader.step(attributes, events)
        yield from map(words, (*step.input, *step.output))
        yield from attributes.values()
