"""`redact`: what it is asked holds for all that is exported from then on, whenever it was written."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider

from otel_sessions import configure, get_client, observe, update_current_trace
from otel_sessions.sdk import configure as configuring
from otel_sessions.sdk import serialize
from tests.sdk.conftest import install

SECRET = "4711 0815"


class Holding(SpanProcessor):
    """An exporter that waits: `sent` has the attributes as they are when it sends."""

    def __init__(self) -> None:
        self.held: list[ReadableSpan] = []
        self.sent: list[dict[str, Any]] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.held.append(span)

    def send(self) -> list[dict[str, Any]]:
        self.sent += [dict(span.attributes or {}) for span in self.held]
        self.held.clear()
        return self.sent


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> Holding:
    return installed(monkeypatch)


def installed(monkeypatch: pytest.MonkeyPatch, **provider: Any) -> Holding:
    made = TracerProvider(shutdown_on_exit=False, **provider)
    made.add_span_processor(found := Holding())
    install(monkeypatch, made)
    monkeypatch.setattr(configuring, "_done", [])
    return found


def hide(value: Any) -> Any:
    """As applications write it: text is searched, maps and lists walked."""
    if isinstance(value, str):
        return value.replace(SECRET, "#")
    if isinstance(value, dict):
        return {key: hide(item) for key, item in value.items()}
    return [hide(item) for item in value] if isinstance(value, list | tuple) else value


def test_a_hook_that_comes_after_configure_holds(holding: Holding) -> None:
    configure()
    configure(redact=hide)
    configure()
    observe(lambda word: word)(SECRET)
    assert holding.send() == [{"langfuse.observation.input": '{"word":"#"}', "langfuse.observation.output": "#"}]


def test_a_hook_that_comes_after_an_observed_call_holds_for_what_waits(holding: Holding) -> None:
    observe(lambda word: [word])(SECRET)
    with get_client().start_as_current_span(name="open", input={"a": SECRET}) as span:
        update_current_trace(output=f"so: {SECRET}")
        configure(redact=hide)
        span.update(output=SECRET)
    sent = {key: value for attributes in holding.send() for key, value in attributes.items()}
    assert sent == {
        "langfuse.observation.input": '{"a":"#"}',
        "langfuse.observation.output": "#",
        "langfuse.trace.output": "so: #",
    }
    assert holding.sent[0] == {"langfuse.observation.input": '{"word":"#"}', "langfuse.observation.output": '["#"]'}


def test_a_later_hook_sees_what_an_earlier_one_has_left(holding: Holding) -> None:
    configure(redact=lambda value: value)
    observe(lambda: SECRET)()
    configure(redact=hide)
    assert holding.send() == [{"langfuse.observation.output": "#"}]


def test_what_a_call_redacts_itself_stays_as_it_is(holding: Holding) -> None:
    observe(redact=lambda _: f"mine: {SECRET}")(lambda: SECRET)()
    configure(redact=hide)
    assert holding.send() == [{"langfuse.observation.output": f"mine: {SECRET}"}]


def test_a_hook_that_fails_shows_nothing(holding: Holding) -> None:
    observe(lambda: SECRET)()
    configure(redact=lambda value: value.nonsense)
    assert holding.send() == [{"langfuse.observation.output": "<redaction failed>"}]


def test_limits_on_the_length_of_attributes_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    holding = installed(monkeypatch, span_limits=SpanLimits(max_span_attribute_length=4))
    observe(lambda: "abc")()
    configure(redact=lambda value: value * 9)
    assert holding.send() == [{"langfuse.observation.output": "abca"}]


def test_a_hook_that_is_set_while_another_thread_writes_is_not_missed(holding: Holding) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(value: Any) -> Any:
        begun.set()
        go_on.wait(60)
        return value

    configure(redact=slow)
    thread = threading.Thread(target=observe(lambda: SECRET))
    thread.start()
    assert begun.wait(60)
    configure(redact=hide)
    go_on.set()
    thread.join()
    assert holding.send() == [{"langfuse.observation.output": "#"}]


def test_where_the_sdk_keeps_attributes_elsewhere_it_is_told(
    holding: Holding, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serialize, "BoundedAttributes", dict)
    monkeypatch.setattr(serialize, "_out_of_reach", False)
    observe(lambda: SECRET)()
    configure(redact=hide)
    assert "no effect on the spans that were recorded before" in caplog.text


@given(
    st.lists(st.sampled_from(["start", "write", "end", "send"])), st.lists(st.sampled_from(["write", "end", "send"]))
)
def test_nothing_unseen_is_exported_once_a_hook_is_set(before: list[str], after: list[str]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        holding, spans = installed(monkeypatch), []
        serialize.set_hook(None)
        for step in [*before, "redact", *after, "end", "send"]:
            if step == "start":
                spans.append(get_client().start_span(name="x", input=[SECRET]))
            elif step == "write" and spans:
                spans[-1].update(output={"deep": [SECRET]})
            elif step == "end" and spans:
                spans.pop().end()
            elif step == "send":
                holding.send()
            elif step == "redact":
                seen = len(holding.sent)
                configure(redact=hide)
        assert SECRET not in str(holding.sent[seen:])
        assert isinstance(trace.get_tracer_provider(), TracerProvider)
