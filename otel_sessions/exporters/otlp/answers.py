# SPDX-License-Identifier: Apache-2.0
"""What an OTLP back end answers, and what its class of error is: whether to try again, and when.

https://opentelemetry.io/docs/specs/otlp/#failures
"""

from __future__ import annotations

import email.utils
import time
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_sessions.errors import Permanent, Retryable, Throttled, TooLarge
from otel_sessions.telemetry import printable

LONGEST_WAIT_S: Final = 600.0
"""The longest wait: a back end that asks for a longer one is tried again after this."""
_GRPC_RETRYABLE: Final = {
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
    # OTLP's clients drop their data on these. They speak of who asks, or where, and operators put that right.
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNIMPLEMENTED,
}
_HTTP_RETRYABLE: Final = {429, 502, 503, 504, 401, 403, 404}
_MESSAGE: Final = 300  # characters of somebody else's text that a log line takes


def error_of_grpc(peer: str, code: grpc.StatusCode, message: str | None, details: bytes) -> Permanent | Retryable:
    """The error of a call; `details` is the trailer `grpc-status-details-bin`."""
    text = f"{peer} answered {code.name}: {shown(message or '')}"
    wait = _retry_delay(details)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return TooLarge(text) if wait is None else Throttled(text, retry_after=wait)
    return _retryable_error(text, wait) if code in _GRPC_RETRYABLE else Permanent(text)


def error_of_http(peer: str, status: int, body: bytes, retry_after: str | None) -> Permanent | Retryable:
    """The error of an answer that is not 2xx; the body is a `google.rpc.Status` in protobuf, or something else."""
    said = str(_status(body).message) or body.decode("utf-8", "replace")
    text = f"{peer} answered {status}: {shown(said)}"
    if status in _HTTP_RETRYABLE:
        asked = _seconds(retry_after) if retry_after else None
        return _retryable_error(text, asked if asked is not None else _retry_delay(body))
    return TooLarge(text) if status == 413 else Permanent(text)


def shown(text: str) -> str:
    """A text of the other side on one line, cut and escaped for a log."""
    return printable(text[:_MESSAGE])


def _retryable_error(text: str, wait: float | None) -> Retryable:
    return Retryable(text) if wait is None else Throttled(text, retry_after=wait)


def _status(data: bytes) -> Status:
    """The status in a body; an empty one where there is none."""
    try:
        return Status.FromString(data)
    except DecodeError:
        return Status()


def _retry_delay(data: bytes) -> float | None:
    """The seconds to wait that a status asks for in its RetryInfo; None without one."""
    info = RetryInfo()
    for detail in _status(data).details:
        if detail.Is(RetryInfo.DESCRIPTOR) and detail.Unpack(info):
            return _bounded(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return None


def _seconds(retry_after: str) -> float | None:
    """The seconds that `Retry-After` asks for, a number or a date (RFC 9110, 10.2.3); None for any other text."""
    if retry_after.strip().isascii() and retry_after.strip().isdigit():
        return _bounded(float(retry_after))
    try:
        return _bounded(email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _bounded(seconds: float) -> float:
    return min(LONGEST_WAIT_S, max(0.0, seconds))
