# SPDX-License-Identifier: Apache-2.0
"""The one place where outcomes and errors become what OTLP says on the wire.

A client retries UNAVAILABLE and drops its data on nearly everything else, so an error is UNAVAILABLE unless its class
says that the same bytes would fail again. The codes in comments, as G5, are those of docs/otlp-checklist.md.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2 as code
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_sessions.component import Outcome
from otel_sessions.errors import InvalidData, Permanent, Retryable, TooLarge, Unauthenticated

_logger = logging.getLogger(__name__)
UNEXPECTED_RETRY_AFTER_S: Final = 5.0
_RETRY_WITHIN_S: Final = 3600.0
_MESSAGE_BYTES: Final = 512  # it travels up to three times in the trailers, and clients refuse trailers over 8 KiB
_HTTP: Final[Mapping[int, int]] = {
    code.UNAVAILABLE: 503,
    code.RESOURCE_EXHAUSTED: 429,
    code.INVALID_ARGUMENT: 400,
    code.UNAUTHENTICATED: 401,
    code.PERMISSION_DENIED: 403,
    code.UNIMPLEMENTED: 404,
    code.NOT_FOUND: 404,
}


def response_of(outcome: Outcome) -> ExportTraceServiceResponse:
    """`partial_success` is unset when all is well (A5), and has a message when anything is to be said (A6)."""
    if not outcome.rejected_spans and not outcome.message:
        return ExportTraceServiceResponse()
    message = outcome.message or f"{outcome.rejected_spans} spans were rejected"
    partial = ExportTracePartialSuccess(rejected_spans=outcome.rejected_spans, error_message=message)
    return ExportTraceServiceResponse(partial_success=partial)


def status_of(error: BaseException) -> Status:
    """The `google.rpc.Status` of an error: its code, a message that is never empty, and its details.

    An error of no known class is logged with its traceback, and the client is told to come back: the fault is ours, and
    its spans must not be lost by it.
    """
    match error:
        case InvalidData():
            violation = BadRequest.FieldViolation(description=_text(error))
            return _status(code.INVALID_ARGUMENT, error, BadRequest(field_violations=[violation]))
        case TooLarge():
            return _status(code.RESOURCE_EXHAUSTED, error)  # without RetryInfo: the client must not come back (G2)
        case Unauthenticated():
            return _status(code.UNAUTHENTICATED, error)
        case Permanent():
            return _status(code.INTERNAL, error)
        case Retryable():
            return _status(code.UNAVAILABLE, error, _retry_info(error.retry_after))
    _logger.error("unexpected error, the sender is asked to try again", exc_info=error)
    again = Retryable("internal error, try again", retry_after=UNEXPECTED_RETRY_AFTER_S)
    return _status(code.UNAVAILABLE, again, _retry_info(again.retry_after))


def http_status(status: Status) -> int:
    """The status code; what would be RESOURCE_EXHAUSTED again is too large, 413."""
    if status.code == code.RESOURCE_EXHAUSTED and retry_after(status) is None:
        return 413
    return _HTTP.get(status.code, 500)


def retry_after(status: Status) -> int | None:
    """Whole seconds, at least 1, after which the client should come back; None if it should not."""
    info = RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            delay_ns: int = info.retry_delay.ToNanoseconds()
            return max(1, math.ceil(delay_ns / 1e9))
    return None


def _status(code_: int, error: BaseException, *details: Message) -> Status:
    status = Status(code=code_, message=_text(error))
    for detail in details:
        status.details.add().Pack(detail)
    return status


def _text(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text.encode(errors="replace")[:_MESSAGE_BYTES].decode(errors="ignore")


def _retry_info(seconds: float) -> RetryInfo:
    delay = Duration()
    delay.FromNanoseconds(round(min(_RETRY_WITHIN_S, max(0.0, seconds)) * 1e9))
    return RetryInfo(retry_delay=delay)
