# SPDX-License-Identifier: Apache-2.0
"""How many rows an answer in RowBinaryWithNamesAndTypes has: chDB does not say.

The Java client up to 0.9 reads nothing of an answer whose summary has no `result_rows`.
"""

from __future__ import annotations

from collections.abc import Callable

from otel_sessions.extensions.clickhouse_http.native_blocks import number, parsed, size_of, text, unnamed

FORMAT = "RowBinaryWithNamesAndTypes"
_COUNTED_BYTES = 1 << 16

Walk = Callable[[bytes, int], int]


def rows_of(data: bytes) -> int:
    """The rows of as much of `data` as is quickly counted, as the summary of a query that still runs has them.

    At least one if there are any.
    """
    if not data:
        return 0
    columns, at = number(data, 0)
    names = []
    for _ in range(2 * columns):
        name, at = text(data, at)
        names.append(name.decode())
    end = min(len(data), at + _COUNTED_BYTES)
    try:
        walks = [_walk(name) for name in names[columns:]]
    except NotImplementedError:
        return int(at < end)
    rows = 0
    before = -1
    while before < at < end:
        before = at
        for walk in walks:
            at = walk(data, at)
        rows += 1
    return rows


def _walk(name: str) -> Walk:
    """From the beginning of a value to its end; NotImplementedError for a type whose values are not known here."""
    family, arguments = parsed(name)
    if size := size_of(family, arguments):
        return lambda _, at: at + size
    if family == "String":
        return lambda data, at: text(data, at)[1]
    if family == "Nullable":
        inner = _walk(arguments[0])
        return lambda data, at: at + 1 if data[at] else inner(data, at + 1)
    if family in ("LowCardinality", "SimpleAggregateFunction"):
        return _walk(arguments[-1])
    if family not in ("Array", "Map", "Nested", "Tuple"):
        raise NotImplementedError(name)
    walks = [_walk(unnamed(element)) for element in arguments]

    def over(data: bytes, at: int) -> int:
        times, at = (1, at) if family == "Tuple" else number(data, at)
        for _ in range(times):
            for walk in walks:
                at = walk(data, at)
        return at

    return over
