"""`google.rpc.Status` on HTTP: which status code, which headers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from google.rpc import code_pb2 as code
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

_HTTP: Final[Mapping[int, int]] = {
    code.UNAVAILABLE: 503,
    code.RESOURCE_EXHAUSTED: 429,
    code.INVALID_ARGUMENT: 400,
    code.UNAUTHENTICATED: 401,
    code.PERMISSION_DENIED: 403,
    code.UNIMPLEMENTED: 404,
    code.NOT_FOUND: 404,
}


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
