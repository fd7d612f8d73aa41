# SPDX-License-Identifier: Apache-2.0
"""What is said of a trace from outside, `trace-create`, as a span that no figure counts.

As a span it takes the way of all spans: it is safe when it is answered, once for all repetitions, and its session is a
claim like any other, whenever it arrives. The views know it by its name, see
`sessions/migrations/0003_views.sql`.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from pydantic import AfterValidator

from otel_sessions.langfuse.score_body import Body, Id, Time, as_json

SPAN_NAME: Final = "otel_sessions.trace_update"
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_NO_SPAN: Final = b"\xff" * 8  # a parent, so that the claims of real roots come first
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _trace_id(text: str) -> str:
    if not _TRACE_ID.fullmatch(text.lower()) or not text.strip("0"):
        raise ValueError("a trace id of OpenTelemetry is expected, 32 hex digits")
    return text.lower()


class TraceBody(Body):
    """Body of `trace-create`; what is not named stays as the spans say it."""

    id: Annotated[str, AfterValidator(_trace_id)]
    timestamp: Time | None = None
    name: str | None = None
    session_id: Id | None = None
    user_id: Id | None = None
    tags: tuple[str, ...] = ()
    input: Any = None
    output: Any = None
    metadata: Any = None
    environment: str | None = None
    release: str | None = None
    version: str | None = None
    public: bool | None = None

    def span(self, sent: datetime) -> Span:
        """The span that says this of the trace; equal for equal bodies that were sent at the same time."""
        since = sent - _EPOCH
        time = (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
        content = f"{time} {self.model_dump_json()}".encode()
        texts = {
            "session.id": self.session_id,
            "user.id": self.user_id,
            "langfuse.trace.name": self.name,
            "langfuse.trace.input": _text(self.input),
            "langfuse.trace.output": _text(self.output),
            "langfuse.trace.metadata": _text(self.metadata),
            "langfuse.environment": self.environment,
            "langfuse.release": self.release,
            "langfuse.version": self.version,
        }
        values = {key: AnyValue(string_value=text) for key, text in texts.items() if text}
        if self.tags:
            tags = ArrayValue(values=[AnyValue(string_value=tag) for tag in self.tags])
            values["langfuse.trace.tags"] = AnyValue(array_value=tags)
        if self.public is not None:
            values["langfuse.trace.public"] = AnyValue(bool_value=self.public)
        return Span(
            trace_id=bytes.fromhex(self.id),
            span_id=hashlib.sha256(content).digest()[:8],
            parent_span_id=_NO_SPAN,
            name=SPAN_NAME,
            start_time_unix_nano=time,
            end_time_unix_nano=time,
            attributes=[KeyValue(key=key, value=value) for key, value in values.items()],
        )


def export_of(spans: list[Span]) -> bytes:
    """Encodes the spans as one OTLP request."""
    scopes = [ScopeSpans(spans=spans)]
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=Resource(), scope_spans=scopes)]
    ).SerializeToString()


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else as_json(value)
