# SPDX-License-Identifier: Apache-2.0
"""`/api/public/scores`: created, listed, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.clickhouse.connection import Store
from otel_sessions.http.body import Bodies, Body
from otel_sessions.langfuse.answers import NotFound, message_of, parameters
from otel_sessions.langfuse.score_body import ScoreBody
from otel_sessions.langfuse.score_pages import ScoresBehind, ScoresPage
from otel_sessions.langfuse.score_shapes import score, score_in_groups
from otel_sessions.queries import scores as queries
from otel_sessions.sessions import scores as storage
from otel_sessions.sessions.scores import Score


class Scores:
    """Handlers; what they raise, `answered` answers."""

    def __init__(self, reads: Store, writes: Store, bodies: Bodies) -> None:
        self._reads = reads
        self._writes = writes
        self._bodies = bodies

    async def create(self, request: Request) -> Response:
        """Stores one score, answered with its id, or a list of them, of which wrong ones cost only themselves."""
        sent = await self._bodies.take(request, partial(_sent, request.state.project))
        await self._writes.run(partial(storage.store, scores=sent.made))
        if not sent.is_list:
            return JSONResponse({"id": sent.made[0].score_id})
        if sent.faults:
            counts = {"accepted": len(sent.made), "rejected": len(sent.faults)}
            return JSONResponse({**counts, "errors": sent.faults}, 207)
        return JSONResponse({"message": "Accepted"}, 202)

    async def page(self, request: Request) -> Response:
        """Lists scores by the number of a page, as v2 and what came before it."""
        page, project = ScoresPage.model_validate(parameters(request, "environment")), request.state.project
        found = partial(queries.page, project=project, limit=page.limit, offset=page.offset, wanted=page.wanted())
        rows, total = await self._reads.run(found)
        return page.answer([score(row, project) for row in rows], total)

    async def page_behind(self, request: Request) -> Response:
        """Lists scores behind a cursor, as v3."""
        page, project = ScoresBehind.model_validate(parameters(request)), request.state.project
        rows, cursor = [], None
        if not page.is_of_none:
            named = {"project": project, "limit": page.limit, "cursor": page.cursor, "wanted": page.wanted()}
            found = await self._reads.run(partial(queries.page_behind, **named))
            rows, cursor = found.rows, found.next_cursor
        meta = {"limit": page.limit, **({"cursor": cursor} if cursor else {})}
        return JSONResponse({"data": [score_in_groups(row, project, page.fields) for row in rows], "meta": meta})

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


@dataclass(frozen=True)
class _Sent:
    """The scores of a body, and what is wrong with the others; `is_list` unless it was one score by itself."""

    made: list[Score]
    faults: list[dict[str, Any]]
    is_list: bool


def _sent(project: str, body: Body) -> _Sent:
    """Checks a body, in a thread, as it may be a long list; raises `ValidationError` for one score that is wrong."""
    content, now = body.json(), datetime.now(UTC)
    if not isinstance(content, list):
        return _Sent([ScoreBody.model_validate(content).score(project, now, now)], [], False)
    made, faults = [], []
    for number, each in enumerate(content):
        try:
            made.append(ScoreBody.model_validate(each).score(project, now, now))
        except ValidationError as error:
            faults.append({"index": number, "message": f"score {number}: {message_of(error)}"})
    return _Sent(made, faults, True)
