"""OTLP/JSON to the protobuf it stands for, written while the parsed JSON is walked.

The walker is made from the descriptors of the messages, so it knows every field that the installed
`opentelemetry-proto` knows, by its lowerCamelCase and its snake_case name. Keys it does not know are passed over, and
so is `null`, which proto3 JSON has for a default.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.errors import InvalidData, TooLarge
from otel_sessions.receivers.otlp import json_attributes, json_fields
from otel_sessions.receivers.otlp.json_fields import LEN, TYPES, Encode, Misfit, varint, wrong

_SPAN: Final = ExportTraceServiceRequest.DESCRIPTOR.file.pool.FindMessageTypeByName("opentelemetry.proto.trace.v1.Span")
_LINK: Final = _SPAN.nested_types_by_name["Link"]
_IDS: Final[Mapping[str, Encode]] = {
    **{_SPAN.fields_by_name[name].full_name: json_fields.span_id for name in ("trace_id", "span_id", "parent_span_id")},
    **{_LINK.fields_by_name[name].full_name: json_fields.link_id for name in ("trace_id", "span_id")},
}
_KEY_VALUE: Final = "opentelemetry.proto.common.v1.KeyValue"
_ANY_VALUE: Final = "opentelemetry.proto.common.v1.AnyValue"
MAX_CONTAINERS: Final = 4_000_000
"""Objects and arrays of one request: each takes some 230 bytes once it is parsed, however short it was."""
_LARGE_BYTES: Final = 1 << 20
_LARGE: Final = threading.Lock()  # large requests are parsed one at a time, for the room they take


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
            if json_fields.is_number(value):
                return text(str(value))
            raise

    return encode


def _field(field: FieldDescriptor, known: dict[str, Encode]) -> Encode:
    """Encodes a field, its tag before it."""
    if field.message_type is not None:
        wire_type, encode = LEN, _message(field.message_type, known)
    elif field.enum_type is not None:
        wire_type, encode = json_fields.VARINT, json_fields.enumeration(field)
    else:
        wire_type, encode = TYPES[field.type]
    encode = _IDS.get(field.full_name, encode)
    tag = varint(field.number << 3 | wire_type)
    one = _sized(tag, encode) if wire_type == LEN else _plain(tag, encode)
    if field.message_type is not None and field.message_type.full_name == _KEY_VALUE:
        one = json_attributes.quick(tag, one)
    return _repeated(one) if field.is_repeated else one


def _plain(tag: bytes, encode: Encode) -> Encode:
    return lambda value: tag + encode(value)


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


_REQUEST: Final = _message(ExportTraceServiceRequest.DESCRIPTOR, {})
