# SPDX-License-Identifier: Apache-2.0
"""OTLP/JSON to the protobuf it stands for, written while the parsed JSON is walked: `protobuf_of`.

The walker is made from the descriptors of the messages, so it knows every field that the installed
`opentelemetry-proto` knows, by its lowerCamelCase and its snake_case name. Keys it does not know are passed over, and
so is `null`, which proto3 JSON has for a default. Values are those of https://protobuf.dev/programming-guides/json, but
that ids are hex, as OTLP has it: a function a type, which raises `Misfit` for what it did not want.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, Final, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.errors import InvalidData, TooLarge

Encode: TypeAlias = Callable[[Any], bytes]

VARINT, I64, LEN, I32 = 0, 1, 2, 5
NOT_AN_ID: Final = b"\0"
"""What an id becomes that is not hex: of no valid length, so that the decoder refuses its span and no other."""
_SHOWN: Final = 40
_MAX_DIGITS: Final = 40
_NUMBER: Final = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*")
_CONTAINERS: Final = {dict: "an object", list: "an array", type(None): "null"}
_ONE_BYTE: Final = tuple(bytes([number]) for number in range(128))
_KEY_VALUE: Final = "opentelemetry.proto.common.v1.KeyValue"
_ANY_VALUE: Final = "opentelemetry.proto.common.v1.AnyValue"
MAX_CONTAINERS: Final = 1_000_000
"""Objects and arrays of one request: each takes some 230 bytes once it is parsed, however short it was."""
_LARGE_BYTES: Final = 1 << 20
_LARGE: Final = threading.Lock()  # large requests are parsed one at a time, for the room they take
# Tags of common.proto: KeyValue.key and .value, AnyValue.string_value and .int_value.
_KEY: Final = b"\x0a"
_VALUE: Final = b"\x12"
_STRING: Final = b"\x0a"
_INT: Final = b"\x18"
_KEYS: Final = 10_000
_MAX_KEY: Final = 256
_PLAIN_DIGITS: Final = 18  # so many always fit an int64


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


def wrong(wanted: str, value: Any) -> Misfit:
    """The error to raise for a value that is not what was wanted."""
    shown = _CONTAINERS.get(type(value)) or ascii(value[:_SHOWN] if isinstance(value, str) else value)[:_SHOWN]
    return Misfit(f"{wanted} expected, not {shown}")


def protobuf_of(body: bytes) -> bytes:
    """The `ExportTraceServiceRequest` of this JSON, as protobuf.

    Raises `InvalidData` if it is none, and `TooLarge` if it has more than `MAX_CONTAINERS`.
    """
    with _LARGE if len(body) > _LARGE_BYTES else nullcontext():
        try:
            return _REQUEST(_parsed(body))
        except RecursionError:
            raise InvalidData("the JSON is nested too deep") from None


def _parsed(body: bytes) -> Any:
    """What orjson refuses may be saved, as the protobuf decoder saves it: U+FFFD for what is no Unicode."""
    if len(body) > _LARGE_BYTES and body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise TooLarge(f"over {MAX_CONTAINERS} objects and arrays; send fewer spans in a request")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except ValueError as error:
        raise InvalidData(f"not JSON: {error}") from None


# --- values ---


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
_SPAN: Final = ExportTraceServiceRequest.DESCRIPTOR.file.pool.FindMessageTypeByName("opentelemetry.proto.trace.v1.Span")
_LINK: Final = _SPAN.nested_types_by_name["Link"]
_IDS: Final[Mapping[str, Encode]] = {
    **{_SPAN.fields_by_name[name].full_name: span_id for name in ("trace_id", "span_id", "parent_span_id")},
    **{_LINK.fields_by_name[name].full_name: link_id for name in ("trace_id", "span_id")},
}


# --- messages ---


def _message(message: Descriptor, known: dict[str, Encode]) -> Encode:
    """Encodes the fields of an object, without what stands before a message on the wire."""
    if message.full_name in known:
        return known[message.full_name]
    fields: dict[str, Encode] = {}

    def encode(value: Any) -> bytes:
        if type(value) is not dict:
            raise wrong("an object", value)
        parts, key = [], ""
        try:
            for key, item in value.items():
                if item is not None and key in fields:
                    parts.append(fields[key](item))
        except Misfit as error:
            raise error.below(key) from None
        return b"".join(parts)

    known[message.full_name] = encode
    for field in message.fields:
        fields[field.json_name] = fields[field.name] = _field(field, known)
    if message.full_name == _ANY_VALUE:
        fields["intValue"] = fields["int_value"] = _number(fields)
    return encode


def _number(fields: Mapping[str, Encode]) -> Encode:
    """An `intValue`. Clients write numbers there that no int64 holds, JavaScript's 1e30, Python's of any length.

    One such value must not cost its request: a double is kept as one, and any other number as its text.
    """
    whole, double, text = fields["int_value"], fields["double_value"], fields["string_value"]

    def encode(value: Any) -> bytes:
        try:
            return whole(value)
        except Misfit:
            if type(value) is float:
                return double(value)
            if is_number(value):
                return text(str(value))
            raise

    return encode


def _field(field: FieldDescriptor, known: dict[str, Encode]) -> Encode:
    """Encodes a field, its tag before it."""
    if field.message_type is not None:
        wire_type, encode = LEN, _message(field.message_type, known)
    elif field.enum_type is not None:
        wire_type, encode = VARINT, enumeration(field)
    else:
        wire_type, encode = TYPES[field.type]
    encode = _IDS.get(field.full_name, encode)
    tag = varint(field.number << 3 | wire_type)
    one = _sized(tag, encode) if wire_type == LEN else (lambda value: tag + encode(value))
    if field.message_type is not None and field.message_type.full_name == _KEY_VALUE:
        one = _quick(tag, one)
    return _repeated(one) if field.is_repeated else one


def _sized(tag: bytes, encode: Encode) -> Encode:
    heads = [tag + varint(size) for size in range(128)]  # most are so short, and this saves a tenth of the time

    def sized(value: Any) -> bytes:
        encoded = encode(value)
        size = len(encoded)
        return (heads[size] if size < 128 else tag + varint(size)) + encoded

    return sized


def _repeated(one: Encode) -> Encode:
    """An item for each of an array; a `null` among them is an empty message."""

    def repeated(value: Any) -> bytes:
        if type(value) is not list:
            raise wrong("an array", value)
        parts: list[bytes] = []
        try:
            for item in value:
                parts.append(one({} if item is None else item))  # noqa: PERF401 - its length says where it failed
        except Misfit as error:
            raise error.below(f"[{len(parts)}]") from None
        return b"".join(parts)

    return repeated


# --- the attributes that nearly all are, without walking their messages ---

_SIZES: Final = [varint(size) for size in range(4096)]


def _quick(tag: bytes, walk: Encode) -> Encode:
    """Encodes a `KeyValue` with this tag before it: one with a text or a number at once, since half of the time of a
    request goes into its attributes, and what is written in another way by `walk`, the encoder for any."""

    def encode(item: Any) -> bytes:
        try:
            key, value = item["key"], item["value"]
            if len(item) != 2 or len(value) != 1:
                return walk(item)
            ((kind, given),) = value.items()
            if kind == "stringValue" and type(given) is str:
                text = given.encode()
                inner = _STRING + _size(len(text)) + text
            elif kind == "intValue" and _is_plain(given):
                inner = _INT + varint(int(given))
            else:
                return walk(item)
            body = _key(key) + _VALUE + _size(len(inner)) + inner
        except (KeyError, TypeError, AttributeError, ValueError):
            return walk(item)
        return tag + _size(len(body)) + body

    return encode


def _is_plain(number: Any) -> bool:
    """Whether it is a number, or digits, that need no further look; negative ones do."""
    if type(number) is int:
        return 0 <= number < 2**63
    return type(number) is str and len(number) <= _PLAIN_DIGITS and number.isascii() and number.isdigit()


def _key(key: Any) -> bytes:
    """The field `key`; ValueError unless it is text, Unicode and not long."""
    if type(key) is not str or len(key) > _MAX_KEY:
        raise ValueError
    return _known_key(key)


@lru_cache(_KEYS)
def _known_key(key: str) -> bytes:
    text = key.encode()
    return _KEY + _size(len(text)) + text


def _size(size: int) -> bytes:
    return _SIZES[size] if size < 4096 else varint(size)


_REQUEST: Final = _message(ExportTraceServiceRequest.DESCRIPTOR, {})
