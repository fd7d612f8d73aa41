"""Attributes on a starting span: the short way does what the API does."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import Span, SpanLimits
from opentelemetry.util.types import AttributeValue

from otel_sessions.sdk import processor
from tests.sdk.conftest import App

STAMP: dict[str, AttributeValue] = {"session.id": "s" * 20, "user.id": "ada", "langfuse.trace.tags": ("a", "b")}
OWN: list[dict[str, AttributeValue]] = [{}, {"x": 1}, {"session.id": "own"}, {"user.id": "own", "x": 1}]
LIMITS = [SpanLimits(), SpanLimits(max_span_attributes=2), SpanLimits(max_span_attribute_length=3)]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("own", OWN)
def test_both_ways_end_alike(limits: SpanLimits, own: dict[str, AttributeValue], monkeypatch: Any) -> None:
    app = App(span_limits=limits)
    found = []
    for put in (processor._put, processor._put_by_api):
        span = app.tracer.start_span("span", attributes=own)
        assert isinstance(span, Span)
        put(span, STAMP)
        found.append((dict(span.attributes or {}), span.dropped_attributes))
    assert found[0] == found[1]


def test_where_the_sdk_keeps_attributes_elsewhere_its_api_is_used(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "BoundedAttributes", dict)
    span = app.tracer.start_span("span")
    assert isinstance(span, Span)
    processor._put(span, STAMP)
    assert dict(span.attributes or {}) == STAMP
