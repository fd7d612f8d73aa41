# SPDX-License-Identifier: Apache-2.0
"""How statements are told the traces that they are about, of which there may be thousands.

A server has them in parameters, which are text of the statement once more wherever it reads them, and planning goes
over all of it again and again: a third of what a correction of four thousand traces took. A client of the embedded
engine has a connection of its own, and with it tables that are nobody else's, so there they stand in one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import orjson

from otel_sessions.clickhouse.chunks import batched, bounded
from otel_sessions.clickhouse.client import is_embedded

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Place = tuple[str, str, Sequence[str], int, int]
"""(project, trace id, sessions that its spans are stored under; the level of its best claim and how many rows it has,
or 0 and 0)"""
_PAIRS: Final = "Array(Tuple(String, String))"
_PLACE: Final = "Tuple(String, String, Array(String), UInt8, UInt64)"
_PLACES: Final = f"Array({_PLACE})"
Told = tuple[str, str, Sequence[str]]
"""(project, session id, sums that were told of it, as decimals)"""
_SUMS: Final = "Array(Tuple(String, String, Array(Decimal(38, 12))))"
_BY_PROJECT: Final = "Array(Tuple(String, Array(String)))"
_SESSIONS_A_ROW: Final = 2
"""An id may have 8 KiB, and each byte of it six in JSON: more of them would not pass through one parameter."""
_PARAMETER_BYTES: Final = 64 * 2**10
"""ClickHouse's `http_max_field_value_size` is 128 KiB; escapes may double what is in quotes."""

_given: Final = WeakKeyDictionary[Any, dict[str, tuple[object, ...]]]()
"""What a table of a client has now: one statement after the other is about the same traces."""


def about(client: Client, sql: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """A statement about `{traces}` and its parameters."""
    if not is_embedded(client):
        return bound(sql, pairs)
    _put(client, "_given_traces", "pair Tuple(String, String)", pairs)
    return sql.replace(f"(SELECT arrayJoin({{traces:{_PAIRS}}}) AS pair)", "_given_traces"), {}


def over(client: Client, sql: str, places: Sequence[Place]) -> tuple[str, dict[str, Any]]:
    """A statement over `{known}` and its parameters."""
    rows = [*_short_rows(places)]
    if is_embedded(client):
        _put(client, "_given_places", f"given {_PLACE}", rows)
        return sql.replace(f"(SELECT arrayJoin({{known:{_PLACES}}}) AS given)", "_given_places"), {}
    return _in_parameters(sql, "known", _PLACES, rows)


def _short_rows(places: Sequence[Place]) -> Iterator[Place]:
    """The places in rows of few sessions; the first of a trace has what was counted of it."""
    for project, trace, sessions, level, rows in places:
        counted = level, rows
        for some in batched(sessions, _SESSIONS_A_ROW):
            yield project, trace, some, *counted
            counted = 0, 0


def given_sums(client: Client, sql: str, told: Sequence[Told]) -> tuple[str, dict[str, Any]]:
    """A statement over `{told}` and its parameters."""
    if is_embedded(client):
        _put(client, "_given_sums", "given Tuple(String, String, Array(Decimal(38, 12)))", told)
        return sql.replace(f"(SELECT arrayJoin({{told:{_SUMS}}}) AS given)", "_given_sums"), {}
    return _in_parameters(sql, "told", _SUMS, told)


def _in_parameters(sql: str, name: str, type_: str, rows: Sequence[object]) -> tuple[str, dict[str, Any]]:
    """The statement with rows in the place of `{name:type_}`: texts of JSON, short enough for one parameter each."""
    some = [*bounded(map(orjson.dumps, rows), lambda row: len(row) + 1, _PARAMETER_BYTES)]
    parts = {f"{name}_{number}": f"[{b','.join(part).decode()}]" for number, part in enumerate(some or [[]])}
    lists = ", ".join(f"JSONExtract(materialize({{{part}:String}}), '{type_}')" for part in parts)
    return sql.replace(f"{{{name}:{type_}}}", f"arrayConcat({lists})"), parts


def bound(sql: str, pairs: Sequence[tuple[str, str]], name: str = "traces") -> tuple[str, dict[str, Any]]:
    """A statement about `{traces}` and its parameters: as many as it takes, since a server takes no long ones.

    Each is JSON, ids by their projects, which is bound and parsed in a third of the time that the pairs would take.
    """
    parts = {f"{name}_{number}": part for number, part in enumerate(_short(pairs))}
    lists = ", ".join(f"JSONExtract(materialize({{{part}:String}}), '{_BY_PROJECT}')" for part in parts)
    listed = f"arrayFlatten(arrayMap(ids -> arrayMap(id -> (ids.1, id), ids.2), arrayConcat({lists})))"
    return sql.replace(f"{{{name}:{_PAIRS}}}", listed), parts


def _short(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The pairs as texts that are short enough for one parameter each; one text at least."""
    part, nbytes = defaultdict[str, list[str]](list), 0
    for project, id_ in pairs:
        size = len(id_.encode()) + 3 + (0 if project in part else len(project.encode()) + 8)
        if part and nbytes + size > _PARAMETER_BYTES:
            yield orjson.dumps([*part.items()]).decode()
            part, nbytes = defaultdict(list), 0
        part[project].append(id_)
        nbytes += size
    yield orjson.dumps([*part.items()]).decode()


def _put(client: Client, table: str, column: str, rows: Sequence[object]) -> None:
    """Has a table of this connection hold these rows, unless it does."""
    given, wanted = _given.setdefault(client, {}), tuple(rows)
    if given.get(table) == wanted:
        return
    given.pop(table, None)
    client.command(f"CREATE OR REPLACE TEMPORARY TABLE {table} ({column}) ENGINE = Memory")
    if rows:
        block = b"\n".join(orjson.dumps([row]) for row in rows)
        client.raw_insert(table, insert_block=block, fmt="JSONCompactEachRow")
    given[table] = wanted
