"""Values of proto3 JSON to bytes of the protobuf wire, a function a type.

Types are those of https://protobuf.dev/programming-guides/json; ids are hex, as OTLP has it. Each function raises
`Misfit` that says what it wanted and what it got.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import FieldDescriptor

from otel_sessions.errors import InvalidData

Encode: TypeAlias = Callable[[Any], bytes]

VARINT, I64, LEN, I32 = 0, 1, 2, 5
NOT_AN_ID: Final = b"\0"
"""What an id becomes that is not hex: of no valid length, so that the decoder refuses its span and no other."""
_SHOWN: Final = 40
_MAX_DIGITS: Final = 40
_NUMBER: Final = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*")
_CONTAINERS: Final = {dict: "an object", list: "an array", type(None): "null"}
_ONE_BYTE: Final = tuple(bytes([number]) for number in range(128))


class Misfit(InvalidData):
    """A value that is not what its field holds; `path` leads to it, as in `resourceSpans[0].schemaUrl`."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path or 'the request'}: {reason}")
        self._reason = reason
        self._path = path

    def below(self, step: str) -> Misfit:
        """The same, seen from one step further up."""
        dot = "." if self._path and not self._path.startswith("[") else ""
        return Misfit(self._reason, f"{step}{dot}{self._path}")


def varint(number: int) -> bytes:
    """Of a number from 0 to 2**64 - 1."""
    if number < 0x80:
        return _ONE_BYTE[number]
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def text(value: Any) -> bytes:
    """UTF-8; a surrogate without its partner, as JavaScript sends where it cut an emoji, becomes U+FFFD."""
    try:
        encoded: bytes = value.encode()
    except AttributeError:
        raise wrong("text", value) from None
    except UnicodeEncodeError:
        return bytes(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode())
    return encoded


def span_id(value: Any) -> bytes:
    """`NOT_AN_ID` for text that is not hex."""
    try:
        return binascii.unhexlify(value)
    except ValueError:
        return NOT_AN_ID
    except TypeError:
        raise wrong("hex text", value) from None


def link_id(value: Any) -> bytes:
    """Empty for text that is not hex: a span is not refused for its links."""
    found = span_id(value)
    return b"" if found is NOT_AN_ID else found


def data(value: Any) -> bytes:
    """Of base64, standard or URL-safe, with or without its padding."""
    if isinstance(value, str):
        try:
            plain = value.translate(_URL_SAFE).rstrip("=")
            return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except ValueError:
            pass
    raise wrong("base64", value)


def integer(low: int, high: int) -> Callable[[Any], int]:
    """Reads numbers, and text of them, from `low` to `high`; a number with a fraction is none."""

    def read(value: Any) -> int:
        number = value if type(value) is int else _whole(value)
        if number is None or not low <= number <= high:
            raise wrong(f"an integer from {low} to {high}", value)
        return number

    return read


def nanoseconds(value: Any) -> bytes:
    """A time, of any span: what is before 1970 becomes 0, what is too late the last there is."""
    number = value if type(value) is int else _whole(value)
    if number is None:
        raise wrong("an integer of nanoseconds", value)
    return struct.pack("<Q", max(0, min(number, 2**64 - 1)))


def is_number(value: Any) -> bool:
    """Whether it is an integer, or the text of a number, however long."""
    return type(value) is int or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)


def _whole(value: Any) -> int | None:
    try:
        if isinstance(value, str):
            return int(value) if len(value) <= _MAX_DIGITS and value.isascii() and "_" not in value else None
        return int(value) if isinstance(value, float) and value.is_integer() else None
    except ValueError:
        return None


def double(value: Any) -> bytes:
    """Of a number, or of text as `NaN`, `Infinity` and `-Infinity` are written."""
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return struct.pack("<d", float(value))
        except (ValueError, OverflowError):
            pass
    raise wrong("a number", value)


def boolean(value: Any) -> bytes:
    if value is True:
        return b"\1"
    if value is False:
        return b"\0"
    raise wrong("true or false", value)


def varints(low: int, high: int) -> Encode:
    read = integer(low, high)
    return lambda value: varint(read(value) & 0xFFFF_FFFF_FFFF_FFFF)


def packed(format_: str, low: int, high: int) -> Encode:
    read, pack = integer(low, high), struct.Struct(format_).pack
    return lambda value: pack(read(value))


def enumeration(field: FieldDescriptor) -> Encode:
    """By number, known or not, or by name."""
    assert field.enum_type is not None
    numbers, encode = {each.name: each.number for each in field.enum_type.values}, varints(-(2**31), 2**31 - 1)
    return lambda value: encode(numbers.get(value, value) if isinstance(value, str) else value)


def wrong(wanted: str, value: Any) -> Misfit:
    """The error to raise for a value that is not what was wanted."""
    shown = _CONTAINERS.get(type(value)) or ascii(value[:_SHOWN] if isinstance(value, str) else value)[:_SHOWN]
    return Misfit(f"{wanted} expected, not {shown}")


_URL_SAFE: Final = str.maketrans("-_", "+/")
TYPES: Final[Mapping[int, tuple[int, Encode]]] = {
    FieldDescriptor.TYPE_STRING: (LEN, text),
    FieldDescriptor.TYPE_BYTES: (LEN, data),
    FieldDescriptor.TYPE_BOOL: (VARINT, boolean),
    FieldDescriptor.TYPE_DOUBLE: (I64, double),
    FieldDescriptor.TYPE_INT32: (VARINT, varints(-(2**31), 2**31 - 1)),
    FieldDescriptor.TYPE_INT64: (VARINT, varints(-(2**63), 2**63 - 1)),
    FieldDescriptor.TYPE_UINT32: (VARINT, varints(0, 2**32 - 1)),
    FieldDescriptor.TYPE_UINT64: (VARINT, varints(0, 2**64 - 1)),
    FieldDescriptor.TYPE_FIXED32: (I32, packed("<I", 0, 2**32 - 1)),
    FieldDescriptor.TYPE_FIXED64: (I64, nanoseconds),
}
"""The types that messages of traces have, with what a tag says of them and what comes after it."""
