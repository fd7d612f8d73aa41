# SPDX-License-Identifier: Apache-2.0
"""What a failure of ClickHouse means: try again, or never."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from otel_sessions.errors import OtelSessionsError, Permanent, QueryError, Retryable, SchemaError

# Numbers of ClickHouse's src/Common/ErrorCodes.cpp: the server is busy, ill, or not reached; the rows may go in later.
_RETRYABLE = frozenset(
    {
        3,  # UNEXPECTED_END_OF_FILE: the connection ended within the request
        32,  # ATTEMPT_TO_READ_AFTER_EOF: the same
        33,  # CANNOT_READ_ALL_DATA: the same
        74,  # CANNOT_READ_FROM_FILE_DESCRIPTOR
        75,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR
        76,  # CANNOT_OPEN_FILE
        77,  # CANNOT_CLOSE_FILE
        83,  # DIRECTORY_DOESNT_EXIST
        95,  # CANNOT_READ_FROM_SOCKET
        96,  # CANNOT_WRITE_TO_SOCKET
        107,  # FILE_DOESNT_EXIST
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        164,  # READONLY
        173,  # CANNOT_ALLOCATE_MEMORY
        193,  # WRONG_PASSWORD: operators rotate passwords
        194,  # REQUIRED_PASSWORD
        198,  # DNS_ERROR
        201,  # QUOTA_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        289,  # REPLICA_IS_NOT_IN_QUORUM
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        424,  # CANNOT_LINK
        425,  # SYSTEM_ERROR
        439,  # CANNOT_SCHEDULE_TASK
        473,  # DEADLOCK_AVOIDED
        481,  # PATH_ACCESS_DENIED
        497,  # ACCESS_DENIED: a grant may come
        499,  # S3_ERROR
        516,  # AUTHENTICATION_FAILED
        521,  # ATOMIC_RENAME_FAIL
        700,  # USER_SESSION_LIMIT_EXCEEDED
        999,  # KEEPER_EXCEPTION
    }
)
_PRESSED = frozenset(
    {
        173,  # CANNOT_ALLOCATE_MEMORY
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        243,  # NOT_ENOUGH_SPACE: what is too much for the memory of a query goes to the disk
        439,  # CANNOT_SCHEDULE_TASK: no threads
    }
)
"""Errors of a read that others are the cause of."""
_MEMORY_LIMIT = 241
_OF_ALL = re.compile(r"\((?:total|for user)\)|User memory limit")
_WRAPPING = re.compile(r"^Received ClickHouse exception, code: \d+, server response: (?=Code: )| \(for url \S+\)$")
_LIST = "Expected one of: "
_EXPECTED = 8  # of a list of some hundred words, those said
_STD_EXCEPTION = 1001  # what a full or broken disk becomes, and much else
_SCHEMA = frozenset({16, 60, 81})  # NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_TABLE, UNKNOWN_DATABASE


def code_of(error: BaseException) -> int | None:
    """The number of ClickHouse's error, also behind one of ours; None where nobody answered."""
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return code
    return code_of(error.__cause__) if error.__cause__ else None


def is_of_all(error: BaseException) -> bool:
    """Whether a read found no memory, threads or disk because all at once take what there is, not it alone."""
    code = code_of(error)
    return code in _PRESSED or (code == _MEMORY_LIMIT and bool(_OF_ALL.search(str(error))))


def _is_of_clickhouse(error: BaseException) -> bool:
    """Whether it is one of clickhouse-connect's."""
    if isinstance(error, (OtelSessionsError, OSError)):
        return False
    # only where something failed: commands that ask a running service over plain HTTP start without the library
    from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415

    return isinstance(error, ClickHouseError)


def text_of(error: BaseException) -> str:
    """What ClickHouse says, without the code and the address that clickhouse-connect puts around it a second time."""
    return brief(_WRAPPING.sub("", str(error)))


def brief(text: str) -> str:
    """What ClickHouse says, of a long list of what it had expected only the beginning, and how many more there are."""
    head, found, rest = text.partition(_LIST)
    scope = rest.find(": In scope ")
    end = scope if scope >= 0 else rest.rfind(". (")
    listed, after = (rest[:end], rest[end:]) if end >= 0 else (rest, "")
    words = listed.split(", ")
    if len(words) <= _EXPECTED + 1:
        return text
    return f"{head}{found}{', '.join(words[:_EXPECTED])} and {len(words) - _EXPECTED} more{after}"


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turns clickhouse-connect's errors into `Retryable`, `SchemaError` or `Permanent`, the cause kept.

    Without a ClickHouse error code nobody answered: retryable.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError):
            raise Retryable(f"{what}: {text_of(error)}") from error
        if not _is_of_clickhouse(error):
            raise
        code = code_of(error)
        if code in _SCHEMA:
            raise SchemaError(f"{what}: {text_of(error)}; run `otel-sessions migrate`") from error
        if code is None or code in _RETRYABLE or (code == _STD_EXCEPTION and "filesystem error" in str(error)):
            raise Retryable(f"{what}: {text_of(error)}") from error
        raise Permanent(f"{what}: {text_of(error)}") from error


@contextmanager
def reading() -> Iterator[None]:
    """Turns clickhouse-connect's errors into `Retryable` or `QueryError`, the cause kept."""
    try:
        yield
    except Exception as error:
        if not _is_of_clickhouse(error):
            raise
        code = code_of(error)
        if code is None:
            raise Retryable(f"ClickHouse is not reached: {text_of(error)}") from error
        if is_of_all(error):
            raise Retryable(text_of(error), retry_after=2.0) from error
        raise QueryError(text_of(error)) from error
