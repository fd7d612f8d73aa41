# SPDX-License-Identifier: Apache-2.0
"""Rows of spans: the walk over OTLP messages, and the columns of a `SpanBatch` that come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.pdata import columns
from otel_sessions.pdata.batch import SpanBatch
from otel_sessions.pdata.schema import SCHEMA
from otel_sessions.pdata.values import as_text

KINDS: Final = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUSES: Final = ("Unset", "Ok", "Error")

_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
BAD_TRACE: Final = "with an invalid trace id (16 bytes, not all zero)"
BAD_SPAN: Final = "with an invalid span id (8 bytes, not all zero)"
BAD_PARENT: Final = "with an invalid parent span id (8 bytes, or none)"


@dataclass(slots=True)
class Rows:
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

    def __len__(self) -> int:
        return len(self.spans)

    def add_request(self, message: ExportTraceServiceRequest, number: int, project: str) -> Counter[str]:
        """Adds the valid spans of a request; returns how many were left out for which reason.

        `number` is what the column `Request` says.
        """
        faults: Counter[str] = Counter()
        for group in message.resource_spans:
            resource = group.resource
            composite = self.resource_attributes.add(resource.attributes)
            service = [as_text(pair.value) for pair in resource.attributes if pair.key == "service.name"]
            name = service[-1] if service else ""
            dropped = resource.dropped_attributes_count
            self.resources.append((number, project, name, composite, group.schema_url, dropped))
            for scope in group.scope_spans:
                named = scope.scope
                self.scope_attributes.add(named.attributes)
                self.scopes.append((named.name, named.version, scope.schema_url, named.dropped_attributes_count))
                self._add_spans(scope.spans, faults)
        return faults

    def _add_spans(self, spans: Iterable[Span], faults: Counter[str]) -> None:
        place = (len(self.resources) - 1, len(self.scopes) - 1)
        add, add_attributes, events, links = self.spans.append, self.span_attributes.add, self.events, self.links
        for span in spans:
            trace_id, span_id, parent_id = span.trace_id, span.span_id, span.parent_span_id
            fault = fault_of(trace_id, span_id, parent_id)
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
        """All spans added, in order, with derived columns at their defaults."""
        if not self.spans:  # Arrow cannot repeat the default of a list column 0 times.
            return SpanBatch(pa.RecordBatch.from_pylist([], schema=SCHEMA))
        return SpanBatch.from_wire(self.columns())

    def columns(self) -> dict[str, pa.Array]:
        """The transient and wire columns of a `SpanBatch`."""
        resource, scope, *span, events, links = columns.transposed(self.spans, 19)
        number, project, service, composite, schema_url, dropped = columns.transposed(self.resources, 6)
        of_resources = {
            "Request": columns.uint32(number),
            "Project": columns.strings(project),
            "ServiceName": columns.strings(service),
            "ResourceCompositeKeys": columns.string_lists(composite),
            "ResourceAttributes": self.resource_attributes.array(),
            "ResourceSchemaUrl": columns.strings(schema_url),
            "ResourceDroppedAttributesCount": columns.uint32(dropped),
        }
        name, version, schema_url, dropped = columns.transposed(self.scopes, 4)
        of_scopes = {
            "ScopeName": columns.strings(name),
            "ScopeVersion": columns.strings(version),
            "ScopeAttributes": self.scope_attributes.array(),
            "ScopeSchemaUrl": columns.strings(schema_url),
            "ScopeDroppedAttributesCount": columns.uint32(dropped),
        }
        return {
            **_expanded(of_resources, resource),
            **_expanded(of_scopes, scope),
            **_span_columns(span),
            "SpanAttributes": self.span_attributes.array(),
            **self._list_columns((0, *events), (0, *links)),
        }

    def _list_columns(self, ends_of_events: Sequence[int], ends_of_links: Sequence[int]) -> dict[str, pa.Array]:
        """Columns of events and links, a list a span; the ends stand after a leading 0."""
        time, name, dropped = columns.transposed(self.events, 3)
        of_events = {
            "Events.Timestamp": columns.timestamps(columns.uint64(time)),
            "Events.Name": columns.strings(name),
            "Events.Attributes": self.event_attributes.array(),
            "Events.DroppedAttributesCount": columns.uint32(dropped),
        }
        trace_id, span_id, trace_state, dropped, flags = columns.transposed(self.links, 5)
        of_links = {
            "Links.TraceId": columns.strings(trace_id),
            "Links.SpanId": columns.strings(span_id),
            "Links.TraceState": columns.strings(trace_state),
            "Links.Attributes": self.link_attributes.array(),
            "Links.DroppedAttributesCount": columns.uint32(dropped),
            "Links.Flags": columns.uint32(flags),
        }
        return {column: columns.lists(ends_of_events, values) for column, values in of_events.items()} | {
            column: columns.lists(ends_of_links, values) for column, values in of_links.items()
        }


def _expanded(table: dict[str, pa.Array], rows: Sequence[int]) -> dict[str, pa.Array]:
    """The rows of a small table as often as spans refer to them."""
    index = columns.uint32(rows)
    return {name: array.take(index) for name, array in table.items()}


def _span_columns(span: Sequence[tuple[Any, ...]]) -> dict[str, pa.Array]:
    """Columns of the spans' own fields, in the order `Rows._add_spans` collects them."""
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


def fault_of(trace_id: bytes, span_id: bytes, parent_id: bytes) -> str:
    """Why a span of these ids is not taken, or nothing."""
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        return BAD_TRACE
    if len(span_id) != 8 or span_id == _NO_SPAN:
        return BAD_SPAN
    return BAD_PARENT if len(parent_id) not in {0, 8} else ""
