"""Spans that ClickHouse will never take: set aside as OTLP/JSON, one span a line, with the reason.

Each line is an OTLP request of its own, which can be sent again; OTLP ignores the keys that say why it is here.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.component import Request
from otel_sessions.pdata.lenient import parse
from otel_sessions.pipeline.wal.segment import Segment, sync_directory

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

    def set_aside(self, segment: Segment, keys: set[SpanKey], reason: str) -> int:
        """Writes the spans of these keys to disk and returns how many bytes that took; raises OSError."""
        facts = {"reason": reason, "quarantined_at": datetime.now(UTC).isoformat()}
        lines = [json.dumps(facts | span, ensure_ascii=False) for span in _spans(segment, keys)]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        self.directory.mkdir(mode=0o700, exist_ok=True)
        with (self.directory / f"{segment.name}.jsonl").open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(self.directory)
        return len(data)


def _spans(segment: Segment, keys: set[SpanKey]) -> Iterator[dict[str, Any]]:
    for request in segment.read().requests:
        if request.project in {project for project, _, _ in keys}:
            yield from _spans_of(request, keys)


def _spans_of(request: Request, keys: set[SpanKey]) -> Iterator[dict[str, Any]]:
    message = parse(request.body)
    for group in message.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                if (request.project, span.trace_id.hex(), span.span_id.hex()) in keys:
                    single = ExportTraceServiceRequest()
                    resource_spans = single.resource_spans.add(resource=group.resource, schema_url=group.schema_url)
                    resource_spans.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=[span])
                    yield {"project": request.project, **_as_json(single)}


def _as_json(message: ExportTraceServiceRequest) -> dict[str, Any]:
    """OTLP/JSON: enums are numbers, ids are hex."""
    found: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
    span = found["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    for owner in (span, *span.get("links", ())):
        owner.update({name: base64.b64decode(owner[name]).hex() for name in _IDS if name in owner})
    return found
