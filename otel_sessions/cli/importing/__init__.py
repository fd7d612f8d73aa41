# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions import`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import options, output, sending
from otel_sessions.cli.commands import Argument, Command
from otel_sessions.cli.options import loaded

if TYPE_CHECKING:
    from otel_sessions.cli.importing.conversation import Conversation

_STILL_GOING_ON_NS = 300 * 1_000_000_000


@click.command("import", cls=Command)
@click.argument(
    "paths",
    cls=Argument,
    type=click.Path(exists=True, path_type=Path),
    nargs=-1,
    required=True,
    metavar="PATH...",
    about="Transcripts, or directories of them.",
)
@sending.target
@sending.headers
@options.as_json
@options.configuration
def import_(  # noqa: PLR0917 - the command line names them
    paths: tuple[Path, ...],
    endpoint: str | None,
    header: tuple[str, ...],
    json_: bool,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
) -> None:
    """Send the transcripts of Claude Code and Codex, and ATIF trajectories, to a running service, a session each.

    Importing again changes nothing: ids are made of those in the transcript. A last turn of the last 5 minutes is left
    out, as it may still be going on.

    \b
    Examples:
      otel-sessions import ~/.claude/projects
      otel-sessions import ~/.codex/sessions/2026 --endpoint http://127.0.0.1:4318
      otel-sessions import jobs/2026-01-31/trajectory.json
    """
    from otel_sessions.cli.importing.conversation import requests  # noqa: PLC0415

    sender = sending.Sender(endpoint, header, loaded(config, set_))
    counts = {"sessions": 0, "turns": 0, "spans": 0}
    found = [[*path.rglob("*.jsonl"), *path.rglob("trajectory*.json")] if path.is_dir() else [path] for path in paths]
    for path in [file for files in found for file in sorted(files)]:
        conversation = _read(path)
        if conversation is None or not conversation.turns or not conversation.session_id:
            output.warnings([f"{path} is no transcript of a kind that is known, or nothing is said in it"])
            continue
        for body, spans in requests(conversation):
            sender.send(body)
            counts["spans"] += spans
        counts["sessions"] += 1
        counts["turns"] += len(conversation.turns)
    click.echo(json.dumps(counts) if json_ else ", ".join(f"{count:,} {name}" for name, count in counts.items()))


def _read(path: Path) -> Conversation | None:
    """The conversation in a file, without a last turn that may still be going on; None where no kind of it is known."""
    from otel_sessions.cli.importing import atif, claude_code, codex  # noqa: PLC0415
    from otel_sessions.cli.importing.lines import objects  # noqa: PLC0415

    if path.suffix == ".json":
        trajectory = atif.load(path)
        return None if trajectory is None else atif.read(trajectory)
    dialect = next((each for line in objects(path) for each in (claude_code, codex) if each.is_one(line)), None)
    if dialect is None:
        return None
    made: Conversation = dialect.read(objects(path))
    if made.turns and made.turns[-1].end_ns > time.time_ns() - _STILL_GOING_ON_NS:
        made.turns.pop()
    return made
