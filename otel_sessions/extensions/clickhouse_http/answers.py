# SPDX-License-Identifier: Apache-2.0
"""Answers and errors as ClickHouse's HTTP interface gives them. The sources of the tables are ClickHouse's own:
`src/Server/HTTP/exceptionCodeToHTTPStatus.cpp` and the content types of its formats."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from collections.abc import Mapping

from starlette.responses import Response

from otel_sessions.extensions.clickhouse_http import native_compression
from otel_sessions.extensions.clickhouse_http.job import Answer, is_on

SERVER_NAME = "otel-sessions"
_CODE = re.compile(r"Code: (\d{1,4})\.")
_UNKNOWN_EXCEPTION = 1002
_STATUS = (
    dict.fromkeys((6, 25, 26, 27, 36, 38, 41, 43, 44, 53, 62, 69, 70, 72, 117, 130, 131, 167, 168, 395, 456, 457), 400)
    | dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 81, 115), 404)
    | dict.fromkeys((164, 291, 392, 452, 497), 403)
    | {48: 501, 159: 408, 202: 503, 307: 413}
)
_UTF8 = "; charset=UTF-8"
_TYPES = (
    (re.compile(r"PrettyJSON\w+|\w*ND?JSON|JSONL|JSONLines|JSON\w*EachRow\w*"), "application/x-ndjson" + _UTF8),
    (re.compile(r"JSON\w*|GeoJSON"), "application/json" + _UTF8),
    (re.compile(r"CSV\w*"), "text/csv" + _UTF8),
    (re.compile(r"(TSV|TabSeparated|TSKV|LineAsString|Raw(WithNames\w*)?$)\w*"), "text/tab-separated-values" + _UTF8),
    (re.compile(r"XML"), "application/xml" + _UTF8),
    (re.compile(r"Markdown|MD"), "text/markdown" + _UTF8),
    (re.compile(r"Pretty\w*|Vertical|Values|SQLInsert|Custom\w*|Template|Prometheus|Hash|Null"), "text/plain" + _UTF8),
)


def ok(answer: Answer, query_id: str | None) -> Response:
    """The response to a statement that has run; `query_id` is the client's, if it named one."""
    headers = _headers(query_id, answer.summary)
    if answer.format is None:
        headers["Content-Type"] = "text/plain" + _UTF8
    else:
        types = (type_ for pattern, type_ in _TYPES if pattern.fullmatch(answer.format))
        headers["Content-Type"] = next(types, "application/octet-stream")
        headers["X-ClickHouse-Format"] = answer.format
    return Response(answer.body, headers=headers)


def failed(message: str, query_id: str | None) -> Response:
    """The response to an error, its status by ClickHouse's code in the text."""
    match = _CODE.search(message)
    code = int(match[1]) if match else _UNKNOWN_EXCEPTION
    text = message if match else f"Code: {code}. DB::Exception: {message} (UNKNOWN_EXCEPTION)"
    headers = _headers(query_id, {})
    headers["X-ClickHouse-Exception-Code"] = str(code)
    headers["Content-Type"] = "text/plain" + _UTF8
    status = _STATUS.get(code, 500)
    if status == 503:
        headers["Retry-After"] = "1"
    return Response(text + "\n", status_code=status, headers=headers)


def packed(response: Response, params: Mapping[str, str], accepted: str) -> Response:
    """The same response, compressed as its request wants it, errors included."""
    body = bytes(response.body)
    if is_on(params, "compress"):
        body = native_compression.compressed(body, params.get("network_compression_method", "LZ4"))
    elif params.get("enable_http_compression") == "1" and "gzip" in accepted:
        body = gzip.compress(body, 1)
        response.headers["Content-Encoding"] = "gzip"
    response.body = body
    response.headers["Content-Length"] = str(len(body))
    return response


def plain(text: str) -> Response:
    return Response(text, headers={"Content-Type": "text/html" + _UTF8})


def _headers(query_id: str | None, summary: Mapping[str, str]) -> dict[str, str]:
    return {
        "X-ClickHouse-Server-Display-Name": SERVER_NAME,
        "X-ClickHouse-Query-Id": query_id
        if query_id and query_id.isascii() and query_id.isprintable()
        else str(uuid.uuid4()),
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Summary": json.dumps(dict(summary)),
    }
