"""Rows of a statement as plain Python values, times with their nanoseconds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.sql import statement

Row = dict[str, Any]
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def select(client: Client, name: str, parameters: Mapping[str, Any]) -> list[Row]:
    """The rows of `sql/NAME.sql`, by column name; times are text as ClickHouse writes them, in UTC.

    Raises `Retryable` when ClickHouse is not reached, `QueryError` when it refuses.
    """
    sql = statement(f"{__package__}.sql", name)
    with reading():
        body = client.raw_query(sql, parameters=dict(parameters), fmt="JSONEachRow")
    return [json.loads(line) for line in body.splitlines() if line]


def as_json(row: Row) -> Row:
    """A row as the REST interface names and writes it: snake_case, RFC 3339 times, `duration_ns`."""
    return dict(_fields(row))


def _fields(row: Row) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        key = "duration_ns" if name == "Duration" else _HUMP.sub("_", name).lower()
        is_time = name in {"StartTime", "EndTime", "Minute"} and isinstance(value, str) and _TIME.fullmatch(value)
        yield key, value.replace(" ", "T") + "Z" if is_time else value
