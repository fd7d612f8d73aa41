"""OTLP trace requests, protobuf bytes, to one `SpanBatch`: the reference decoder.

requests > parse, one by one > rows of resources, scopes, spans, events, links > columns
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from otel_sessions.errors import InvalidData, TooLarge
from otel_sessions.pdata import columns, lenient
from otel_sessions.pdata.batch import SpanBatch
from otel_sessions.pdata.schema import SCHEMA
from otel_sessions.pdata.values import as_text

KINDS: Final = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUSES: Final = ("Unset", "Ok", "Error")

MAX_SHARED_BYTES: Final = 256 * 2**20
"""How much the resources and scopes of a request may come to once they stand beside each of their spans."""
_MAX_COLUMN_BYTES: Final = 2**31 - 1  # 32-bit offsets of an Arrow string column
_MAX_GROWTH: Final = 6  # one byte of a string can become six in JSON: \u003c

_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_BAD_TRACE: Final = "with an invalid trace id (16 bytes, not all zero)"
_BAD_SPAN: Final = "with an invalid span id (8 bytes, not all zero)"
_BAD_PARENT: Final = "with an invalid parent span id (8 bytes, or none)"


@dataclass(frozen=True, slots=True)
class RequestResult:
    """What became of one request: its spans counted, and why it or some of them were refused."""

    accepted_spans: int = 0
    rejected_spans: int = 0
    message: str = ""
    error: InvalidData | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """The valid spans of all requests that could be read, in order, and one result a request.

    The column `Request` is the request's index in `results`.
    """

    batch: SpanBatch
    results: tuple[RequestResult, ...]


def decode(requests: Sequence[bytes], projects: Sequence[str]) -> Decoded:
    """Decodes `ExportTraceServiceRequest`s, each of the project at its index in `projects`.

    A request or span that is wrong is refused by itself: its result says so, the others are unaffected. Raises
    `TooLarge` if the requests are too much for one batch; one request alone, up to 256 MiB, never is.
    """
    messages = [_parsed(body) for body in requests]
    good = [message for message in messages if not isinstance(message, InvalidData)]
    if sum(map(len, requests)) * _MAX_GROWTH + sum(map(_shared_bytes, good)) > _MAX_COLUMN_BYTES:
        raise TooLarge(f"{len(requests)} requests are too much for one batch; decode fewer at a time")
    rows = _Rows()
    results = [
        RequestResult(error=message) if isinstance(message, InvalidData) else rows.add_request(message, number, project)
        for number, (message, project) in enumerate(zip(messages, projects, strict=True))
    ]
    return Decoded(rows.batch(), tuple(results))


def _parsed(body: bytes) -> ExportTraceServiceRequest | InvalidData:
    try:
        try:
            message = ExportTraceServiceRequest.FromString(body)
        except DecodeError:
            message = lenient.parse(body)
    except DecodeError as exc:
        error = InvalidData(f"not an OTLP ExportTraceServiceRequest in protobuf: {exc}")
        error.__cause__ = exc
        return error
    if _shared_bytes(message) > MAX_SHARED_BYTES:
        return InvalidData(
            f"resources and scopes, repeated for each of their spans, come to over {MAX_SHARED_BYTES >> 20} MiB; "
            "send smaller resource attributes, or fewer spans a request"
        )
    return message


def _shared_bytes(message: ExportTraceServiceRequest) -> int:
    total = 0
    for group in message.resource_spans:
        resource = group.resource.ByteSize() + len(group.schema_url)
        for scope in group.scope_spans:
            total += (resource + scope.scope.ByteSize() + len(scope.schema_url)) * len(scope.spans)
    return total


@dataclass(slots=True)
class _Rows:
    """What the walk over the messages collects: a tuple a row, and attributes apart."""

    resources: list[tuple[Any, ...]] = field(default_factory=list)
    scopes: list[tuple[Any, ...]] = field(default_factory=list)
    spans: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    links: list[tuple[Any, ...]] = field(default_factory=list)
    resource_attributes: columns.Maps = field(default_factory=columns.Maps)
    scope_attributes: columns.Maps = field(default_factory=columns.Maps)
    span_attributes: columns.Maps = field(default_factory=columns.Maps)
    event_attributes: columns.Maps = field(default_factory=columns.Maps)
    link_attributes: columns.Maps = field(default_factory=columns.Maps)

    def add_request(self, message: ExportTraceServiceRequest, number: int, project: str) -> RequestResult:
        first = len(self.spans)
        faults: Counter[str] = Counter()
        for group in message.resource_spans:
            self._add_resource(group, number, project)
            for scope in group.scope_spans:
                self._add_scope(scope)
                self._add_spans(scope.spans, faults)
        accepted, rejected = len(self.spans) - first, faults.total()
        return RequestResult(accepted, rejected, _sentence(accepted, faults))

    def _add_resource(self, group: ResourceSpans, number: int, project: str) -> None:
        resource = group.resource
        composite = self.resource_attributes.add(resource.attributes)
        service = [as_text(pair.value) for pair in resource.attributes if pair.key == "service.name"]
        name = service[-1] if service else ""
        dropped = resource.dropped_attributes_count
        self.resources.append((number, project, name, composite, group.schema_url, dropped))

    def _add_scope(self, group: ScopeSpans) -> None:
        scope = group.scope
        self.scope_attributes.add(scope.attributes)
        self.scopes.append((scope.name, scope.version, group.schema_url, scope.dropped_attributes_count))

    def _add_spans(self, spans: Iterable[Span], faults: Counter[str]) -> None:
        place = (len(self.resources) - 1, len(self.scopes) - 1)
        add, add_attributes, events, links = self.spans.append, self.span_attributes.add, self.events, self.links
        for span in spans:
            trace_id, span_id, parent_id = span.trace_id, span.span_id, span.parent_span_id
            fault = _fault(trace_id, span_id, parent_id)
            if fault:
                faults[fault] += 1
                continue
            if span.events:
                self._add_events(span.events)
            if span.links:
                self._add_links(span.links)
            status = span.status
            add(
                (
                    *place,
                    add_attributes(span.attributes),
                    trace_id.hex(),
                    span_id.hex(),
                    "" if parent_id == _NO_SPAN else parent_id.hex(),
                    span.trace_state,
                    span.flags,
                    span.name,
                    span.kind,
                    span.dropped_attributes_count,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    status.code,
                    status.message,
                    span.dropped_events_count,
                    span.dropped_links_count,
                    len(events),
                    len(links),
                )
            )

    def _add_events(self, events: Iterable[Span.Event]) -> None:
        for event in events:
            self.event_attributes.add(event.attributes)
            self.events.append((event.time_unix_nano, event.name, event.dropped_attributes_count))

    def _add_links(self, links: Iterable[Span.Link]) -> None:
        for link in links:
            self.link_attributes.add(link.attributes)
            self.links.append(
                (link.trace_id.hex(), link.span_id.hex(), link.trace_state, link.dropped_attributes_count, link.flags)
            )

    def batch(self) -> SpanBatch:
        if not self.spans:  # Arrow cannot repeat the default of a list column 0 times.
            return SpanBatch(pa.RecordBatch.from_pylist([], schema=SCHEMA))
        return SpanBatch.from_wire(self.columns())

    def columns(self) -> dict[str, pa.Array]:
        """The transient and wire columns of a `SpanBatch`."""
        resource, scope, *span, events, links = columns.transposed(self.spans, 19)
        return {
            **_expanded(self._resource_columns(), resource),
            **_expanded(self._scope_columns(), scope),
            **_span_columns(span),
            "SpanAttributes": self.span_attributes.array(),
            **self._event_columns((0, *events)),
            **self._link_columns((0, *links)),
        }

    def _resource_columns(self) -> dict[str, pa.Array]:
        number, project, service, composite, schema_url, dropped = columns.transposed(self.resources, 6)
        return {
            "Request": columns.uint32(number),
            "Project": columns.strings(project),
            "ServiceName": columns.strings(service),
            "ResourceCompositeKeys": columns.string_lists(composite),
            "ResourceAttributes": self.resource_attributes.array(),
            "ResourceSchemaUrl": columns.strings(schema_url),
            "ResourceDroppedAttributesCount": columns.uint32(dropped),
        }

    def _scope_columns(self) -> dict[str, pa.Array]:
        name, version, schema_url, dropped = columns.transposed(self.scopes, 4)
        return {
            "ScopeName": columns.strings(name),
            "ScopeVersion": columns.strings(version),
            "ScopeAttributes": self.scope_attributes.array(),
            "ScopeSchemaUrl": columns.strings(schema_url),
            "ScopeDroppedAttributesCount": columns.uint32(dropped),
        }

    def _event_columns(self, offsets: Sequence[int]) -> dict[str, pa.Array]:
        time, name, dropped = columns.transposed(self.events, 3)
        flat = {
            "Events.Timestamp": columns.timestamps(columns.uint64(time)),
            "Events.Name": columns.strings(name),
            "Events.Attributes": self.event_attributes.array(),
            "Events.DroppedAttributesCount": columns.uint32(dropped),
        }
        return {column: columns.lists(offsets, values) for column, values in flat.items()}

    def _link_columns(self, offsets: Sequence[int]) -> dict[str, pa.Array]:
        trace_id, span_id, trace_state, dropped, flags = columns.transposed(self.links, 5)
        flat = {
            "Links.TraceId": columns.strings(trace_id),
            "Links.SpanId": columns.strings(span_id),
            "Links.TraceState": columns.strings(trace_state),
            "Links.Attributes": self.link_attributes.array(),
            "Links.DroppedAttributesCount": columns.uint32(dropped),
            "Links.Flags": columns.uint32(flags),
        }
        return {column: columns.lists(offsets, values) for column, values in flat.items()}


def _expanded(table: dict[str, pa.Array], rows: Sequence[int]) -> dict[str, pa.Array]:
    """The rows of a small table as often as spans refer to them."""
    index = columns.uint32(rows)
    return {name: array.take(index) for name, array in table.items()}


def _span_columns(span: Sequence[tuple[Any, ...]]) -> dict[str, pa.Array]:
    """Columns of the spans' own fields, in the order `_Rows._add_spans` collects them."""
    composite, trace_id, span_id, parent_id, trace_state, flags, name, kind, dropped, *rest = span
    start_ns, end_ns, status, message, dropped_events, dropped_links = rest
    start, end = columns.uint64(start_ns), columns.uint64(end_ns)
    return {
        "SpanCompositeKeys": columns.string_lists(composite),
        "Timestamp": columns.timestamps(start),
        "TraceId": columns.strings(trace_id),
        "SpanId": columns.strings(span_id),
        "ParentSpanId": columns.strings(parent_id),
        "TraceState": columns.strings(trace_state),
        "Flags": columns.uint32(flags),
        "SpanName": columns.strings(name),
        "SpanKind": columns.names(kind, KINDS),
        "DroppedAttributesCount": columns.uint32(dropped),
        "StartTimeUnixNano": pa.array(start),
        "EndTimeUnixNano": pa.array(end),
        "Duration": pa.array(np.where(end >= start, end - start, np.uint64(0))),
        "StatusCode": columns.names(status, STATUSES),
        "StatusMessage": columns.strings(message),
        "DroppedEventsCount": columns.uint32(dropped_events),
        "DroppedLinksCount": columns.uint32(dropped_links),
    }


def _fault(trace_id: bytes, span_id: bytes, parent_id: bytes) -> str:
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        return _BAD_TRACE
    if len(span_id) != 8 or span_id == _NO_SPAN:
        return _BAD_SPAN
    return _BAD_PARENT if len(parent_id) not in {0, 8} else ""


def _sentence(accepted: int, faults: Counter[str]) -> str:
    """What a developer should know of the spans that were refused, or nothing."""
    if not faults:
        return ""
    rejected = faults.total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(faults.items()))
    return f"{rejected} of {accepted + rejected} spans rejected: {reasons}"
