# SPDX-License-Identifier: Apache-2.0
"""Deletes sessions: one at once, many as a job."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import StringConstraints

from otel_sessions.clickhouse.surface import Client
from otel_sessions.errors import InvalidData
from otel_sessions.extensions.web.api.operation import Answer, Body, Call, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import From, To
from otel_sessions.extensions.web.api.sessions import SESSION, check_session
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import deletions
from otel_sessions.queries.deletions import Deletion
from otel_sessions.queries.filters import Filter

_PATH = "/api/v1/deletions"


class Wanted(Body):
    """Which sessions to delete; at least one condition."""

    query: Annotated[str, StringConstraints(max_length=65_536)] = ""
    from_: From = None
    to: To = None


def one(client: Client, call: Call[Parameters, None]) -> Answer:
    check_session(client, call.project, call.session_id)
    call.deleter.delete(call.project, call.session_id)
    return Answer(status=204)


def many(client: Client, call: Call[Parameters, Wanted]) -> Answer:
    chosen = Filter(query=call.body.query, from_ns=call.body.from_, to_ns=call.body.to)
    if chosen.is_empty:
        raise InvalidData("say which sessions: a query, from or to")
    job = deletions.begin(client, project=call.project, chosen=chosen, now_ns=call.now_ns)
    call.deleter.take_up(job)
    return Answer(_shown(job), 202, {"Location": f"{_PATH}/{quote(job.id)}"})


def progress(client: Client, call: Call[Parameters, None]) -> Answer:
    job = deletions.get(client, project=call.project, id_=call.ids["deletion_id"])
    if job is None:
        raise NotFound("there is no deletion of this id")
    return Answer(_shown(job))


def _shown(job: Deletion) -> dict[str, Any]:
    shown = {"id": job.id, "state": job.state, "found": job.found, "deleted": job.deleted}
    return {**shown, "error": job.error} if job.error else shown


OPERATIONS = (
    Operation("DELETE", SESSION, "Delete a session everywhere", "sessions", one, status=204, role="admin"),
    Operation(
        "POST",
        _PATH,
        "Delete the sessions that a query chooses",
        "deletions",
        many,
        body=Wanted,
        status=202,
        role="admin",
    ),
    Operation("GET", f"{_PATH}/{{deletion_id}}", "Get how far a deletion is", "deletions", progress),
)
