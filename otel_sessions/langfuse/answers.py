# SPDX-License-Identifier: Apache-2.0
"""Langfuse's answers: JSON, pages as its API counts them, and `{"message", "error"}` for what went wrong."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from otel_sessions.config.typed import Plain
from otel_sessions.errors import InvalidData, NotStored, Permanent, Retryable, TooLarge, Unauthenticated
from otel_sessions.http.body import NOBODY_READS, SlowBody, UnsupportedMediaType
from otel_sessions.queries.paging import CursorError

Handler = Callable[[Request], Awaitable[Response]]
_logger = logging.getLogger(__name__)
_FAULTS_SHOWN: Final = 5


class NotFound(Permanent):
    """There is no such thing: HTTP 404."""


class WrongMethod(Permanent):
    """There is such a thing, for other methods: HTTP 405."""


_HTTP: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (UnsupportedMediaType, 415, "InvalidRequestError"),
    (InvalidData, 400, "InvalidRequestError"),
    (CursorError, 400, "InvalidRequestError"),
    (ValidationError, 400, "InvalidRequestError"),
    (TooLarge, 413, "PayloadTooLargeError"),
    (Unauthenticated, 401, "UnauthorizedError"),
    (NotFound, 404, "LangfuseNotFoundError"),
    (WrongMethod, 405, "MethodNotAllowedError"),
    (NotStored, 501, "NotImplementedError"),
    (Retryable, 503, "ServiceUnavailableError"),
)


def answered(handler: Handler) -> Handler:
    """The handler with every error of its an answer."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return NOBODY_READS
        except Exception as error:  # noqa: BLE001 - refusal knows what each means
            return refusal(error)

    return answer


def refusal(error: Exception) -> Response:
    """The answer to an error; one of no known class is logged and answered 500, after which SDKs try again."""
    status, name = status_of(error)
    if status == 500:
        _logger.error("unexpected error", exc_info=error)
    answer = JSONResponse({"message": message_of(error), "error": name}, status)
    if isinstance(error, Retryable):
        answer.headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, SlowBody):
        answer.headers["connection"] = "close"
    if isinstance(error, Unauthenticated):
        answer.headers["www-authenticate"] = error.challenge
    return answer


def status_of(error: Exception) -> tuple[int, str]:
    """The HTTP status and Langfuse's name of an error."""
    for type_, status, name in _HTTP:
        if isinstance(error, type_):
            return status, name
    return 500, "InternalServerError"


def message_of(error: Exception) -> str:
    """A sentence for the developer; for what pydantic found, where each fault stands."""
    if isinstance(error, ValidationError):
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()[:_FAULTS_SHOWN]
        ]
        return "; ".join(faults)
    return str(error) if status_of(error)[0] != 500 else "internal error"


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
