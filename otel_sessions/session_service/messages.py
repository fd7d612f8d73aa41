# SPDX-License-Identifier: Apache-2.0
"""The messages of `proto/otel_sessions/v1/sessions.proto`, as the install has compiled it, out of what REST answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from google.protobuf.message import Message

PACKAGE: Final = "otel_sessions.v1"
SERVICE: Final = f"{PACKAGE}.SessionService"
DESCRIPTORS: Final = Path(__file__).with_name("sessions.binpb")
_TIMESTAMP: Final = timestamp_pb2.Timestamp.DESCRIPTOR.full_name
_VALUE: Final = struct_pb2.Value.DESCRIPTOR.full_name
_Conversion = Callable[[Any], Any]


def load() -> bool:
    """Makes the messages known to protobuf; returns False where the install has not compiled them."""
    if not DESCRIPTORS.exists():
        return False
    for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        for message in file.message_type:
            _drop_json_names(message)
        descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return True


def message_type(name: str) -> type[Message]:
    """The class of one of them; KeyError before they are loaded."""
    found = descriptor_pool.Default().FindMessageTypeByName(f"{PACKAGE}.{name}")
    return message_factory.GetMessageClass(found)


class Filling:
    """Makes messages of one type out of dictionaries that have its members; what is None stays unset."""

    def __init__(self, type_: type[Message]) -> None:
        self._type = type_
        self._conversions = {field.name: _conversion(field) for field in type_.DESCRIPTOR.fields}

    def __call__(self, row: Mapping[str, Any]) -> Message:
        conversions = self._conversions
        return self._type(
            **{name: conversion(row[name]) for name, conversion in conversions.items() if row.get(name) is not None}
        )


def _drop_json_names(message: DescriptorProto) -> None:
    """Leaves names for JSON out, as generated code does: protobuf takes a file twice only if it is the same."""
    for field in (*message.field, *message.extension):
        field.ClearField("json_name")
    for nested in message.nested_type:
        _drop_json_names(nested)


def _conversion(field: Any) -> _Conversion:
    type_ = field.message_type
    if type_ is None:
        return {FieldDescriptor.CPPTYPE_BOOL: bool, FieldDescriptor.CPPTYPE_DOUBLE: float}.get(field.cpp_type, _same)
    if type_.GetOptions().map_entry:
        return _same
    if type_.full_name in (_TIMESTAMP, _VALUE):
        return _timestamp if type_.full_name == _TIMESTAMP else _value
    filling = Filling(message_factory.GetMessageClass(type_))
    return lambda value: list(map(filling, value)) if isinstance(value, list) else filling(value)


def _same(value: Any) -> Any:
    return value


def _timestamp(text: str) -> timestamp_pb2.Timestamp:
    """A timestamp, out of a time as RFC 3339 has it, in UTC."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=int(fraction.ljust(9, "0")[:9] or 0))


def _value(value: bool | float | str) -> struct_pb2.Value:
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    return struct_pb2.Value(number_value=value)
