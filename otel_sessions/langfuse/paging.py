"""Pages as Langfuse's API counts them, and the parameters of a request."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.queries.rows import Row


class Page(BaseModel):
    """Parameters of a list. One that it does not know is a fault: a filter passed over would be a wrong answer."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=1000)] = 50

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def answer(self, data: list[dict[str, Any]], total: int) -> Response:
        pages = -(-total // self.limit)
        meta = {"page": self.page, "limit": self.limit, "totalItems": total, "totalPages": pages}
        return JSONResponse({"data": data, "meta": meta})


def parameters(request: Request, *lists: str) -> dict[str, Any]:
    """The query's: text, or a list of texts for each name in `lists`."""
    query = request.query_params
    return {name: query.getlist(name) if name in lists else value for name, value in query.items()}


def time(text: str) -> str:
    """A time of ClickHouse as Langfuse writes it, with milliseconds."""
    whole, _, fraction = text.partition(".")
    return f"{whole.replace(' ', 'T')}.{fraction[:3].ljust(3, '0')}Z"


def score(row: Row, project: str) -> dict[str, Any]:
    """A score in Langfuse's shape; ids that it has not are null."""
    shown = {
        "id": row["ScoreId"],
        "projectId": project,
        "name": row["Name"],
        "dataType": row["DataType"],
        "value": row["Value"],
        "traceId": row["TraceId"] or None,
        "sessionId": row["SessionId"] or None,
        "observationId": row["SpanId"] or None,
        "source": row["Source"],
        "comment": row["Comment"] or None,
        "metadata": _metadata(row["Metadata"]),
        "environment": row["Environment"],
        "timestamp": time(row["Timestamp"]),
        "createdAt": time(row["Timestamp"]),
        "updatedAt": time(row["UpdatedAt"]),
    }
    return shown if row["DataType"] == "NUMERIC" else {**shown, "stringValue": row["StringValue"]}


def _metadata(text: str) -> dict[str, Any]:
    """An object; any other value under the name `metadata`."""
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {"metadata": value}
