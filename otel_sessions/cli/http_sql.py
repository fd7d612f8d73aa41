# SPDX-License-Identifier: Apache-2.0
"""Statements over ClickHouse's HTTP interface by the standard library alone: commands that ask a running service start
in half the time that clickhouse-connect takes to be loaded.
"""

from __future__ import annotations

import http.client
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from threading import Thread
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode
from uuid import uuid4

from otel_sessions.clickhouse.at_once import lend
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.errors import brief
from otel_sessions.errors import QueryError, Retryable

if TYPE_CHECKING:
    from concurrent.futures import Future

    from otel_sessions.clickhouse.surface import Client

_TIMEOUT_S = 600
_CHUNK = 1 << 16
_TAIL = 1 << 15  # ClickHouse ends a failed result with at most 16 KiB on the failure
_MARK = b"__exception__"
_ESCAPED = str.maketrans({char: f"\\{char}" for char in "\\'`\t\n"})


class Reader:
    """What reads want of a client of clickhouse-connect: `raw_query`. It raises `QueryError` and `Retryable` itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.database = endpoint.database

    def raw_query(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        fmt: str = "TabSeparated",
    ) -> bytes:
        return b"".join(run(self._endpoint, query, fmt, parameters, settings))

    def close(self) -> None:
        """Nothing stays open between statements."""


class Beside:
    """The threads of `at_once`, for statements of a `Reader` that do not wait for each other."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def beside(self, work: Callable[[Client], Any]) -> Future[Any]:
        """Runs it on a thread for which no command waits that ends, with a reader that has such threads too."""
        from concurrent.futures import Future  # noqa: PLC0415 - seldom needed

        client = cast("Client", Reader(self._endpoint))
        lend(client, self)
        done: Future[Any] = Future()
        Thread(target=_do, args=(done, work, client), daemon=True).start()
        return done


def _do(done: Future[Any], work: Callable[[Client], Any], client: Client) -> None:
    if done.set_running_or_notify_cancel():
        try:
            done.set_result(work(client))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result has it
            done.set_exception(error)


class Refused(Exception):  # noqa: N818 - a cause, as `errors.code_of` reads it
    """What ClickHouse answers instead of a result, by the number of its error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def run(
    endpoint: Endpoint,
    sql: str,
    format_: str,
    parameters: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[bytes]:
    """The result in pieces, in `format_` unless the statement names one; `parameters` are bound to it.

    Raises `QueryError` when ClickHouse refuses, even in the middle of the result; `Retryable` when it is not reached.
    """
    named = urlencode({"database": endpoint.database, "default_format": format_, **(settings or {})})
    kind = http.client.HTTPSConnection if endpoint.scheme == "https" else http.client.HTTPConnection
    connection = kind(endpoint.host, endpoint.port, timeout=_TIMEOUT_S)
    try:
        content_type, body = _body(sql, parameters or {})
        headers = {"Content-Type": content_type}
        if endpoint.user:
            credentials = b64encode(f"{endpoint.user}:{endpoint.password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {credentials}"
        connection.request("POST", f"/?{named}", body=body, headers=headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            text = response.read(_TAIL).decode("utf-8", "replace").strip()
            code = response.getheader("X-ClickHouse-Exception-Code")
            if code:
                raise QueryError(brief(text)) from Refused(int(code))
            raise Retryable(f"{endpoint} answers {response.status} {response.reason}: {text}")
        yield from _pieces(response)
    except (OSError, http.client.HTTPException) as error:
        raise Retryable(f"{endpoint} is not reached: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _body(sql: str, parameters: Mapping[str, Any]) -> tuple[str, bytes]:
    """The statement, and with it as a form what is bound to it, which may be longer than the line of a request."""
    if not parameters:
        return "text/plain; charset=utf-8", sql.encode()
    fields = {"query": sql, **{f"param_{name}": _bound(value) for name, value in parameters.items()}}
    boundary = uuid4().hex
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    )
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _bound(value: Any) -> str:
    """A value as ClickHouse reads that of a parameter: escaped, and a list with its texts in quotes."""
    if isinstance(value, str):
        return value.translate(_ESCAPED)
    if isinstance(value, list):
        texts = (f"'{_bound(each)}'" if isinstance(each, str) else _bound(each) for each in value)
        return f"[{', '.join(texts)}]"
    return str(value)


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
    message, start = "", held.rfind(_MARK + b"\r\n" + tag) if tag else -1
    if start >= 0:  # mark, tag, message, its length, tag, mark
        told = held[start:].split(tag)[1].decode("utf-8", "replace").strip()
        message = told.rpartition("\n")[0].strip() or told
        held = held[:start].removesuffix(b"\r\n")
    yield held
    if message or broken:
        raise QueryError(message or "the result broke off")
