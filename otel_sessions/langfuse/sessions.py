# SPDX-License-Identifier: Apache-2.0
"""`/api/public/sessions`: sessions and their traces in Langfuse's shapes."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.clickhouse.connection import Store
from otel_sessions.langfuse.answers import NotFound, Page, parameters, time
from otel_sessions.langfuse.score_body import WindowEnd
from otel_sessions.langfuse.traces import trace
from otel_sessions.queries import sessions, turns
from otel_sessions.queries.rows import Row
from otel_sessions.queries.scores import FIRST, LAST


class SessionsPage(Page):
    """Which sessions to list, by their start: from `from_timestamp` to before `to_timestamp`."""

    from_timestamp: WindowEnd = FIRST
    to_timestamp: WindowEnd = LAST
    environment: list[str] = Field(default_factory=list)


class Sessions:
    """Handlers; what they raise, `answered` answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, request: Request) -> Response:
        wanted, project = SessionsPage.model_validate(parameters(request, "environment")), request.state.project
        found = partial(
            turns.sessions,
            project=project,
            limit=wanted.limit,
            offset=wanted.offset,
            environments=wanted.environment,
            from_=wanted.from_timestamp,
            to=wanted.to_timestamp,
        )
        rows, total = await self._store.run(found)
        return wanted.answer([_session(row, project) for row in rows], total)

    async def one(self, request: Request) -> Response:
        """Answers with a session and its traces, the oldest 1,000 of them."""
        named = {"project": request.state.project, "session_id": request.path_params["id"]}
        row = await self._store.run(partial(sessions.one, **named))
        if row is None:
            raise NotFound(f"there is no session {named['session_id']!r}")
        traces = await self._store.run(partial(turns.traces, **named))
        shown = _session(row, named["project"])
        return JSONResponse({**shown, "traces": [trace(row) for row in traces]})


def _session(row: Row, project: str) -> dict[str, Any]:
    environment = next(iter(row["Environments"]), "default")
    started = time(row["StartTime"])
    return {"id": row["SessionId"], "createdAt": started, "projectId": project, "environment": environment}
