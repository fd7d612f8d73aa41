# SPDX-License-Identifier: Apache-2.0
"""Builders of OTLP trace requests: what a client would send, in one expression.

    request(span("GET /", attributes={"session.id": "s-1"}), resource={"service.name": "shop"})

Ids are hex text, or bytes where a test wants them wrong. Attribute values are Python's own: str, bool, int, float,
bytes, None (an empty value), lists and mappings of these.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from otel_sessions.component import DEFAULT_PROJECT
from otel_sessions.pdata import SpanBatch, decode

Value: TypeAlias = "str | bool | int | float | bytes | Sequence[Value] | Mapping[str, Value] | None"
Attributes: TypeAlias = Mapping[str, Value]

START: Final = 1_700_000_000_000_000_000
"""The default start of a span, ns since 1970: 2023-11-14T22:13:20Z."""


def any_value(value: Value) -> AnyValue:
    """The `AnyValue` of a Python value."""
    message = AnyValue()
    if isinstance(value, str):
        message.string_value = value
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int):
        message.int_value = value
    elif isinstance(value, float):
        message.double_value = value
    elif isinstance(value, bytes):
        message.bytes_value = value
    elif isinstance(value, Mapping):
        message.kvlist_value.SetInParent()
        message.kvlist_value.values.extend(key_values(value))
    elif value is not None:
        message.array_value.SetInParent()
        message.array_value.values.extend(map(any_value, value))
    return message


def key_values(attributes: Attributes | Iterable[tuple[str, Value]]) -> list[KeyValue]:
    """The attributes as a list of `KeyValue`, in order; give pairs to repeat a key."""
    pairs = attributes.items() if isinstance(attributes, Mapping) else attributes
    return [KeyValue(key=key, value=any_value(value)) for key, value in pairs]


def new_trace_id() -> str:
    """A random trace id: 32 hex digits, not all zero."""
    return f"{random.getrandbits(128) | 1:032x}"


def new_span_id() -> str:
    """A random span id: 16 hex digits, not all zero."""
    return f"{random.getrandbits(64) | 1:016x}"


def event(name: str, *, time: int = START, attributes: Attributes | None = None, dropped: int = 0) -> Span.Event:
    """A span event; `time` in ns since 1970, `dropped` attributes."""
    return Span.Event(
        name=name, time_unix_nano=time, attributes=key_values(attributes or {}), dropped_attributes_count=dropped
    )


def link(
    trace_id: str | bytes,
    span_id: str | bytes,
    *,
    attributes: Attributes | None = None,
    trace_state: str = "",
    flags: int = 0,
    dropped: int = 0,
) -> Span.Link:
    """A link to another span."""
    return Span.Link(
        trace_id=_id(trace_id),
        span_id=_id(span_id),
        attributes=key_values(attributes or {}),
        trace_state=trace_state,
        flags=flags,
        dropped_attributes_count=dropped,
    )


def span(
    name: str = "span",
    *,
    trace_id: str | bytes | None = None,
    span_id: str | bytes | None = None,
    parent: str | bytes | Span = "",
    start: int = START,
    end: int | None = None,
    attributes: Attributes | Iterable[tuple[str, Value]] | None = None,
    kind: str = "Internal",
    status: str = "Unset",
    message: str = "",
    events: Iterable[Span.Event] = (),
    links: Iterable[Span.Link] = (),
    **fields: Any,
) -> Span:
    """A span; ids are random unless given, and with a `Span` as parent the trace is the parent's.

    `start` and `end` are in ns since 1970; `end` is 1 ms after the start unless given. `kind` and `status` are the
    names the columns use, `message` the status message. `fields` are any others of the protobuf message.
    """
    if isinstance(parent, Span):
        trace_id = trace_id or parent.trace_id
        parent = parent.span_id
    return Span(
        name=name,
        trace_id=_id(new_trace_id() if trace_id is None else trace_id),
        span_id=_id(new_span_id() if span_id is None else span_id),
        parent_span_id=_id(parent),
        start_time_unix_nano=start,
        end_time_unix_nano=start + 1_000_000 if end is None else end,
        attributes=key_values(attributes or {}),
        kind=Span.SpanKind.Value(f"SPAN_KIND_{kind.upper()}"),
        status=Status(code=Status.StatusCode.Value(f"STATUS_CODE_{status.upper()}"), message=message),
        events=events,
        links=links,
        **fields,
    )


def resource_spans(
    *spans: Span,
    resource: Attributes | None = None,
    scope: tuple[str, str] = ("", ""),
    scope_attributes: Attributes | None = None,
    resource_schema_url: str = "",
    scope_schema_url: str = "",
) -> ResourceSpans:
    """Spans under one resource and one scope (name, version)."""
    name, version = scope
    return ResourceSpans(
        resource=Resource(attributes=key_values(resource or {})),
        schema_url=resource_schema_url,
        scope_spans=[
            ScopeSpans(
                scope=InstrumentationScope(name=name, version=version, attributes=key_values(scope_attributes or {})),
                spans=spans,
                schema_url=scope_schema_url,
            )
        ],
    )


def request(*spans: Span | ResourceSpans, **group: Any) -> ExportTraceServiceRequest:
    """A request of these spans under one resource and scope (`group` is as for `resource_spans`).

    `ResourceSpans` among the arguments are taken as they are, before the others. `request(...).SerializeToString()`
    is the body on the wire.
    """
    groups = [item for item in spans if isinstance(item, ResourceSpans)]
    loose = [item for item in spans if isinstance(item, Span)]
    if loose or group:
        groups.append(resource_spans(*loose, **group))
    return ExportTraceServiceRequest(resource_spans=groups)


def _id(value: str | bytes) -> bytes:
    return bytes.fromhex(value) if isinstance(value, str) else value


def batch(*spans: Span, resource: Attributes | None = None, project: str = DEFAULT_PROJECT) -> SpanBatch:
    """What the first processor of a pipeline is given when these spans come in one request."""
    return decode([request(*spans, resource=resource).SerializeToString()], [project]).batch
