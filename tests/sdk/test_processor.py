"""`SessionSpanProcessor`: which attributes a span gets when it starts."""

from __future__ import annotations

import gc
from weakref import ref

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_span_in_context

from otel_sessions import SessionSpanProcessor, session, update_current_trace
from otel_sessions.sdk.processor import Traces
from tests.sdk.conftest import App


def reader(*keys: str) -> App:
    """An application that reads these keys of baggage."""
    made = App.__new__(App)
    made.ended = InMemorySpanExporter()
    made.provider = TracerProvider(shutdown_on_exit=False)
    made.provider.add_span_processor(SimpleSpanProcessor(made.ended))
    made.provider.add_span_processor(SessionSpanProcessor(baggage_keys=keys))
    made.tracer = made.provider.get_tracer("reader")
    return made


def test_a_context_that_is_handed_over_comes_before_the_current_one(app: App) -> None:
    with session("handed"):
        handed = context.get_current()
    with session("current"):
        app.tracer.start_span("explicit", handed).end()
        app.tracer.start_span("without", context.Context()).end()
    assert app.sessions() == {"explicit": "handed", "without": "current"}


def test_a_span_keeps_the_id_it_starts_with(app: App) -> None:
    with session("s", user_id="ada"):
        app.tracer.start_span("own", attributes={"session.id": "mine"}).end()
    assert app.attributes("own") == {"session.id": "mine", "user.id": "ada"}


def test_only_allowed_keys_of_baggage_become_attributes() -> None:
    app = reader("session.id", "tenant")
    carried = baggage.set_baggage("session.id", "s", baggage.set_baggage("other", "x"))
    app.tracer.start_span("with", carried).end()
    app.tracer.start_span("blank", baggage.set_baggage("session.id", " ", context.Context())).end()
    assert app.attributes("with") == {"session.id": "s"}
    assert app.attributes("blank") == {}


def test_without_a_list_baggage_is_not_read(app: App) -> None:
    app.tracer.start_span("span", baggage.set_baggage("session.id", "forged")).end()
    assert app.attributes("span") == {}


def test_what_the_application_says_comes_before_baggage() -> None:
    app = reader("session.id")
    token = context.attach(baggage.set_baggage("session.id", "carried"))
    with session("said"):
        app.touch("span")
    context.detach(token)
    assert app.sessions() == {"span": "said"}


def test_of_session_and_claim_what_was_said_last_counts(app: App) -> None:
    with session("cookie", user_id="ada"), app.tracer.start_as_current_span("root"):
        update_current_trace(session_id="chat")
        app.touch("claimed")
        with session("inner"):
            app.touch("inner")
    assert app.sessions() == {"root": "chat", "claimed": "chat", "inner": "inner"}
    assert app.attributes("claimed")["user.id"] == "ada"


def test_what_is_remembered_of_traces_is_bounded(app: App) -> None:
    traces = Traces(limit=3)
    roots = [app.tracer.start_span(str(number)) for number in range(5)]
    ids = [root.get_span_context().trace_id for root in roots]
    for id_, root in zip(ids, roots, strict=True):
        traces.started.append(ref(root))
        traces.claim(id_, {"session.id": "s"})
    assert list(traces.claims) == ids[2:]
    assert [traces.roots(id_) for id_ in ids] == [(), (), *((root,) for root in roots[2:])]
    roots[4].end()
    assert traces.roots(ids[4]) == ()


def test_open_roots_are_known_however_many_have_come_and_gone(app: App) -> None:
    traces = Traces(limit=3)
    kept = app.tracer.start_span("kept")
    traces.started.append(ref(kept))
    for _ in range(50):
        gone = app.tracer.start_span("gone")
        traces.started.append(ref(gone))
        assert traces.roots(gone.get_span_context().trace_id) == (gone,)
        gone.end()
        assert len(traces._roots) <= 6
    assert traces.roots(kept.get_span_context().trace_id) == (kept,)


def test_a_root_is_not_kept_alive(app: App) -> None:
    app.ended.shutdown()  # which takes no more
    seen = ref(app.tracer.start_span("gone"))
    gc.collect()
    assert seen() is None


def test_a_stamp_that_fails_leaves_the_span_alone(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("otel_sessions.sdk.processor.TRACES", None)
    with session("s"):
        app.touch("one")
        app.touch("two")
    assert app.sessions() == {"one": None, "two": None}
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def test_a_sibling_root_of_the_same_trace_is_known_while_it_is_open(app: App) -> None:
    with app.tracer.start_as_current_span("caller") as caller:
        ids = caller.get_span_context()
    remote = set_span_in_context(caller)
    with app.tracer.start_as_current_span("second", remote) as second:
        update_current_trace(session_id="s")
        assert second.get_span_context().trace_id == ids.trace_id
    assert app.sessions() == {"caller": None, "second": "s"}


def test_what_follows_it_is_flushed() -> None:
    assert SessionSpanProcessor().force_flush() is True
