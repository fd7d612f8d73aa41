# SPDX-License-Identifier: Apache-2.0
"""The session that a command names: by its id, or by a beginning that no other has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sessions.cli import complete
from otel_sessions.cli.commands import Argument
from otel_sessions.errors import QueryError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_MAX_NAMED = 5
named = click.argument(
    "session_id",
    cls=Argument,
    metavar="SESSION",
    about="The id of the session, or a beginning that no other has.",
    shell_complete=complete.session_ids,
)


def find(client: Client, project: str, text: str) -> str:
    """The session of this id, or the only one whose id begins so; `QueryError` names those that come near."""
    from otel_sessions.queries import sessions  # noqa: PLC0415

    found = sessions.ids_beginning(client, project=project, beginning=text, limit=_MAX_NAMED + 1)
    if text in found or (len(found) > 1 and sessions.one(client, project=project, session_id=text)):
        return text
    if len(found) == 1:
        return found[0]
    raise QueryError(missing(client, project, text))


def missing(client: Client, project: str, text: str) -> str:
    """That there is no session of this id, and those that begin so or come near."""
    from difflib import get_close_matches  # noqa: PLC0415

    from otel_sessions.cli.render import plain  # noqa: PLC0415
    from otel_sessions.queries import sessions  # noqa: PLC0415

    found = sessions.ids_beginning(client, project=project, beginning=text, limit=_MAX_NAMED + 1)
    message = f"there is no session {text!r} in the project {project!r}"
    if found:
        more = ", ..." if len(found) > _MAX_NAMED else ""
        begin = "one begins" if len(found) == 1 else "several begin"
        return f"{message}; {begin} so: {', '.join(map(plain, found[:_MAX_NAMED]))}{more}"
    recent = sessions.ids_beginning(client, project=project, beginning="", limit=sessions.MAX_ROWS)
    near = get_close_matches(text[:200], [id_[:200] for id_ in recent], n=3, cutoff=0.5)
    if near:
        return f"{message}; near it: {', '.join(map(plain, near))}"
    if recent:
        return message
    others = sessions.other_projects(client, project=project, limit=_MAX_NAMED)
    return f"{message}, which has none" + (
        f"; there are the projects {', '.join(others)} (--project)" if others else ""
    )
