"""The one place where outcomes and errors become what OTLP says on the wire.

A client retries UNAVAILABLE and drops its data on nearly everything else (checklist G5), so an error is UNAVAILABLE
unless its class says that the same bytes would fail again.
"""

from __future__ import annotations

import logging

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.code_pb2 import INTERNAL, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAUTHENTICATED, UNAVAILABLE
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_sessions.component import Outcome
from otel_sessions.errors import InvalidData, Permanent, Retryable, TooLarge, Unauthenticated

_logger = logging.getLogger(__name__)
UNEXPECTED_RETRY_AFTER_S = 5.0
_RETRY_WITHIN_S = 3600.0
_MESSAGE_BYTES = 512  # it travels up to three times in the trailers, and clients refuse trailers over 8 KiB


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
            return _status(INVALID_ARGUMENT, error, BadRequest(field_violations=[violation]))
        case TooLarge():
            return _status(RESOURCE_EXHAUSTED, error)  # without RetryInfo: the client must not come back (G2)
        case Unauthenticated():
            return _status(UNAUTHENTICATED, error)
        case Permanent():
            return _status(INTERNAL, error)
        case Retryable():
            return _status(UNAVAILABLE, error, _retry_info(error.retry_after))
    _logger.error("unexpected error, the sender is asked to try again", exc_info=error)
    again = Retryable("internal error, try again", retry_after=UNEXPECTED_RETRY_AFTER_S)
    return _status(UNAVAILABLE, again, _retry_info(again.retry_after))


def _status(code: int, error: BaseException, *details: Message) -> Status:
    status = Status(code=code, message=_text(error))
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
