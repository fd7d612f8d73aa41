"""`session_start` and `session_end`."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from otel_sessions import session_end, session_start
from tests.sdk.conftest import App, install


def events(span: ReadableSpan) -> list[tuple[str, dict[str, object]]]:
    return [(event.name, dict(event.attributes or {})) for event in span.events]


def test_they_are_events_of_the_current_span(app: App) -> None:
    with app.tracer.start_as_current_span("request"):
        session_end("old")
        session_start("new", previous_id="old")
    assert events(app.spans()["request"]) == [
        ("session.end", {"session.id": "old"}),
        ("session.start", {"session.id": "new", "session.previous_id": "old"}),
    ]
    assert app.attributes("request") == {}


def test_without_a_span_they_have_one_of_their_own_in_their_session(app: App) -> None:
    session_start("new", previous_id="old")
    assert events(app.spans()["session.start"]) == [
        ("session.start", {"session.id": "new", "session.previous_id": "old"})
    ]
    assert app.sessions() == {"session.start": "new"}


def test_a_session_does_not_follow_itself_and_what_is_no_id_starts_nothing(app: App) -> None:
    session_start("s", previous_id="s")
    session_start(" ")
    session_end("")
    assert events(app.spans()["session.start"]) == [("session.start", {"session.id": "s"})]


def test_a_trace_that_is_not_sampled_stays_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(sampler=ALWAYS_OFF)
    install(monkeypatch, app.provider)
    with app.tracer.start_as_current_span("request"):
        session_start("s")
    assert app.spans() == {}
