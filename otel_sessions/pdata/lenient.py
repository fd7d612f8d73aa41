# SPDX-License-Identifier: Apache-2.0
"""Reads the trace requests that protobuf's parser refuses although their spans can be saved.

The parser refuses a whole request for one string that is not UTF-8, and for one attribute value that is nested too
deep. Both come from real programs, and neither is worth a batch of spans. This path is slow; only refused requests
take it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

MAX_DEPTH: Final = 64
"""How many arrays and maps may contain each other; what is deeper is read as an empty value."""

_NESTING: Final = frozenset(
    {".opentelemetry.proto.common.v1.ArrayValue", ".opentelemetry.proto.common.v1.KeyValueList"}
)


def parse(body: bytes) -> ExportTraceServiceRequest:
    """The request in `body`, with U+FFFD for each part of a string that is not UTF-8.

    Raises protobuf's `DecodeError` if it is no request even so.
    """
    request = ExportTraceServiceRequest()
    _copy(_lenient_class(ExportTraceServiceRequest.DESCRIPTOR.full_name).FromString(body), request, 0)
    return request


def _copy(source: Message, target: Any, depth: int) -> None:
    """Copies the fields of the lenient message `source` to `target`, the same message of the real types."""
    for loose, value in source.ListFields():
        field = target.DESCRIPTOR.fields_by_number[loose.number]
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if field.is_repeated:
                for item in value:
                    _copy(item, getattr(target, field.name).add(), depth)
            elif not isinstance(value, bytes):
                getattr(target, field.name).SetInParent()
                _copy(value, getattr(target, field.name), depth)
            elif depth < MAX_DEPTH:
                getattr(target, field.name).SetInParent()
                inner = _lenient_class(field.message_type.full_name).FromString(value)
                _copy(inner, getattr(target, field.name), depth + 1)
        elif not field.is_repeated:
            setattr(target, field.name, _repaired(field, value))
        else:
            getattr(target, field.name).extend(_repaired(field, item) for item in value)


def _repaired(field: Any, value: Any) -> Any:
    return value.decode("utf-8", "replace") if field.type == FieldDescriptor.TYPE_STRING else value


@cache
def _lenient_class(name: str) -> Any:
    return GetMessageClass(_lenient_pool().FindMessageTypeByName(name))


@cache
def _lenient_pool() -> DescriptorPool:
    """The OTLP messages with strings as bytes, and arrays and maps as bytes too, to be parsed a level at a time.

    All three are length-delimited on the wire, so these messages read what the real ones read.
    """
    pool = DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2, trace_service_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            _loosen(message)
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _loosen(message: DescriptorProto) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING or field.type_name in _NESTING:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _loosen(nested)
