# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions show`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from otel_sessions.cli import complete
from otel_sessions.cli.options import AsJson, ConfigFiles, Project, Sets
from otel_sessions.errors import QueryError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from rich.console import Console

    from otel_sessions.queries.rows import Row

SessionId = Annotated[
    str,
    typer.Argument(
        metavar="SESSION",
        help="The id of the session, or a beginning that no other has.",
        autocompletion=complete.session_ids,
    ),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many turns, from the first.")]
Spans = Annotated[bool, typer.Option("--spans", help="Show the spans of each turn as a tree.")]
Full = Annotated[bool, typer.Option("--full", help="Show what was said whole.")]
NoPager = Annotated[bool, typer.Option("--no-pager", help="On a terminal, print more than a page without stopping.")]
_MAX_SPANS = 5000
_MAX_SCORES = 1000
_SHORT = 100
"""Shorter beginnings are whole: `max_preview_chars` is hardly less."""
_MAX_CONTENTS = 2000
_CHUNK = 20
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is shown of one session; `spans` is None where nobody asked for them."""

    session: Row
    turns: list[Row]
    minutes: list[Row]
    parts: list[Row]
    scores: list[Row]
    spans: list[Row] | None = None


def show(  # noqa: PLR0917 - the command line names them
    session_id: SessionId,
    project: Project = "default",
    limit: Limit = 100,
    spans: Spans = False,
    full: Full = False,
    no_pager: NoPager = False,
    json_: AsJson = False,
    config: ConfigFiles = None,
    set_: Sets = None,
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
        typer.echo(json.dumps({**as_json(whole.session), **lists}, indent=2))
    else:
        from otel_sessions.cli import render  # noqa: PLC0415

        console = render.console()
        pages = console.is_terminal and not no_pager
        if pages:
            os.environ.setdefault("LESS", "-FRX")  # ends by itself where all fits on the screen
        with console.pager(styles=True) if pages else nullcontext():
            print_session(console, whole, full=full)


def find(client: Client, project: str, text: str) -> str:
    """The session of this id, or the only one whose id begins so; `QueryError` names those that come near."""
    from otel_sessions.queries import sessions  # noqa: PLC0415

    found = sessions.ids_beginning(client, project=project, beginning=text, limit=MAX_NAMED + 1)
    if text in found or (len(found) > 1 and sessions.one(client, project=project, session_id=text)):
        return text
    if len(found) == 1:
        return found[0]
    raise QueryError(missing(client, project, text))


def missing(client: Client, project: str, text: str) -> str:
    """That there is no session of this id, and those that begin so or come near."""
    from otel_sessions.cli.render import plain  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415

    found = sessions.ids_beginning(client, project=project, beginning=text, limit=MAX_NAMED + 1)
    message = f"there is no session {text!r} in the project {project!r}"
    if found:
        more = ", ..." if len(found) > MAX_NAMED else ""
        begin = "one begins" if len(found) == 1 else "several begin"
        return f"{message}; {begin} so: {', '.join(map(plain, found[:MAX_NAMED]))}{more}"
    recent = sessions.ids_beginning(client, project=project, beginning="", limit=sessions.MAX_ROWS)
    near = get_close_matches(text[:200], [id_[:200] for id_ in recent], n=3, cutoff=0.5)
    if near:
        return f"{message}; near it: {', '.join(map(plain, near))}"
    if recent:
        return message
    others = sessions.other_projects(client, project=project, limit=MAX_NAMED)
    return f"{message}, which has none" + (
        f"; there are the projects {', '.join(others)} (--project)" if others else ""
    )


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
