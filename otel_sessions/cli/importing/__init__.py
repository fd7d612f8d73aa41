"""`otel-sessions import`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otel_sessions.cli import output
from otel_sessions.cli.options import AsJson, ConfigFiles, Sets, loaded
from otel_sessions.errors import Permanent

if TYPE_CHECKING:
    from otel_sessions.cli.importing.conversation import Conversation
    from otel_sessions.config import Config

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH...", exists=True, help="Transcripts (JSON Lines), or directories of them.")
]
Target = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="URL", help="Where OTLP over HTTP is taken; by default the service's own."),
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="NAME=VALUE", help="Sent along, as in authorization=Bearer TOKEN. Repeatable."),
]
_STILL_GOING_ON_NS = 300 * 1_000_000_000
_PATIENCE_S = 60.0


def import_(  # noqa: PLR0917 - the command line names them
    paths: Paths,
    endpoint: Target = None,
    header: Headers = None,
    json_: AsJson = False,
    config: ConfigFiles = None,
    set_: Sets = None,
) -> None:
    """Send the transcripts of Claude Code and Codex to a running service, a session each.

    Importing again changes nothing: ids are made of those in the transcript. A last turn of the last 5 minutes is left
    out, as it may still be going on.

    \b
    Examples:
      otel-sessions import ~/.claude/projects
      otel-sessions import ~/.codex/sessions/2026 --endpoint http://127.0.0.1:4318
    """
    from otel_sessions.cli.access import bypass_proxies  # noqa: PLC0415
    from otel_sessions.cli.importing.conversation import requests  # noqa: PLC0415

    bypass_proxies()
    url = f"{(endpoint or _served(loaded(config, set_))).rstrip('/')}/v1/traces"
    headers = _headers(header or ())
    counts = {"sessions": 0, "turns": 0, "spans": 0}
    for path in _files(paths):
        conversation = _read(path)
        if conversation is None or not conversation.turns or not conversation.session_id:
            output.warnings([f"{path} is no transcript of Claude Code or Codex with anything said in it"])
            continue
        for body, spans in requests(conversation):
            _send(url, body, headers)
            counts["spans"] += spans
        counts["sessions"] += 1
        counts["turns"] += len(conversation.turns)
    typer.echo(json.dumps(counts) if json_ else ", ".join(f"{count:,} {name}" for name, count in counts.items()))


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]


def _read(path: Path) -> Conversation | None:
    from otel_sessions.cli.importing import claude_code, codex  # noqa: PLC0415
    from otel_sessions.cli.importing.lines import objects  # noqa: PLC0415

    dialect = next((each for line in objects(path) for each in (claude_code, codex) if each.is_one(line)), None)
    if dialect is None:
        return None
    made: Conversation = dialect.read(objects(path))
    if made.turns and made.turns[-1].end_ns > time.time_ns() - _STILL_GOING_ON_NS:
        made.turns.pop()
    return made


def _served(config: Config) -> str:
    """Where the service of this configuration takes OTLP over HTTP."""
    from otel_sessions.cli.access import owner_of  # noqa: PLC0415
    from otel_sessions.clickhouse.client import endpoint_in_use  # noqa: PLC0415

    data = endpoint_in_use({id_: config.exporters[id_] for id_ in config.used("exporters")})
    owner = owner_of(data) if data else {}
    if "otlp/http" in owner:
        return f"http://{owner['otlp/http']}"
    raise Permanent("no service runs with this configuration on this machine; start it, or name one with --endpoint")


def _headers(given: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if any(not mark for _, mark, _ in pairs):
        raise typer.BadParameter("write NAME=VALUE", param_hint="--header")
    return {"content-type": "application/x-protobuf", **{name: value for name, _, value in pairs}}


def _send(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Raises `Permanent` when nobody takes it, after some patience where somebody says to come back."""
    import urllib3  # noqa: PLC0415

    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            answer = urllib3.request("POST", url, body=body, headers=headers, timeout=30.0, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise Permanent(f"nobody takes spans at {url}: {error}") from error
        if answer.status == 200:
            return
        if answer.status not in (429, 503) or time.monotonic() > end:
            raise Permanent(f"{url} answered {answer.status}: {answer.data[:300].decode('utf-8', 'replace')}")
        time.sleep(1)
