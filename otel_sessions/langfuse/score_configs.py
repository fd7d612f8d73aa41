# SPDX-License-Identifier: Apache-2.0
"""`/api/public/score-configs`: what scores of a name have to be, to read; the name is the id."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.clickhouse.connection import Store
from otel_sessions.langfuse.answers import NotFound, Page, parameters
from otel_sessions.queries import score_configs
from otel_sessions.queries.rows import Row

_MOST: Final = 10_000


class ScoreConfigs:
    """Handlers; what they raise, `answered` answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, request: Request) -> Response:
        """Answers with a page of the project's configurations by name, of the first 10,000."""
        wanted, project = Page.model_validate(parameters(request)), request.state.project
        found = await self._store.run(partial(score_configs.list_configs, project=project, limit=_MOST))
        shown = found.rows[wanted.offset : wanted.offset + wanted.limit]
        return wanted.answer([_config(row, project) for row in shown], len(found.rows))

    async def one(self, request: Request) -> Response:
        name, project = request.path_params["id"], request.state.project
        row = await self._store.run(partial(score_configs.one, project=project, name=name)) if name else None
        if row is None:
            raise NotFound(f"there is no score configuration {name!r}")
        return JSONResponse(_config(row, project))


def _config(row: Row, project: str) -> dict[str, Any]:
    return {
        "id": row["name"],
        "name": row["name"],
        "createdAt": f"{row['created_at'][:23]}Z",
        "updatedAt": f"{row['updated_at'][:23]}Z",
        "projectId": project,
        "dataType": row["data_type"],
        "isArchived": row["is_archived"],
        "minValue": row["min_value"],
        "maxValue": row["max_value"],
        "categories": row["categories"] or None,
        "description": row["description"] or None,
    }
