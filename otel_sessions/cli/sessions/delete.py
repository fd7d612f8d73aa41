# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions delete`."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli import complete, options
from otel_sessions.cli.asking import explained, moment
from otel_sessions.cli.commands import Argument, Command
from otel_sessions.cli.options import loaded
from otel_sessions.cli.sessions.finding import missing
from otel_sessions.errors import QueryError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.clickhouse.chunks import Progress
    from otel_sessions.queries.deletions import Deletion
    from otel_sessions.queries.filters import Filter


@click.command("delete", cls=Command)
@click.argument(
    "session_id",
    cls=Argument,
    required=False,
    metavar="[SESSION]",
    about="The whole id of one session.",
    shell_complete=complete.session_ids,
)
@click.option(
    "--query",
    default="",
    show_default=False,
    metavar="QUERY",
    help="All sessions that an expression chooses; see docs/language.md.",
    shell_complete=complete.fields,
)
@options.active_from
@options.active_to
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.project
@options.as_json
@options.configuration
def delete(  # noqa: PLR0917 - the command line names them
    session_id: str | None,
    query: str,
    from_: str | None,
    to: str | None,
    yes: bool,
    project: str,
    json_: bool,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
) -> None:
    """Delete one session, or all that an expression chooses: spans, figures, scores, everything.

    What arrives for them within `retention.forget_for` stays away.

    \b
    Examples:
      otel-sessions sessions delete SESSION
      otel-sessions sessions delete --query 'metadata.tenant:acme' --to 2026-01-31
    """
    from otel_sessions.cli.access import writer  # noqa: PLC0415
    from otel_sessions.cli.render import count  # noqa: PLC0415
    from otel_sessions.queries.filters import Filter  # noqa: PLC0415

    settings = loaded(config, set_)
    chosen = Filter(query=query, from_ns=moment(from_, "--from", end=False), to_ns=moment(to, "--to", end=True))
    with explained(query):
        if (session_id is None) == chosen.is_empty:
            raise click.BadParameter("name one session, or choose some by --query, --from or --to")
    forget = None if settings.forget_for_s is None else timedelta(seconds=settings.forget_for_s)
    with writer(settings) as client:
        if session_id is not None:
            deleted = _one(client, project, session_id, forget, yes=yes)
        else:
            deleted = _many(client, project, chosen, forget, yes=yes)
    click.echo(json.dumps({"deleted": deleted}) if json_ else f"deleted {count(deleted, 'session')}")


def _ask(what: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(f"Delete {what} for good?", abort=True, err=True)


def _one(client: Client, project: str, session_id: str, forget: timedelta | None, *, yes: bool) -> int:
    from otel_sessions.queries.detail import has_session  # noqa: PLC0415
    from otel_sessions.sessions import deletion  # noqa: PLC0415

    if not has_session(client, project=project, session_id=session_id):
        raise QueryError(missing(client, project, session_id))
    _ask(f"the session {session_id!r}", yes=yes)
    return deletion.delete(client, [(project, session_id)], forget_for=forget)


def _many(client: Client, project: str, chosen: Filter, forget: timedelta | None, *, yes: bool) -> int:
    from otel_sessions.cli.output import follow  # noqa: PLC0415
    from otel_sessions.cli.render import count  # noqa: PLC0415
    from otel_sessions.queries import deletions  # noqa: PLC0415

    now_ns = time.time_ns()
    found = deletions.count(client, project=project, chosen=chosen, now_ns=now_ns)
    if not found:
        return 0
    _ask(count(found, "session"), yes=yes)
    return follow(_to_the_end(client, deletions.begin(client, project=project, chosen=chosen, now_ns=now_ns), forget))


def _to_the_end(client: Client, job: Deletion, forget: timedelta | None) -> Generator[Progress, None, int]:
    from otel_sessions.clickhouse.chunks import Progress  # noqa: PLC0415
    from otel_sessions.queries import deletions  # noqa: PLC0415

    tried: set[str] = set()
    yield Progress(job.deleted, job.found, "deleting sessions")
    while job.state == "running":
        job = deletions.step(client, job, tried, forget_for=forget)
        yield Progress(job.deleted, job.found, "deleting sessions")
    if job.state == "failed":
        raise QueryError(job.error)
    return job.deleted
