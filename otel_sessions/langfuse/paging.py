"""Pages as Langfuse's API counts them, and the parameters of a request."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.config.faults import Plain


class Page(Plain):
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
