# SPDX-License-Identifier: Apache-2.0
"""The turns of a session that come next after a place, by their start, worked out of as little as it takes.

Of a session of very many turns it is asked first which these are, so that nothing else is worked out of the others.
Turns lie in parts by the week in which they were stored, and each part knows between which minutes its turns lie. So of
a session of several weeks only the rows up to some moment are asked for, behind which the page ends most likely. A row
is of the spans that start within a minute: what begins up to that moment is among these rows, with the start that it
has. Where they are too few, or do not tell it all, all rows are asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.queries import keyed
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.rows import Row, nanoseconds, run

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_SENSIBLE: Final = 1 << 63
"""What is added to the first start of a row without times that make sense, and to the last end of one with them."""
_LONG_NS: Final = 14 * 86_400 * 10**9
"""A session that lasts for less lies in few weeks."""
_AMPLE: Final = 4
"""How many times a page has room in the time that is looked at, if turns lay evenly."""
_HOUR_NS: Final = 3_600 * 10**9
_COLUMN: Final = re.compile(r"^ +(.+ AS (\w+)),?$", re.MULTILINE)


def turns_behind(client: Client, parameters: Mapping[str, Any], columns: Sequence[str] = ()) -> list[Row]:
    """The next `limit` turns behind a place (`time`, `trace_id`), in these columns of `session_traces`, or all."""
    if is_frozen(client):
        return keyed.select(client, "turns_of_many", parameters, COLUMNS=", ".join(columns) or "*")
    client = keyed.remembering(client, {})
    size = size_of(client, parameters)
    if size["Minutes"] <= keyed.MANY_MINUTES:
        return first_turns(client, parameters, columns)
    # Two statements: as one, the plan of the first is made within that of the second, and takes longer than both.
    return turns_of(client, parameters, turns_ahead(client, parameters, size), columns)


def first_turns(client: Client, parameters: Mapping[str, Any], columns: Sequence[str] = ()) -> list[Row]:
    """As `turns_behind`, for a session of few turns."""
    return _picked(client, parameters, columns, "1") if columns else _all(client, "list_traces", parameters)


def turns_of(
    client: Client, parameters: Mapping[str, Any], ahead: Sequence[Row], columns: Sequence[str] = ()
) -> list[Row]:
    """These turns of a session, which are behind the place, by their start."""
    if not ahead:
        return []
    named = {**parameters, "trace_ids": [row["TraceId"] for row in ahead]}
    if columns:
        return _picked(client, named, columns, keyed.OF_TURNS)
    return sorted(_all(client, "turns_of", named), key=lambda row: (row["StartTime"], row["TraceId"]))


def _all(client: Client, name: str, named: Mapping[str, Any]) -> list[Row]:
    return keyed.select(client, name, named, COLUMNS="*")


def _picked(client: Client, named: Mapping[str, Any], columns: Sequence[str], among: str) -> list[Row]:
    chosen = ",\n".join(_columns()[name] for name in columns)
    return keyed.select(client, "turns_picked", named, COLUMNS=chosen, AMONG=among)


@cache
def _columns() -> Mapping[str, str]:
    """What each column of `session_traces` is worked out of."""
    return {name: text for text, name in _COLUMN.findall(keyed.tables(keyed.ONE)["session_traces"])}


def size_of(client: Client, parameters: Mapping[str, Any]) -> Row:
    """About how many `Minutes` of turns and `Spans` a session has, and between which times, `First` and `Last`."""
    (size,) = run(client, keyed.tables(keyed.ONE)["size"], parameters)
    return size


def turns_ahead(client: Client, parameters: Mapping[str, Any], size: Row | None = None) -> list[Row]:
    """`TraceId` of the next `limit` turns behind a place, by their start.

    As far as they are known `Spans`, and `FirstWeek` and `LastWeek`, in which spans were stored that no correction took
    the place of. `size` is what `size_of` says.
    """
    until = _most_likely_end(parameters, size) if size else None
    if until is not None:
        bound = "m.Minute < fromUnixTimestamp64Nano({until:Int64}, 'UTC')"
        rows = keyed.select(client, "turns_ahead", {**parameters, "until": until}, BOUND=bound, KEPT="1")
        if len(rows) == parameters["limit"] and all(row["Spans"] and row["HasTimes"] for row in rows):
            return rows
    return keyed.select(client, "turns_ahead", parameters, BOUND="1", KEPT="Spans > 0")


def _most_likely_end(parameters: Mapping[str, Any], size: Row) -> int | None:
    """A time, in ns, up to which the next turns begin if they lie about evenly; None where that spares nothing."""
    first, last = int(size["First"]), int(size["Last"]) - _SENSIBLE
    if last - first < _LONG_NS:
        return None
    each = (last - first) // int(size["Minutes"])
    until = max(nanoseconds(parameters["time"]), first) + _AMPLE * int(parameters["limit"]) * each + _HOUR_NS
    return until if until < last else None
