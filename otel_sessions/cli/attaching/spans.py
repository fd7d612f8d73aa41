# SPDX-License-Identifier: Apache-2.0
"""Rows of the Collector's exporter for ClickHouse as the OTLP requests that they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

Row = Mapping[str, Any]
"""In the names of rows.sql."""
MAX_BYTES: Final = 4 * 2**20
_NANOSECONDS: Final = 2**64
_KINDS: Final[Mapping[str, Any]] = {
    name.removeprefix("SPAN_KIND_").lower(): number for name, number in Span.SpanKind.items()
}
_STATUSES: Final[Mapping[str, Any]] = {
    name.removeprefix("STATUS_CODE_").lower(): number for name, number in Status.StatusCode.items()
}


def requests(rows: Iterable[Row]) -> Iterator[tuple[bytes, int]]:
    """Requests of some 4 MiB at most, each with how many spans it has; one span alone may be larger."""
    spans, size = list[tuple[Row, Span]](), 0
    for row in rows:
        span = _span(row)
        nbytes = span.ByteSize() + sum(len(key) + len(value) for key, value in row["resource"].items())
        if spans and size + nbytes > MAX_BYTES:
            yield _request(spans), len(spans)
            spans, size = [], 0
        spans.append((row, span))
        size += nbytes
    if spans:
        yield _request(spans), len(spans)


def _request(spans: Iterable[tuple[Row, Span]]) -> bytes:
    groups: dict[Any, ScopeSpans] = {}
    resources: dict[Any, ResourceSpans] = {}
    for row, span in spans:
        resource = (row["service"], *sorted(row["resource"].items()))
        key = (resource, row["scope_name"], row["scope_version"])
        if key not in groups:
            attributes = row["resource"]
            if row["service"] and "service.name" not in attributes:
                attributes = {"service.name": row["service"], **attributes}
            made = resources.setdefault(resource, ResourceSpans(resource=Resource(attributes=_attributes(attributes))))
            scope = InstrumentationScope(name=row["scope_name"], version=row["scope_version"])
            groups[key] = made.scope_spans.add(scope=scope)
        groups[key].spans.append(span)
    return ExportTraceServiceRequest(resource_spans=resources.values()).SerializeToString()


def _span(row: Row) -> Span:
    start = max(0, row["start"])
    return Span(
        trace_id=_id(row["trace_id"]),
        span_id=_id(row["span_id"]),
        parent_span_id=_id(row["parent_span_id"]),
        trace_state=row["trace_state"],
        name=row["name"],
        kind=_KINDS.get(row["kind"].removeprefix("SPAN_KIND_").lower(), 0),
        start_time_unix_nano=start,
        end_time_unix_nano=(start + row["duration"]) % _NANOSECONDS,
        attributes=_attributes(row["attributes"]),
        status=Status(
            code=_STATUSES.get(row["status"].removeprefix("STATUS_CODE_").lower(), 0), message=row["message"]
        ),
        events=[
            Span.Event(time_unix_nano=max(0, time), name=name, attributes=_attributes(attributes))
            for time, name, attributes in zip(
                row["event_times"], row["event_names"], row["event_attributes"], strict=True
            )
        ],
        links=[
            Span.Link(trace_id=_id(trace), span_id=_id(span), trace_state=state, attributes=_attributes(attributes))
            for trace, span, state, attributes in zip(
                row["link_traces"], row["link_spans"], row["link_states"], row["link_attributes"], strict=True
            )
        ],
    )


def _attributes(values: Mapping[str, str]) -> list[KeyValue]:
    """The attributes as OTLP has them, all of them text: the table does not keep other types."""
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]


def _id(text: str) -> bytes:
    """Empty for what is no id, which the receiver refuses by its rules."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
