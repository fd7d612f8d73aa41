# SPDX-License-Identifier: Apache-2.0
"""What went wrong, as gRPC says it: a code, a message, and details."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2 as code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from otel_sessions.errors import NotStored, Permanent, Retryable
from otel_sessions.queries.language import LanguageError
from otel_sessions.queries.limits import LimitExceeded

_logger = logging.getLogger(__name__)
_DOMAIN: Final = "otel-sessions"
_TEXT_BYTES: Final = 512  # it travels up to three times in the trailers, and clients refuse trailers over 8 KiB


class Refused(Permanent):
    """The listener does not let the call in: its client is told this status, and the log has been."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


class InvalidRequest(Permanent):
    """A field of a request that is not what its method takes: INVALID_ARGUMENT."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotFound(Permanent):
    """There is no such session: NOT_FOUND."""


def refuse(status: Status, context: grpc.ServicerContext) -> NoReturn:
    """Ends a call with what its client is told."""
    context.abort_with_status(rpc_status.to_status(status))


def status_of(error: Exception) -> Status:
    """The `google.rpc.Status` of an error; one of no known class is logged."""
    if isinstance(error, Refused):
        return error.status
    for type_, code_, details in _KNOWN:
        if isinstance(error, type_):
            status = Status(code=code_, message=_cut(str(error) or type(error).__name__))
            for detail in details(error):
                status.details.add().Pack(detail)
            return status
    _logger.error("a call failed in an unexpected way", exc_info=error)
    return Status(code=code.INTERNAL, message="internal error; the service's log says more")


def _of_language(error: LanguageError) -> tuple[Message, ...]:
    """The details of an error: for people in words, for programs in members."""
    near = list(error.did_you_mean)
    description = f"position: {error.position}, did_you_mean: {near}; {error}"
    metadata = {"position": str(error.position), "did_you_mean": ",".join(near)}
    return _violation("query", description), ErrorInfo(reason="INVALID_QUERY", domain=_DOMAIN, metadata=metadata)


def _of_limit(error: LimitExceeded) -> tuple[Message, ...]:
    return (ErrorInfo(reason="LIMIT_EXCEEDED", domain=_DOMAIN, metadata={"limit": error.limit}),)


def _of_retryable(error: Retryable) -> tuple[Message, ...]:
    delay = Duration()
    delay.FromNanoseconds(round(max(0.0, error.retry_after) * 1e9))
    return (RetryInfo(retry_delay=delay),)


def _violation(field: str, description: str) -> BadRequest:
    return BadRequest(field_violations=[BadRequest.FieldViolation(field=field, description=_cut(description))])


def _cut(text: str) -> str:
    return text.encode(errors="replace")[:_TEXT_BYTES].decode(errors="ignore")


_KNOWN: Final[tuple[tuple[type[Exception], int, Callable[[Any], tuple[Message, ...]]], ...]] = (
    (LanguageError, code.INVALID_ARGUMENT, _of_language),
    (InvalidRequest, code.INVALID_ARGUMENT, lambda error: (_violation(error.field, str(error)),)),
    (NotFound, code.NOT_FOUND, lambda _: ()),
    (NotStored, code.UNIMPLEMENTED, lambda _: ()),
    (LimitExceeded, code.RESOURCE_EXHAUSTED, _of_limit),
    (Retryable, code.UNAVAILABLE, _of_retryable),
)
