# SPDX-License-Identifier: Apache-2.0
"""What went wrong, as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any, Final

import orjson
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from otel_sessions.errors import InvalidData, NotStored, Permanent, Retryable, TooLarge, Unauthenticated
from otel_sessions.http.body import UnsupportedMediaType
from otel_sessions.queries.facets import FacetError
from otel_sessions.queries.language import LanguageError
from otel_sessions.queries.limits import LimitExceeded
from otel_sessions.queries.metrics import TooManyPointsError
from otel_sessions.queries.paging import CursorError
from otel_sessions.queries.statements import StatementError

MEDIA_TYPE: Final = "application/problem+json"
_logger = logging.getLogger(__name__)


class NotFound(Permanent):
    """What is asked for is not there: HTTP 404."""


class Forbidden(Permanent):
    """Whoever asks may not have this, or not from that site: HTTP 403."""


class TooManyRequests(Permanent):
    """One client asks too often; it may come back in `retry_after` seconds: HTTP 429."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(Permanent):
    """What is there already forbids it: HTTP 409."""


class WrongMethod(Permanent):
    """The path is there for other methods: HTTP 405."""


class NotInstalled(Permanent):
    """An extra is missing: HTTP 501. The message says which."""


_STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (UnsupportedMediaType, 415),
    (LanguageError, 400),
    (CursorError, 400),
    (FacetError, 400),
    (TooManyPointsError, 400),
    (StatementError, 400),
    (ValidationError, 400),
    (InvalidData, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (WrongMethod, 405),
    (Conflict, 409),
    (TooLarge, 413),
    (LimitExceeded, 422),
    (TooManyRequests, 429),
    (NotStored, 501),
    (NotInstalled, 501),
    (Retryable, 503),
)


_NAMES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (LanguageError, "query"),
    (CursorError, "cursor"),
    (FacetError, "field"),
    (TooManyPointsError, "interval"),
)
"""What in a request each is about, wherever it stands."""


def problem(error: Exception) -> Response:
    """The answer to an error; one of no known class is logged and answered 500, without its text."""
    if isinstance(error, HTTPException):
        return _answer(error.status_code, error.detail, {})
    status = next((status for type_, status in _STATUS if isinstance(error, type_)), 500)
    if status == 500:
        _logger.error("a request failed in an unexpected way", exc_info=error)
        return _answer(500, "internal error; the service's log says more", {})
    detail = str(error)
    if isinstance(error, ValidationError):
        detail = "; ".join(f"{each['name']}: {each['message']}" for each in _faults(error))
    answer = _answer(status, detail, dict(_members(error)))
    if isinstance(error, Retryable | TooManyRequests):
        answer.headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, Unauthenticated) and error.challenge:
        answer.headers["www-authenticate"] = error.challenge
    return answer


def _answer(status: int, detail: str, members: dict[str, Any]) -> Response:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    return Response(orjson.dumps(body), status, media_type=MEDIA_TYPE)


def _members(error: Exception) -> list[tuple[str, Any]]:
    members: list[tuple[str, Any]] = []
    if isinstance(error, LanguageError):
        members.append(("position", error.position))
    if isinstance(error, LanguageError | FacetError):
        members.append(("did_you_mean", list(error.did_you_mean)))
    if isinstance(error, LimitExceeded):
        members.append(("limit", error.limit))
    if faults := _faults(error):
        members.append(("errors", faults))
    return members


def _faults(error: Exception) -> list[dict[str, str]]:
    """What is wrong with which member or parameter of a request."""
    if not isinstance(error, ValidationError):
        return [{"name": name, "message": str(error)} for type_, name in _NAMES if isinstance(error, type_)]
    return [
        {"name": ".".join(map(str, fault["loc"])) or "body", "message": fault["msg"].removeprefix("Value error, ")}
        for fault in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
