# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions delete`."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from otel_sessions.cli import complete
from otel_sessions.cli.options import AsJson, ConfigFiles, Project, Sets, loaded
from otel_sessions.cli.sessions.listing import From, To, explained, moment
from otel_sessions.cli.sessions.show import missing
from otel_sessions.errors import QueryError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.clickhouse.chunks import Progress
    from otel_sessions.queries.deletions import Deletion
    from otel_sessions.queries.filters import Filter

Session = Annotated[
    str | None,
    typer.Argument(metavar="[SESSION]", help="The whole id of one session.", autocompletion=complete.session_ids),
]
Query = Annotated[
    str,
    typer.Option(
        "--query",
        metavar="QUERY",
        help="All sessions that an expression chooses; see docs/language.md.",
        autocompletion=complete.fields,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def delete(  # noqa: PLR0917 - the command line names them
    session_id: Session = None,
    query: Query = "",
    from_: From = None,
    to: To = None,
    yes: Yes = False,
    project: Project = "default",
    json_: AsJson = False,
    config: ConfigFiles = None,
    set_: Sets = None,
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
            raise typer.BadParameter("name one session, or choose some by --query, --from or --to")
    forget = None if settings.forget_for_s is None else timedelta(seconds=settings.forget_for_s)
    with writer(settings) as client:
        if session_id is not None:
            deleted = _one(client, project, session_id, forget, yes=yes)
        else:
            deleted = _many(client, project, chosen, forget, yes=yes)
    typer.echo(json.dumps({"deleted": deleted}) if json_ else f"deleted {count(deleted, 'session')}")


def _ask(what: str, *, yes: bool) -> None:
    if not yes:
        typer.confirm(f"Delete {what} for good?", abort=True, err=True)


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
