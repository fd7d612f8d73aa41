"""What the session processor, as it is by default, finds in spans: the columns that are not at their default."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.genai.steps import COLUMNS
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing.otlp import Attributes, span
from tests.processors.session.reading import batch_of, rows_of

STEPS = ("StepKind", "StepName", "AgentName", "IsModelCall", "IsToolCall", "IsUnpriced", "ResponseId", "Metadata")
NAMES = ("ClaimId", "ClaimKey", "UserId", "TraceName", "Tags", "Environment", *(set(COLUMNS) - {*STEPS}))


def found(*spans: Span, resource: Attributes | None = None) -> list[dict[str, Any]]:
    """Of each span, as one batch."""
    batch = SessionProcessor(SessionConfig()).process(batch_of(*spans, resource=resource))
    return [{name: row[name] for name in NAMES if row[name]} for row in rows_of(batch)]


def found_in(attributes: Attributes) -> dict[str, Any]:
    """Of one span with these attributes."""
    [columns] = found(span(attributes=attributes))
    return columns


def steps(*spans: Span) -> list[dict[str, Any]]:
    """What steps each of the spans is, as one batch."""
    batch = SessionProcessor(SessionConfig()).process(batch_of(*spans))
    return [{name: row[name] for name in (*STEPS, "PreviousResponseId") if row[name]} for row in rows_of(batch)]


def usage(columns: dict[str, Any]) -> tuple[int, int, Decimal, str]:
    """Input and output tokens, cost and where it is from."""
    return (
        columns.get("InputTokens", 0),
        columns.get("OutputTokens", 0),
        columns.get("Cost", Decimal(0)),
        columns.get("CostSource", ""),
    )
