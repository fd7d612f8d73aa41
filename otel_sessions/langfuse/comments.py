# SPDX-License-Identifier: Apache-2.0
"""`/api/public/comments`: what people wrote on sessions, traces and observations."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, Self

from pydantic import model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.clickhouse.connection import Store
from otel_sessions.langfuse.answers import NotFound, Page, parameters, time
from otel_sessions.queries import turns
from otel_sessions.queries.rows import Row


class CommentsPage(Page):
    """Which comments to list. They have no authors here, so that none is of the author that is asked for."""

    object_type: Literal["SESSION", "TRACE", "OBSERVATION", "PROMPT", ""] = ""
    object_id: str = ""
    author_user_id: str = ""

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if self.object_id and not self.object_type:
            raise ValueError("objectId: objectType is needed beside it")
        return self


class Comments:
    """Handlers; what they raise, `answered` answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, request: Request) -> Response:
        wanted, project = CommentsPage.model_validate(parameters(request)), request.state.project
        if wanted.author_user_id:
            return wanted.answer([], 0)
        found = partial(
            turns.comments_page,
            project=project,
            limit=wanted.limit,
            offset=wanted.offset,
            kind=wanted.object_type,
            object_id=wanted.object_id,
        )
        rows, total = await self._store.run(found)
        return wanted.answer([_comment(row, project) for row in rows], total)

    async def one(self, request: Request) -> Response:
        id_, project = request.path_params["id"], request.state.project
        rows, _ = await self._store.run(partial(turns.comments_page, project=project, limit=1, id_=id_))
        if not rows or not id_:
            raise NotFound(f"there is no comment {id_!r}")
        return JSONResponse(_comment(rows[0], project))


def _comment(row: Row, project: str) -> dict[str, Any]:
    written = time(row["CreatedAt"])
    return {
        "id": row["CommentId"],
        "projectId": project,
        "createdAt": written,
        "updatedAt": written,
        "objectType": row["Kind"],
        "objectId": row["ObjectId"],
        "content": row["Text"],
        "authorUserId": None,
    }
