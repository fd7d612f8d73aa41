# SPDX-License-Identifier: Apache-2.0
"""The dead letters, spans that ClickHouse will never take: set aside as OTLP/JSON, one span a line, with the reason.

Each line is an OTLP request of its own, which can be sent again; OTLP ignores the keys that say why it is here.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from otel_sessions.component import Request
from otel_sessions.exporterhelper.fsync import make_directory, sync_directory
from otel_sessions.exporterhelper.wal.segment import Segment
from otel_sessions.pdata.lenient import parse

SpanKey = tuple[str, str, str]
"""(project, trace id, span id), the ids in hex"""
_IDS: Final = ("traceId", "spanId", "parentSpanId")


class Quarantine:
    """A directory of such files, named after the segments that the spans came in."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def nbytes(self) -> int:
        """Of all files."""
        return sum(path.stat().st_size for path in self.directory.glob("*.jsonl"))

    def set_aside(self, segment: Segment, reasons: Mapping[SpanKey, str]) -> int:
        """Writes the spans that have reasons to disk and returns how many bytes that took; raises OSError.

        What an earlier process had written of this segment is replaced.
        """
        now = datetime.now(UTC).isoformat()
        lines = [
            json.dumps({"reason": reasons[key], "quarantined_at": now, "project": key[0], **span}, ensure_ascii=False)
            for key, span in _spans(segment, reasons)
        ]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        make_directory(self.directory)
        path = self.directory / f"{segment.name}.jsonl"
        replaced = path.stat().st_size if path.exists() else 0
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(self.directory)
        return len(data) - replaced


def _spans(segment: Segment, wanted: Mapping[SpanKey, str]) -> Iterator[tuple[SpanKey, dict[str, Any]]]:
    """The spans of these keys, each as often as it came."""
    projects = {project for project, _, _ in wanted}
    for request in segment.read().requests:
        if request.project in projects:
            for trace_id, span_id, single in _singles(parse(request.body)):
                key = (request.project, trace_id, span_id)
                if key in wanted:
                    # OTLP/JSON: enums are numbers, ids are hex
                    message = single()
                    found: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
                    span = found["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
                    for owner in (span, *span.get("links", ())):
                        owner.update({name: base64.b64decode(owner[name]).hex() for name in _IDS if name in owner})
                    yield key, found


def span_keys(request: Request) -> list[SpanKey]:
    """Of the spans of a request, in order."""
    return [(request.project, trace_id, span_id) for trace_id, span_id, _ in _singles(parse(request.body))]


def _singles(
    message: ExportTraceServiceRequest,
) -> Iterator[tuple[str, str, Callable[[], ExportTraceServiceRequest]]]:
    """Each span with its ids, and how to make a request of it alone."""
    for group in message.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                yield span.trace_id.hex(), span.span_id.hex(), partial(_single, group, scope, span)


def _single(group: ResourceSpans, scope: ScopeSpans, span: Span) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(resource=group.resource, schema_url=group.schema_url)
    resource_spans.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=[span])
    return request
