# SPDX-License-Identifier: Apache-2.0
"""Rows of a statement as plain Python values, times with their nanoseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from otel_sessions.clickhouse.chunks import bounded
from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.sql import statement

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

Row = dict[str, Any]
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
_SECTION = re.compile(r"^-- ([\w.]+)\n(.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TIMES: Final = frozenset(
    {"StartTime", "EndTime", "Minute", "Timestamp", "FirstSeen", "LastSeen", "CreatedAt", "UpdatedAt", "ExpiresAt"}
    | {"ReceivedAt", "Time", "Events.Timestamp"}
)
_MOST_BYTES: Final = 64_000
_NAMES: Final = {
    "Duration": "duration_ns",
    "Gap": "gap_ns",
    "LongestGap": "longest_gap_ns",
    "IdleAfter": "idle_after_ns",
}
NESTED: Final = ("Events.", "Links.")


def select(client: Client, name: str, parameters: Mapping[str, Any]) -> list[Row]:
    """The rows of `sql/NAME.sql`, by column name; times are text as ClickHouse writes them, in UTC.

    Raises `Retryable` when ClickHouse is not reached, `QueryError` when it refuses.
    """
    return run(client, statement(f"{__package__}.sql", name), parameters)


def run(client: Client, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    """As `select`, for a statement that was put together of several texts."""
    return list(each(client, sql, parameters))


def each(client: Client, sql: str, parameters: Mapping[str, Any]) -> Iterator[Row]:
    """As `run`, all read now, and each row made when its turn comes: as text it takes a third."""
    with reading():
        body = client.raw_query(sql, parameters=dict(parameters), fmt="JSONEachRow")
    return map(_row, _lines(body))


def rows_of(body: bytes) -> list[Row]:
    """The rows of an answer in `JSONEachRow`."""
    return [*map(_row, _lines(body))]


def _lines(body: bytes) -> Iterator[memoryview]:
    """The lines of an answer where they lie: of long ones there is no copy."""
    view, start = memoryview(body), 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        if end > start:
            yield view[start:end]
        start = end + 1


def _row(line: memoryview) -> Row:
    try:
        row: Row = orjson.loads(line)
    except orjson.JSONDecodeError:  # text that is no UTF-8
        row = orjson.loads(bytes(line).decode("utf-8", "replace"))
    return row


def portions(ids: Iterable[str]) -> Iterator[list[str]]:
    """Ids in lists that one parameter can hold."""
    return bounded(ids, lambda id_: len(id_.encode()) + 4, _MOST_BYTES)


def composed(name: str, **texts: str) -> str:
    """`sql/NAME.sql` with each word in capitals replaced by the text, SQL of ours, that is given for it."""
    lines = statement(f"{__package__}.sql", name).splitlines()
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    return re.sub(rf"\b({'|'.join(texts)})\b", lambda match: texts[match[1]], sql) if texts else sql


def sections(text: str) -> dict[str, str]:
    """The texts of a `.sql` file that holds several, each below a line `-- name`, an empty line between."""
    return dict(_SECTION.findall(text))


def as_json(row: Row) -> Row:
    """A row as the REST interface names and writes it: snake_case, RFC 3339 times, durations that end in `_ns`.

    Nested columns become a list of objects, as in `events`.
    """
    found: Row = {}
    nested = [name for name in row if name.startswith(NESTED)]
    for prefix in NESTED if nested else ():
        columns = {name: row[name] for name in nested if name.startswith(prefix)}
        if columns:
            names = [snake_case(name.removeprefix(prefix)) for name in columns]
            lists = [_value(name, value) for name, value in columns.items()]
            found[prefix[:-1].lower()] = [dict(zip(names, each, strict=True)) for each in zip(*lists, strict=True)]
    for name, value in row.items():
        if name not in nested:
            found[member_of(name)] = _value(name, value)
    return found


def rfc3339(time: str) -> str:
    """A time of ClickHouse's as RFC 3339 has it; other text stays as it is."""
    return time.replace(" ", "T") + "Z" if _TIME.fullmatch(time) else time


def nanoseconds(time: str) -> int:
    """A time of ClickHouse's, UTC, in nanoseconds since 1970."""
    whole, _, fraction = time.partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0")[:9] or 0)


def member_of(column: str) -> str:
    """What the REST interface calls a column."""
    return _NAMES.get(column) or snake_case(column)


@lru_cache(1024)
def snake_case(name: str) -> str:
    return _HUMP.sub("_", name).lower()


def _value(name: str, value: Any) -> Any:
    if name not in _TIMES:
        return value
    return [rfc3339(each) for each in value] if isinstance(value, list) else rfc3339(value) if value else value
