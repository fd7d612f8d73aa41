# SPDX-License-Identifier: Apache-2.0
"""What one HTTP request asks for, and what it gets."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from otel_sessions.errors import QueryError
from otel_sessions.lock import OWNER

DEFAULT_FORMAT = "TabSeparated"
# Parameters of the protocol itself, and settings of the HTTP server that clients send unasked. Users and passwords
# are taken, and only the owner's are looked at: who reaches the port may read.
_TRANSPORT = frozenset(
    {"query", "database", "user", "password", "query_id", "default_format", "session_id", "session_timeout"}
    | {"session_check", "compress", "decompress", "wait_end_of_query", "buffer_size", "quota_key", "role", "stacktrace"}
    | {"client_protocol_version", "enable_http_compression", "add_http_cors_header", "close_session"}
    | {"send_progress_in_http_headers", "cancel_http_readonly_queries_on_client_close", "network_compression_method"}
    | {"network_zstd_compression_level"}
)
_TRANSPORT_PREFIX = ("param_", "http_")
_VERSION_DIGITS = 9
_FORMAT = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Job:
    """`statement` is the URL's `query`, a line end, and the body: bytes, as the data of an INSERT may be in it.

    `parameters` are the values of `{name:Type}` as sent. `get` says that the method allows no change, `owner` that the
    client may do everything. `protocol_version` is for blocks of the format Native, see `native_blocks`.
    """

    statement: bytes
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    format: str = DEFAULT_FORMAT
    get: bool = False
    owner: bool = False
    protocol_version: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`format` is None for a statement without a result. `summary` goes into `X-ClickHouse-Summary`."""

    body: bytes
    format: str | None
    summary: Mapping[str, str] = field(default_factory=dict)


def job(params: Mapping[str, str], headers: Mapping[str, str], body: bytes, *, get: bool, owner: bool = False) -> Job:
    """The job that a request asks for. Raises `QueryError` for formats and versions that ClickHouse would refuse."""
    query = params.get("query", "").encode()
    name = headers.get("x-clickhouse-format") or params.get("default_format") or DEFAULT_FORMAT
    if not _FORMAT.fullmatch(name):
        raise QueryError(f"Code: 73. DB::Exception: Unknown format {name}. (UNKNOWN_FORMAT)")
    text = params.get("client_protocol_version", "0")
    if not text.isdecimal() or len(text) > _VERSION_DIGITS:
        raise QueryError("Code: 36. DB::Exception: client_protocol_version is not a number. (BAD_ARGUMENTS)")
    return Job(
        statement=query + b"\n" + body if query and body else query or body,
        parameters={name[6:]: value for name, value in params.items() if name.startswith("param_")},
        settings={
            name: value
            for name, value in params.items()
            if name not in _TRANSPORT and not name.startswith(_TRANSPORT_PREFIX)
        },
        database=params.get("database") or headers.get("x-clickhouse-database", ""),
        format=name,
        get=get,
        owner=owner,
        protocol_version=int(text),
    )


def is_on(params: Mapping[str, str], name: str) -> bool:
    """Whether a parameter of the URL is there and not 0 or false."""
    return params.get(name, "0") not in ("0", "false", "")


def is_owner(headers: Mapping[str, str], secret: str) -> bool:
    """Whether the request carries the owner's name and this secret, in ClickHouse's headers or as basic authentication.

    The secret is in the lock file of the data directory, which who can read can write the data anyway. All others read,
    whatever they call themselves. Takes equally long for every secret that is wrong; never true for an empty one.
    """
    user, password = headers.get("x-clickhouse-user", "").encode(), headers.get("x-clickhouse-key", "").encode()
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = b64decode(value, validate=True).partition(b":")
        except ValueError:
            return False
    return bool(secret) and user == OWNER.encode() and compare_digest(password, secret.encode())
