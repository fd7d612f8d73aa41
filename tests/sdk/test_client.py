"""`get_client`: observations and scores without a decorator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.trace import StatusCode

from otel_sessions import get_client, update_current_trace
from otel_sessions.sdk.scores import SCORES
from tests.sdk.conftest import App
from tests.sdk.samples import (
    DECORATOR,
    DIRECT,
    PROPAGATED_BY_DECORATOR,
    PROPAGATED_DIRECTLY,
    WITHOUT_REFERENCE,
    program,
)


def test_the_sample_with_a_decorator(app: App) -> None:
    exec(program(DECORATOR), {})
    assert app.sessions() == {"answer": "decorated", "look_up": "decorated"}
    assert app.attributes("answer")["langfuse.observation.output"] == "ready?!"


def test_the_sample_with_direct_spans(app: App) -> None:
    exec(program(DIRECT), {})
    spans = app.spans()
    assert app.sessions() == {"chat-message": "direct", "reply": "direct"}
    assert spans["reply"].parent == spans["chat-message"].get_span_context()
    assert app.attributes("reply")["gen_ai.request.model"] == "gpt-4o"


def test_the_sample_without_a_reference(app: App) -> None:
    exec(program(WITHOUT_REFERENCE), {})
    assert app.sessions() == {"other-operation": "unreferenced"}


def test_the_samples_that_propagate(app: App) -> None:
    exec(program(PROPAGATED_BY_DECORATOR), {})
    exec(program(PROPAGATED_DIRECTLY), {})
    assert app.sessions() == {
        "process": "propagated",
        "step": "propagated",
        "chat-message": "propagated directly",
        "reply": "propagated directly",
    }


@pytest.mark.parametrize("name", ["\ud800", 5, None, b"x", "n" * 9999])
def test_what_is_no_name_costs_no_batch(app: App, name: Any) -> None:
    with get_client().start_as_current_span(name=name) as span:
        span.update(name=name, level="ERROR", status_message=name)
    assert encode_spans(app.ended.get_finished_spans()).SerializeToString()


def test_observations_nest_by_context_and_by_object(app: App) -> None:
    client = get_client()
    with client.start_as_current_span(name="root") as root:
        with client.start_as_current_observation(name="tool", as_type="tool"):
            client.start_span(name="below the tool").end()
        manual = root.start_generation(name="manual")
        manual.start_span(name="below manual").end()
        manual.end()
    spans = app.spans()
    parents = {name: span.parent.span_id if span.parent else None for name, span in spans.items()}
    ids = {name: span.context.span_id for name, span in spans.items()}
    assert parents == {
        "root": None,
        "tool": ids["root"],
        "below the tool": ids["tool"],
        "manual": ids["root"],
        "below manual": ids["manual"],
    }
    assert (root.id, root.trace_id) == (f"{ids['root']:016x}", f"{spans['tool'].context.trace_id:032x}")
    assert app.attributes("tool") == {"langfuse.observation.type": "tool"}


def test_every_field_has_its_attribute(app: App) -> None:
    class Prompt:
        name, version = "greeting", 3

    generation = get_client().start_generation(name="draft", input=[{"role": "user"}], model="m-1")
    generation.update(
        name="final",
        output={"text": "hi"},
        metadata={"a": 1, "b": [2]},
        version="v1",
        level="ERROR",
        status_message="too long",
        model="m-2",
        model_parameters={"temperature": 0.5},
        usage={"prompt_tokens": 7, "completion_tokens": 2},
        cost=0.125,
        completion_start_time=datetime(2026, 1, 2, tzinfo=UTC),
        prompt=Prompt(),
    )
    assert generation.end() is generation
    span = app.spans()["final"]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "too long")
    assert app.attributes("final") == {
        "langfuse.observation.type": "generation",
        "langfuse.observation.input": '[{"role":"user"}]',
        "langfuse.observation.output": '{"text":"hi"}',
        "langfuse.observation.metadata.a": 1,
        "langfuse.observation.metadata.b": "[2]",
        "langfuse.version": "v1",
        "langfuse.observation.level": "ERROR",
        "langfuse.observation.status_message": "too long",
        "gen_ai.request.model": "m-2",
        "langfuse.observation.model.parameters": '{"temperature":0.5}',
        "langfuse.observation.usage_details": '{"prompt_tokens": 7, "completion_tokens": 2}',
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "langfuse.observation.cost_details": '{"total": 0.125}',
        "langfuse.observation.completion_start_time": "2026-01-02T00:00:00+00:00",
        "langfuse.observation.prompt.name": "greeting",
        "langfuse.observation.prompt.version": 3,
    }


def test_whoever_started_the_current_span_it_can_be_updated(app: App) -> None:
    with app.tracer.start_as_current_span("theirs"):
        get_client().update_current_span(name="renamed", output="x")
        get_client().update_current_generation(usage_details={"input": 1})
    assert app.attributes("renamed")["langfuse.observation.output"] == "x"
    assert app.attributes("renamed")["gen_ai.usage.input_tokens"] == 1


def test_an_exception_is_recorded_and_goes_on(app: App) -> None:
    with pytest.raises(OSError, match="gone"), get_client().start_as_current_span(name="span"):
        raise OSError("gone")
    assert app.spans()["span"].status.status_code is StatusCode.ERROR


def test_a_span_may_stay_open_and_an_event_has_no_duration(app: App) -> None:
    with get_client().start_as_current_span(name="open", end_on_exit=False) as span:
        span.create_event(name="event", output=1)
    assert app.attributes("event") == {"langfuse.observation.type": "event", "langfuse.observation.output": "1"}
    assert "open" not in app.spans()
    span.end()
    assert "open" in app.spans()


def test_a_field_that_does_not_exist_is_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    more: Any = {"colour": "red"}
    span = get_client().start_span(name="span", **more)
    span.update_trace(**more).end()
    assert app.attributes("span") == {}
    assert "no field 'colour'" in caplog.text


def test_ids_of_what_is_current(app: App) -> None:
    client = get_client()
    assert (client.get_current_trace_id(), client.get_current_observation_id()) == (None, None)
    with client.start_as_current_span(name="span") as span:
        assert (client.get_current_trace_id(), client.get_current_observation_id()) == (span.trace_id, span.id)


def test_scores_are_those_of_the_api(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(SCORES, "put", lambda score: sent.append(dict(score)))
    client = get_client()
    client.score_current_trace(name="nowhere", value=1)
    client.score_session(session_id="s", name="csat", value=4.5, comment="nice", score_id="one")
    with client.start_as_current_span(name="span") as span:
        client.score_current_trace(name="ok", value=True)
        client.score_current_span(name="tone", value="kind", data_type="TEXT", metadata={"a": 1})
        span.score(name="a", value=0)
        span.score_trace(name="b", value=1)
    ids = {"traceId": span.trace_id, "observationId": span.id}
    assert sent[0] == {
        "id": "one",
        "name": "csat",
        "value": 4.5,
        "dataType": "NUMERIC",
        "sessionId": "s",
        "comment": "nice",
    }
    assert [{key: each for key, each in score.items() if key != "id"} for score in sent[1:]] == [
        {"name": "ok", "value": 1, "dataType": "BOOLEAN", "traceId": span.trace_id},
        {"name": "tone", "value": "kind", "dataType": "TEXT", "metadata": {"a": 1}, **ids},
        {"name": "a", "value": 0, "dataType": "NUMERIC", **ids},
        {"name": "b", "value": 1, "dataType": "NUMERIC", "traceId": span.trace_id},
    ]


def test_a_claim_reaches_the_root_the_current_span_and_all_later_ones(app: App) -> None:
    with app.tracer.start_as_current_span("root"):
        app.touch("ended before")
        with app.tracer.start_as_current_span("middle"), app.tracer.start_as_current_span("current"):
            update_current_trace(session_id="s", user_id="ada", name="turn", input={"q": 1}, public=True)
            app.touch("later")
        update_current_trace(output="done", tags=["t"], metadata={"k": "v"})
        app.touch("last")
    assert app.sessions() == {
        "ended before": None,
        "middle": None,
        "current": "s",
        "later": "s",
        "last": "s",
        "root": "s",
    }
    whole = {"langfuse.trace.tags": ("t",), "langfuse.trace.metadata.k": "v"}
    assert app.attributes("last") == {"session.id": "s", "user.id": "ada", **whole}
    assert app.attributes("root") == {
        "session.id": "s",
        "user.id": "ada",
        **whole,
        "langfuse.trace.name": "turn",
        "langfuse.trace.input": '{"q":1}',
        "langfuse.trace.output": "done",
        "langfuse.trace.public": True,
    }


def test_a_claim_holds_for_spans_that_start_after_the_root_has_ended(app: App) -> None:
    with app.tracer.start_as_current_span("root") as root:
        update_current_trace(session_id="s")
    get_client()  # whatever happens in between
    with get_client().start_as_current_span(name="another trace"):
        pass
    from opentelemetry.trace import set_span_in_context

    app.tracer.start_span("late", set_span_in_context(root)).end()
    assert app.sessions() == {"root": "s", "another trace": None, "late": "s"}
