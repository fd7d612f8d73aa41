"""`/api/public/scores`: created, listed, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.langfuse.answers import NotFound, message_of
from otel_sessions.langfuse.json_bodies import JsonBodies
from otel_sessions.langfuse.paging import Page, parameters, score
from otel_sessions.langfuse.score_body import ScoreBody
from otel_sessions.langfuse.store import Store
from otel_sessions.queries import scores as queries
from otel_sessions.sessions import scores as storage
from otel_sessions.sessions.scores import Score


class ScoresPage(Page):
    """Which scores to list."""

    session_id: str = ""
    trace_id: str = ""
    name: str = ""
    data_type: str = ""


class Scores:
    """Handlers; what they raise, `answered` answers."""

    def __init__(self, reads: Store, writes: Store, bodies: JsonBodies) -> None:
        self._reads = reads
        self._writes = writes
        self._bodies = bodies

    async def create(self, request: Request) -> Response:
        """One, answered with its id, or a list of them, of which those that are wrong cost only themselves."""
        body, project = await self._bodies.read(request), request.state.project
        if isinstance(body, list):
            return await self._create_all(body, project)
        made = _score(body, project)
        await self._writes.run(partial(storage.store, scores=[made]))
        return JSONResponse({"id": made.score_id})

    async def page(self, request: Request) -> Response:
        wanted, project = ScoresPage.model_validate(parameters(request)), request.state.project
        chosen = wanted.model_dump(exclude={"page"})
        rows, total = await self._reads.run(partial(queries.page, project=project, offset=wanted.offset, **chosen))
        return wanted.answer([score(row, project) for row in rows], total)

    async def one(self, request: Request) -> Response:
        row = await self._found(request)
        return JSONResponse(score(row, request.state.project))

    async def delete(self, request: Request) -> Response:
        await self._found(request)
        named = {"project": request.state.project, "score_id": request.path_params["id"]}
        await self._writes.run(partial(storage.delete, **named))
        return JSONResponse({"message": "The score is deleted"}, 202)

    async def _found(self, request: Request) -> dict[str, Any]:
        named = {"project": request.state.project, "score_id": request.path_params["id"]}
        row = await self._reads.run(partial(queries.one, **named))
        if row is None:
            raise NotFound(f"there is no score {named['score_id']!r}")
        return row

    async def _create_all(self, bodies: Sequence[Any], project: str) -> Response:
        made, faults = [], []
        for number, body in enumerate(bodies):
            try:
                made.append(_score(body, project))
            except ValidationError as error:
                faults.append({"index": number, "message": f"score {number}: {message_of(error)}"})
        await self._writes.run(partial(storage.store, scores=made))
        if faults:
            return JSONResponse({"accepted": len(made), "rejected": len(faults), "errors": faults}, 207)
        return JSONResponse({"message": "Accepted"}, 202)


def _score(body: Any, project: str) -> Score:
    now = datetime.now(UTC)
    return ScoreBody.model_validate(body).score(project, now, now)
