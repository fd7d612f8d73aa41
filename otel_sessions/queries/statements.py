# SPDX-License-Identifier: Apache-2.0
"""Statements in SQL that others write, over the public tables and the rows of one project."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.places import Busy
from otel_sessions.errors import QueryError
from otel_sessions.queries.limits import LimitExceeded, limit_of
from otel_sessions.queries.rows import Row, select
from otel_sessions.sqlguard.one_project import ProjectGuard

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

TABLES: Final = (
    *("sessions", "session_traces", "session_spans", "session_users", "session_timeline", "session_parts"),
    *("session_scores", "session_comments", "session_bookmarks", "session_shares", "session_sampling", "otel_traces"),
)
"""What may be asked: every one has the column `Project`."""
MAX_ROWS: Final = 1000
MAX_BYTES: Final = 16 << 20
MAX_SECONDS: Final = 30
_LESS: Final = {
    "time": "one session (WHERE SessionId = ...), a shorter time (WHERE StartTime > ...), or the views of sessions and"
    " turns instead of spans",
    "memory": "fewer and shorter columns, one session or a shorter time in WHERE, GROUP BY of fewer groups, no ORDER BY"
    " of long texts; the same statement will not fit if asked again",
    "rows": f"an answer of at most {MAX_ROWS:,} rows and {MAX_BYTES:,} bytes: fewer columns, texts cut by"
    " substring(text, 1, 200), a LIMIT, or a GROUP BY",
}
"""What to narrow in a statement."""


_DESCRIBE: Final = re.compile(
    r"""\s*DESC(?:RIBE)?(?:\s+TABLE)?\s+(?:\w+\.)?[`"]?(\w+)[`"]?\s*;?\s*""", re.ASCII | re.IGNORECASE
)


class StatementError(QueryError):
    """A statement that is refused, or that the engine does not understand: HTTP 400."""


@dataclass(frozen=True, slots=True)
class Result:
    """`columns` have a name and ClickHouse's type; `has_more` says that there were more than `MAX_ROWS` rows."""

    columns: Sequence[tuple[str, str]]
    rows: list[list[Any]]
    has_more: bool


def run_statement(client: Client, *, project: str, sql: str) -> Result:
    """What one SELECT answers, at most `MAX_ROWS` rows of it; of a DESCRIBE the columns: `name`, `type`, `comment`.

    Raises `StatementError` for one that does anything else or reads another table, and `LimitExceeded` for one that
    takes more than these bounds, or more memory than the service has left: who asks for the same again hears the same.
    """
    described = _DESCRIBE.fullmatch(sql)
    try:
        return _describe(client, described[1]) if described else _run(client, project, sql)
    except StatementError:
        raise
    except Busy as error:
        if not error.was_tried:
            raise
        raise LimitExceeded("memory", _LESS["memory"]) from error
    except QueryError as error:
        limit = limit_of(error)
        if limit is not None:
            raise LimitExceeded(limit, _LESS[limit]) from error
        raise StatementError(str(error)) from error


def _run(client: Client, project: str, sql: str) -> Result:
    guard = _guard(str(client.database))
    read = guard.check(client, sql)
    if read.has_format_clause:
        raise StatementError("leave FORMAT out: the answer has a form of its own")
    bounds = {
        "limit": MAX_ROWS + 1,
        "max_result_bytes": MAX_BYTES,
        "max_execution_time": MAX_SECONDS,
        "output_format_json_quote_64bit_integers": 0,
    }
    with reading():
        settings = {**guard.filters(project), **{name: str(value) for name, value in bounds.items()}}
        body = read.run(client, "JSONCompactEachRowWithNamesAndTypes", settings)
    if len(body) > MAX_BYTES:  # the engine counts a constant once, however many rows have it
        raise LimitExceeded("rows", _LESS["rows"])
    names, types, *rows = (orjson.loads(line.decode("utf-8", "replace")) for line in body.splitlines() if line)
    return Result(list(zip(names, types, strict=True)), rows[:MAX_ROWS], len(rows) > MAX_ROWS)


def _describe(client: Client, name: str) -> Result:
    columns = next((table["columns"] for table in describe_tables(client) if table["name"] == name), None)
    if columns is None:
        raise StatementError(f"there is no table {name!r} to describe; there are {', '.join(TABLES)}")
    members = ("name", "type", "comment")
    rows = [[column[member] for member in members] for column in columns]
    return Result([(member, "String") for member in members], rows, has_more=False)


@cache
def _guard(database: str) -> ProjectGuard:
    """One for all statements: what it learns of the engine's functions stays true."""
    return ProjectGuard(database, TABLES)


def describe_tables(client: Client) -> list[Row]:
    """The tables of `TABLES` that there are: `name`, `comment`, `columns` with `name`, `type` and `comment`."""
    shown = []
    for row in select(client, "public_columns", {"tables": list(TABLES)}):
        columns = zip(row["Columns"], row["Types"], row["Comments"], strict=True)
        members = [dict(zip(("name", "type", "comment"), column, strict=True)) for column in columns]
        shown.append({"name": row["Name"], "comment": row["Comment"], "columns": members})
    return shown
