# SPDX-License-Identifier: Apache-2.0
"""Blocks of the format Native as a client of a protocol version wants them (`client_protocol_version`).

chDB writes them for no version: without a header before each block and without a byte before each column. Both are put
in here, for which each column has to be walked through. The source is ClickHouse's `NativeWriter` and `BlockInfo`, and
the serializations of its types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from otel_sessions.errors import QueryError

FIRST, LAST = 54405, 54491
"""The versions whose blocks these are; the next writes texts in another way."""
WITH_SERIALIZATION = 54454  # a byte before each column says whether it is written in a way of its own
_WITH_OUT_OF_ORDER_BUCKETS = 54480
# Fields by number, then 0: 1 is_overflows, 2 bucket_num, 3 out_of_order_buckets.
_INFO = b"\x01\x00\x02\xff\xff\xff\xff"
_BYTES = (
    dict.fromkeys(("UInt8", "Int8", "Bool", "Enum8", "Nothing", "Tuple"), 1)
    | dict.fromkeys(("UInt16", "Int16", "Enum16", "Date", "BFloat16"), 2)
    | dict.fromkeys(("UInt32", "Int32", "Float32", "Date32", "DateTime", "Time", "IPv4", "Decimal32"), 4)
    | dict.fromkeys(("UInt64", "Int64", "Float64", "DateTime64", "Time64", "Decimal64"), 8)
    | dict.fromkeys(("UInt128", "Int128", "UUID", "IPv6", "Decimal128"), 16)
    | dict.fromkeys(("UInt256", "Int256", "Decimal256"), 32)
)
_ALIASES = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Tuple(Float64, Float64))",
    "LineString": "Array(Tuple(Float64, Float64))",
    "MultiLineString": "Array(Array(Tuple(Float64, Float64)))",
    "Polygon": "Array(Array(Tuple(Float64, Float64)))",
    "MultiPolygon": "Array(Array(Array(Tuple(Float64, Float64))))",
}
_TYPE = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`", re.DOTALL)
_NULLABLE = re.compile(r"Nullable\((.*)\)", re.DOTALL)
_INDEX_BYTES = 0xFF  # of a LowCardinality's flags: 0 to 3 for 1 to 8 bytes an index

Walk = Callable[[bytes, int, int], int]


def for_version(data: bytes, version: int) -> bytes:
    """The same blocks for clients of this protocol version; 0 leaves them as they are.

    JSON has to be in them as text (`output_format_native_write_json_as_string`).

    Raises `QueryError` for a version that is not from `FIRST` to `LAST`, and for a column whose end cannot be found.
    """
    if version == 0:
        return data
    if not FIRST <= version <= LAST:
        raise QueryError(
            f"Code: 48. DB::Exception: client_protocol_version is not from {FIRST} to {LAST}. (NOT_IMPLEMENTED)"
        )
    info = _INFO + (b"\x03\x00" if version >= _WITH_OUT_OF_ORDER_BUCKETS else b"") + b"\x00"
    flag = b"\x00" if version >= WITH_SERIALIZATION else b""
    pieces: list[bytes | memoryview] = []
    view = memoryview(data)
    at = 0
    while at < len(data):
        pieces.append(info)
        start = at
        columns, at = number(data, at)
        rows, at = number(data, at)
        for _ in range(columns):
            at = text(data, at)[1]
            name, at = text(data, at)
            pieces += (view[start:at], flag)
            start = at
            if rows:
                kind = _kind(name.decode())
                at = kind.values(data, rows, kind.prefix(data, 0, at))
        pieces.append(view[start:at])
    if at != len(data):
        raise ValueError("a block of the format Native ends early")
    return b"".join(pieces)


def number(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, written in seven bits a byte, and where it ends."""
    value = shift = 0
    while (byte := data[at]) & 0x80:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
    return value | byte << shift, at + 1


def text(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = number(data, at)
    return data[at : at + length], at + length


def _uint64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How to walk over a column: `prefix` stands before its values, whatever their number."""

    values: Walk
    prefix: Walk = lambda _data, _rows, at: at


@lru_cache(maxsize=1024)
def _kind(name: str) -> _Kind:
    family, arguments = parsed(name)
    if size := size_of(family, arguments):
        return _Kind(lambda _, rows, at: at + rows * size)
    if family not in _OF_VARYING_SIZE:
        raise QueryError(
            f"Code: 48. DB::Exception: A column of type {name} is not sent in blocks of the format Native: make "
            "another type of it (toString, finalizeAggregation), or ask for another format. (NOT_IMPLEMENTED)"
        )
    return _OF_VARYING_SIZE[family](arguments)


def parsed(name: str) -> tuple[str, list[str]]:
    """A type's family and arguments."""
    match = _TYPE.fullmatch(_ALIASES.get(name, name))
    return (match[1], _arguments(match[2] or "")) if match else ("", [])


def size_of(family: str, arguments: list[str]) -> int:
    """Bytes of a value; 0 where it is not the same for all."""
    if family == "FixedString":
        return int(arguments[0])
    if family == "Decimal":
        digits = int(arguments[0])
        return next(size for size, most in ((4, 9), (8, 18), (16, 38), (32, 76)) if digits <= most)
    if family == "Tuple" and arguments:
        return 0
    return 8 if family.startswith("Interval") else _BYTES.get(family, 0)


def _texts(data: bytes, rows: int, at: int) -> int:
    for _ in range(rows):
        length = data[at]
        at += 1
        if length & 0x80:
            length, at = number(data, at - 1)
        at += length
    return at


def _nullable(arguments: list[str]) -> _Kind:
    inner = _kind(arguments[0])
    return _Kind(lambda data, rows, at: inner.values(data, rows, at + rows), inner.prefix)


def _low_cardinality(arguments: list[str]) -> _Kind:
    nullable = _NULLABLE.fullmatch(arguments[0])
    keys = _kind(nullable[1] if nullable else arguments[0])

    def walk(data: bytes, rows: int, at: int) -> int:
        if not rows:
            return at
        width = 1 << (_uint64(data, at) & _INDEX_BYTES)
        at = keys.values(data, _uint64(data, at + 8), at + 16)
        return at + 8 + width * _uint64(data, at)

    return _Kind(walk, lambda _data, _rows, at: at + 8)


def _array(inner: _Kind) -> _Kind:
    def walk(data: bytes, rows: int, at: int) -> int:
        at += 8 * rows
        return inner.values(data, _uint64(data, at - 8) if rows else 0, at)

    return _Kind(walk, inner.prefix)


def _tuple(elements: list[str]) -> _Kind:
    kinds = [_kind(unnamed(element)) for element in elements]

    def over(walks: list[Walk]) -> Walk:
        def walk(data: bytes, rows: int, at: int) -> int:
            for each in walks:
                at = each(data, rows, at)
            return at

        return walk

    return _Kind(over([kind.values for kind in kinds]), over([kind.prefix for kind in kinds]))


def _arguments(text: str) -> list[str]:
    """The arguments of a type, as the outermost commas part them."""
    found, depth, start, at = [], 0, 0, 0
    while at < len(text):
        if quoted := _QUOTED.match(text, at):
            at = quoted.end()
            continue
        depth += (text[at] == "(") - (text[at] == ")")
        if text[at] == "," and not depth:
            found.append(text[start:at].strip())
            start = at + 1
        at += 1
    return [*found, text[start:].strip()] if text else []


def unnamed(element: str) -> str:
    """The type of a tuple's element, which may have a name before it."""
    name = re.match(r"(?:`(?:[^`\\]|\\.)*`|\w+) (?=\w)", element, re.DOTALL)
    return element[name.end() :] if name else element


_OF_VARYING_SIZE: Mapping[str, Callable[[list[str]], _Kind]] = {
    "Array": lambda arguments: _array(_kind(arguments[0])),
    "JSON": lambda _: _Kind(_texts, lambda _data, _rows, at: at + 8),  # `for_version` wants it written as text
    "LowCardinality": _low_cardinality,
    "Map": lambda arguments: _array(_tuple(arguments)),
    "Nested": lambda arguments: _array(_tuple(arguments)),
    "Nullable": _nullable,
    "SimpleAggregateFunction": lambda arguments: _kind(arguments[-1]),
    "String": lambda _: _Kind(_texts),
    "Tuple": _tuple,
}
