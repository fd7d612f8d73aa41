# SPDX-License-Identifier: Apache-2.0
"""A statement over ClickHouse's HTTP interface, its result passed on as it comes."""

from __future__ import annotations

import http.client
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlencode

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.errors import brief
from otel_sessions.errors import QueryError, Retryable

_TIMEOUT_S = 600
_CHUNK = 1 << 16
_TAIL = 1 << 15  # ClickHouse ends a failed result with at most 16 KiB on the failure
_MARK = b"__exception__"


def run(endpoint: Endpoint, sql: str, format_: str) -> Iterator[bytes]:
    """The result in pieces, in `format_` unless the statement names one.

    Raises `QueryError` when ClickHouse refuses, even in the middle of the result; `Retryable` when it is not reached.
    """
    parameters = urlencode({"database": endpoint.database, "default_format": format_})
    kind = http.client.HTTPSConnection if endpoint.scheme == "https" else http.client.HTTPConnection
    connection = kind(endpoint.host, endpoint.port, timeout=_TIMEOUT_S)
    try:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if endpoint.user:
            credentials = b64encode(f"{endpoint.user}:{endpoint.password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {credentials}"
        connection.request("POST", f"/?{parameters}", body=sql.encode(), headers=headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            text = response.read(_TAIL).decode("utf-8", "replace").strip()
            if response.getheader("X-ClickHouse-Exception-Code"):
                raise QueryError(brief(text))
            raise Retryable(f"{endpoint} answers {response.status} {response.reason}: {text}")
        yield from _pieces(response)
    except (OSError, http.client.HTTPException) as error:
        raise Retryable(f"{endpoint} is not reached: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Everything but what ClickHouse says of a failure after the result had begun, which is raised at its end."""
    tag = (response.getheader("X-ClickHouse-Exception-Tag") or "").encode()
    held, broken = b"", False
    try:
        while chunk := response.read1(_CHUNK):
            held += chunk
            yield held[:-_TAIL]
            held = held[-_TAIL:]
    except http.client.HTTPException:
        broken = True
    result, message = _divided(held, tag)
    yield result
    if message or broken:
        raise QueryError(message or "the result broke off")


def _divided(end: bytes, tag: bytes) -> tuple[bytes, str]:
    """The end of a result, and what ClickHouse wrote after it: mark, tag, message, its length, tag, mark."""
    start = end.rfind(_MARK + b"\r\n" + tag) if tag else -1
    if start < 0:
        return end, ""
    message = end[start:].split(tag)[1].decode("utf-8", "replace").strip()
    return end[:start].removesuffix(b"\r\n"), message.rpartition("\n")[0].strip() or message
