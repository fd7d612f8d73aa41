"""Attributes on a starting span: the short way does what the API does."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.context import Context, get_current
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.sdk.trace import Span, SpanLimits
from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AttributeValue

from otel_sessions.sdk import processor
from tests.sdk.conftest import App

STAMP: dict[str, AttributeValue] = {"session.id": "s" * 20, "user.id": "ada", "langfuse.trace.tags": ("a", "b")}
OWN: list[dict[str, AttributeValue]] = [{}, {"x": 1}, {"session.id": "own"}, {"user.id": "own", "x": 1}]
LIMITS = [SpanLimits(), SpanLimits(max_span_attributes=2), SpanLimits(max_span_attribute_length=3)]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("own", OWN)
def test_both_ways_end_alike(
    limits: SpanLimits, own: dict[str, AttributeValue], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(span_limits=limits)
    found = []
    for kept in (processor.BoundedAttributes, dict):  # where the SDK keeps them, and elsewhere, which is by its API
        monkeypatch.setattr(processor, "BoundedAttributes", kept)
        span = app.tracer.start_span("span", attributes=own)
        assert isinstance(span, Span)
        processor._put(span, STAMP)
        found.append((dict(span.attributes or {}), span.dropped_attributes))
    assert found[0] == found[1]


def test_where_the_sdk_keeps_attributes_elsewhere_its_api_is_used(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "BoundedAttributes", dict)
    span = app.tracer.start_span("span")
    assert isinstance(span, Span)
    processor._put(span, STAMP)
    assert dict(span.attributes or {}) == STAMP


def test_the_context_is_read_where_the_api_keeps_it_and_by_the_api_where_that_is_elsewhere() -> None:
    runtime = ContextVarsRuntimeContext()
    token = runtime.attach(Context({"key": "value"}))
    try:
        assert processor.current_from(runtime)() is runtime.get_current()
    finally:
        runtime.detach(token)

    class Other(ContextVarsRuntimeContext):
        """May have its context anywhere, whatever it has inherited."""

    changed = ContextVarsRuntimeContext()
    del changed._current_context
    for each in (Other(), changed, None):
        assert processor.current_from(each) is get_current


@pytest.mark.parametrize("remote", [False, True])
def test_of_a_span_that_keeps_its_parent_elsewhere_the_api_says_whether_it_is_a_root(app: App, remote: bool) -> None:
    class Elsewhere:
        def __init__(self) -> None:
            self.parent = SpanContext(1, 2, is_remote=remote)

    processor.TRACES.started.clear()
    span: Any = Elsewhere()
    processor.SessionSpanProcessor().on_start(span)
    assert [noted() for noted in processor.TRACES.started] == ([span] if remote else [])
