# SPDX-License-Identifier: Apache-2.0
"""Batches back to OTLP: the spans that were sent, less those that were dropped, with what processors changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.errors import Permanent
from otel_sessions.exporters.otlp.changes import RESOURCE, SCOPE, Changes, keep_last, set_attributes
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.otlp import parsed
from otel_sessions.pdata.rows import fault_of


def encoded(batches: Sequence[SpanBatch]) -> bytes:
    """One `ExportTraceServiceRequest` of all spans, grouped by resource and scope as they came.

    Values have the types they were sent with, but those that a processor changed: these are text. Of a request's
    fields that OTLP did not know when this was written, nothing is passed on, as no processor could see it.
    """
    found = []
    for batch in batches:
        changes = Changes(batch)
        rows: dict[int, dict[int, int]] = {int(number): {} for number in changes.numbers}
        places = zip(batch["Request"].to_pylist(), batch["Position"].to_pylist(), strict=True)
        for row, (number, position) in enumerate(places):
            rows[number][position] = row
        for number, by_position in rows.items():
            message = parsed(batch.requests[number])
            if isinstance(message, Permanent):  # it was read before
                raise message
            found.append(Copy(changes).of(message, by_position).SerializeToString())
    # The bytes of several messages are those of one that has all their repeated fields.
    return b"".join(found)


def chunks(batches: Sequence[SpanBatch], max_bytes: int) -> Iterator[list[SpanBatch]]:
    """The batches in parts that came in requests of at most so many bytes together, or in one that is larger."""
    part, room = list[SpanBatch](), max_bytes
    for batch in batches:
        first = 0
        numbers, rows = np.unique(batch["Request"].to_numpy(), return_index=True)
        for number, begin in zip(numbers.tolist(), rows.tolist(), strict=True):
            nbytes = len(batch.requests[number])
            if nbytes > room and (part or begin > first):
                yield [*part, *_rows(batch, first, begin)]
                part, room, first = [], max_bytes, begin
            room -= nbytes
        part += _rows(batch, first, len(batch))
    if part:
        yield part


def _rows(batch: SpanBatch, begin: int, end: int) -> list[SpanBatch]:
    return [batch.slice(begin, end - begin)] if end > begin else []


class Copy:
    """Builds a request of those spans of another one that have rows."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._message = ExportTraceServiceRequest()
        self._resource: tuple[object, ...] = ()
        self._scope: tuple[object, ...] = ()

    def of(self, message: ExportTraceServiceRequest, rows: Mapping[int, int]) -> ExportTraceServiceRequest:
        """The request with those spans of `message` that have a row; `rows` is by the position of its valid spans."""
        message.DiscardUnknownFields()
        position = -1
        for i, group in enumerate(message.resource_spans):
            for j, scope in enumerate(group.scope_spans):
                for span in scope.spans:
                    if fault_of(span.trace_id, span.span_id, span.parent_span_id):
                        continue
                    position += 1
                    if position in rows:
                        # New groups where the resource or scope is another one, by place or by what processors made.
                        row = rows[position]
                        resource = self._changes.attributes(RESOURCE, row)
                        within = self._changes.attributes(SCOPE, row)
                        if (i, resource) != self._resource:
                            self._resource, self._scope = (i, resource), ()
                            target = self._message.resource_spans.add(schema_url=group.schema_url)
                            if group.HasField("resource"):
                                target.resource.CopyFrom(group.resource)
                            _settle(target.resource.attributes, resource)
                        if (j, within) != self._scope:
                            self._scope = (j, within)
                            copy = self._groups.add(schema_url=scope.schema_url)
                            if scope.HasField("scope"):
                                copy.scope.CopyFrom(scope.scope)
                            _settle(copy.scope.attributes, within)
                        row = rows[position]
                        target = self._groups[-1].spans.add()
                        target.CopyFrom(span)
                        if len(target.attributes) != self._changes.sizes[row]:
                            keep_last(target.attributes)
                        for part in (*target.events, *target.links):
                            keep_last(part.attributes)
                        self._changes.apply(target, row)
        return self._message

    @property
    def _groups(self) -> Any:
        return self._message.resource_spans[-1].scope_spans


def _settle(attributes: Any, changed: Sequence[tuple[str, str]] | None) -> None:
    keep_last(attributes)
    if changed is not None:
        set_attributes(attributes, changed)
