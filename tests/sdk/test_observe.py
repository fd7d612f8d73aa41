"""`observe`: a span a call, with what went in and what came out."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode

from otel_sessions import configure, get_client, observe, session
from otel_sessions.sdk import safely, serialize
from otel_sessions.sdk.client import KINDS
from tests.logged import told_by
from tests.sdk.conftest import App, install


@pytest.mark.parametrize(
    ("kind", "hint"),
    [("generatoin", "did you mean 'generation'?"), ("Tool", "'tool'"), (7, "there are span, generation")],
)
def test_a_kind_that_nobody_knows_is_told_with_the_nearest(
    kind: Any, hint: str, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    @observe(as_type=kind)
    def observed() -> int:
        return 7

    with get_client().start_as_current_observation(name="by hand", as_type=kind):
        assert observed() == 7
    assert app.attributes("by hand")["langfuse.observation.type"] == kind
    assert app.attributes("observed")["langfuse.observation.type"] == kind
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert repr(kind) in warning.getMessage()
    assert hint in warning.getMessage()


def test_known_kinds_are_no_matter_for_the_log(app: App, caplog: pytest.LogCaptureFixture) -> None:
    for kind in KINDS:
        observe(lambda: 7, name=kind, as_type=kind)  # type: ignore[call-overload]
    assert told_by(caplog, safely.logger.name) == []


INPUT, OUTPUT = "langfuse.observation.input", "langfuse.observation.output"


def test_arguments_and_result_are_input_and_output(app: App) -> None:
    @observe
    def answer(question: str, *more: int, top: int = 3, **options: bool) -> dict[str, Any]:
        return {"text": question.upper(), "score": 0.5}

    assert answer("hé?", 1, 2, top=4, fast=True) == {"text": "HÉ?", "score": 0.5}
    assert app.attributes("answer") == {
        INPUT: '{"question":"hé?","args":[1,2],"top":4,"fast":true}',
        OUTPUT: '{"text":"HÉ?","score":0.5}',
    }


def test_a_text_is_output_as_it_is_and_nothing_is_no_output(app: App) -> None:
    @observe(name="text")
    def text() -> str:
        return 'said "hi"'

    @observe(name="nothing")
    def nothing() -> None: ...

    text()
    nothing()
    assert app.attributes("text") == {OUTPUT: 'said "hi"'}
    assert app.attributes("nothing") == {}


def test_methods_are_captured_without_self(app: App) -> None:
    class Bot:
        @observe
        def method(self, word: str) -> str:
            return word

        @observe
        @classmethod
        def of_class(cls, word: str) -> str:
            return word

        @staticmethod
        @observe
        def of_none(word: str) -> str:
            return word

    assert [Bot().method("a"), Bot.of_class("b"), Bot().of_none("c")] == ["a", "b", "c"]
    assert [app.attributes(name)[INPUT] for name in ("method", "of_class", "of_none")] == [
        '{"word":"a"}',
        '{"word":"b"}',
        '{"word":"c"}',
    ]


def test_calls_nest_and_belong_to_the_session(app: App) -> None:
    @observe
    def inner() -> None: ...

    @observe
    def outer() -> None:
        inner()

    with session("s"):
        outer()
    spans = app.spans()
    assert spans["inner"].parent == spans["outer"].get_span_context()
    assert app.sessions() == {"inner": "s", "outer": "s"}


def test_an_exception_is_recorded_and_goes_on(app: App) -> None:
    @observe
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    span = app.spans()["fail"]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "KeyError: 'x'")
    assert [event.name for event in span.events] == ["exception"]
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_coroutines_run_side_by_side(app: App) -> None:
    @observe
    async def child(name: str) -> str:
        trace.get_current_span().update_name(f"child {name}")
        await asyncio.sleep(0)
        return name

    @observe
    async def parent() -> list[str]:
        return await asyncio.gather(child("a"), child("b"))

    assert asyncio.run(parent()) == ["a", "b"]
    spans = app.spans()
    assert inspect.iscoroutinefunction(parent)
    assert spans["child a"].parent == spans["child b"].parent == spans["parent"].get_span_context()


def test_a_cancelled_task_ends_its_span_without_an_error(app: App) -> None:
    @observe
    async def wait() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert app.spans()["wait"].status.status_code is StatusCode.UNSET


def test_the_span_of_a_generator_is_open_until_it_is_exhausted(app: App) -> None:
    @observe
    def stream(words: list[str]) -> Iterator[str]:
        for word in words:
            app.touch(f"step {word}")
            yield word

    with app.tracer.start_as_current_span("handler"):
        running = stream(["a ", "b"])
    assert "stream" not in app.spans()
    for word in running:
        app.touch(f"consumer {word}")
        assert "stream" not in app.spans()
    spans = app.spans()
    assert app.attributes("stream") == {INPUT: '{"words":["a ","b"]}', OUTPUT: "a b"}
    assert spans["stream"].parent == spans["handler"].get_span_context()
    assert spans["step a "].parent == spans["step b"].parent == spans["stream"].get_span_context()
    assert spans["consumer a "].parent is None


def test_the_span_of_a_generator_ends_when_it_is_closed(app: App) -> None:
    closed = []

    @observe
    def stream() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    running = stream()
    assert next(running) == 1
    running.close()  # type: ignore[attr-defined]
    assert closed == [True]
    span = app.spans()["stream"]
    assert (span.status.status_code, app.attributes("stream")) == (StatusCode.UNSET, {OUTPUT: "[1]"})


def test_send_throw_and_return_reach_the_generator(app: App) -> None:
    @observe
    def talk() -> Generator[str, str, str]:
        heard = yield "ready"
        try:
            yield heard.upper()
        except KeyError:
            yield "caught"
        return "done"

    running = talk()
    assert [next(running), running.send("hi"), running.throw(KeyError())] == ["ready", "HI", "caught"]
    with pytest.raises(StopIteration, match="done"):
        next(running)
    assert app.spans()["talk"].status.status_code is StatusCode.UNSET


def test_spans_that_a_generator_leaves_open_between_steps_stay_current_in_it(app: App) -> None:
    @observe
    def stream() -> Iterator[int]:
        with app.tracer.start_as_current_span("inside"):
            yield 1
            app.touch("leaf")

    list(stream())
    spans = app.spans()
    assert spans["leaf"].parent == spans["inside"].get_span_context()


def test_an_asynchronous_generator_too(app: App) -> None:
    @observe
    async def stream(fail: bool) -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        app.touch("leaf")
        yield "b"
        if fail:
            raise OSError("broken")

    async def main() -> list[str]:
        found = []
        with session("s"):
            running = stream(True)
        with pytest.raises(OSError, match="broken"):  # noqa: PT012
            async for piece in running:
                found.append(piece)
                assert not trace.get_current_span().is_recording()
        return found

    assert asyncio.run(main()) == ["a", "b"]
    spans = app.spans()
    assert spans["leaf"].parent == spans["stream"].get_span_context()
    assert app.attributes("stream") == {"session.id": "s", INPUT: '{"fail":true}', OUTPUT: "ab"}
    assert spans["stream"].status.status_code is StatusCode.ERROR


def test_closing_an_asynchronous_generator_ends_its_span(app: App) -> None:
    @observe
    async def stream() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        running = stream()
        async for _ in running:
            break
        await running.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    assert app.attributes("stream") == {OUTPUT: "[1]"}


def test_a_generation_has_model_usage_and_cost(app: App) -> None:
    @observe(as_type="generation", model="gpt-4o")
    def complete(prompt: str) -> str:
        get_client().update_current_generation(
            usage_details={"input": 12, "output": 3, "cached": 4}, cost_details={"total": 0.25}
        )
        return "ok"

    complete("hi")
    assert app.attributes("complete") == {
        INPUT: '{"prompt":"hi"}',
        OUTPUT: "ok",
        "langfuse.observation.type": "generation",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "langfuse.observation.usage_details": '{"input": 12, "output": 3, "cached": 4}',
        "langfuse.observation.cost_details": '{"total": 0.25}',
    }


@pytest.mark.parametrize("name", ["OTEL_SESSIONS_CAPTURE_CONTENT", "LANGFUSE_OBSERVE_DECORATOR_IO_CAPTURE_ENABLED"])
def test_the_environment_switches_contents_off_and_a_call_may_insist(
    app: App, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "False")

    @observe
    def silent(word: str) -> str:
        return word

    @observe(capture_output=True)
    def loud(word: str) -> str:
        return word

    silent("a")
    loud("b")
    assert app.attributes("silent") == {}
    assert app.attributes("loud") == {OUTPUT: "b"}


def test_each_of_input_and_output_can_be_left_out(app: App) -> None:
    observe(capture_input=False, name="out")(lambda x: x)(1)
    observe(capture_output=False, name="in")(lambda x: x)(1)
    assert (app.attributes("out"), app.attributes("in")) == ({OUTPUT: "1"}, {INPUT: '{"x":1}'})


def test_contents_are_redacted_by_the_hook_of_the_call_or_of_the_process(app: App) -> None:
    serialize.set_hook(lambda value: "***")
    observe(name="global")(lambda x: x)("secret")
    observe(name="own", redact=lambda value: "+++")(lambda x: x)("secret")
    observe(name="broken", redact=lambda value: 1 / 0)(lambda x: x)("secret")
    get_client().start_span(name="client", input="secret").end()
    assert app.attributes("global") == {INPUT: "***", OUTPUT: "***"}
    assert app.attributes("own") == {INPUT: "+++", OUTPUT: "+++"}
    assert app.attributes("broken") == {INPUT: "<redaction failed>", OUTPUT: "<redaction failed>"}
    assert app.attributes("client") == {INPUT: "***"}


def test_a_call_that_is_not_sampled_is_not_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(sampler=ALWAYS_OFF)
    install(monkeypatch, app.provider)
    seen = []
    assert observe(redact=seen.append)(lambda x: x + 1)(1) == 2
    assert list(observe(redact=seen.append)(iter)([1, 2])) == [1, 2]
    assert (app.spans(), seen) == ({}, [])


def test_a_function_may_be_observed_before_a_provider_is_installed(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, None)
    monkeypatch.setenv("OTEL_SESSIONS_AUTO_CONFIGURE", "false")

    @observe
    def work() -> int:
        return 1

    assert work() == 1
    install(monkeypatch, app.provider)
    assert (work(), list(app.spans())) == (1, ["work"])


def test_threads_may_call_the_same_function(app: App) -> None:
    @observe
    def work(name: str) -> None:
        trace.get_current_span().update_name(name)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(app.spans()) == 8


def test_a_second_configure_in_a_configured_process_is_harmless(app: App) -> None:
    assert configure() is app.provider
    assert observe(lambda: 1)() == 1


def test_decorators_of_a_generator_may_be_stacked(app: App) -> None:
    @observe(name="outer")
    @session("stacked")
    @observe(name="inner")
    def answer() -> Iterator[str]:
        app.touch("work")
        yield "one"
        yield "two"

    assert list(answer()) == ["one", "two"]
    spans = app.spans()
    assert app.sessions() == {"work": "stacked", "inner": "stacked", "outer": None}
    assert spans["work"].parent == spans["inner"].get_span_context()
    assert spans["inner"].parent == spans["outer"].get_span_context()
    assert app.attributes("inner")[OUTPUT] == app.attributes("outer")[OUTPUT] == "onetwo"


def test_decorators_of_an_asynchronous_generator_may_be_stacked(app: App) -> None:
    @session("stacked")
    @observe(name="inner")
    async def answer() -> AsyncIterator[int]:
        app.touch("work")
        yield 1

    async def consume() -> list[int]:
        return [item async for item in answer()]

    assert asyncio.run(consume()) == [1]
    assert app.sessions() == {"work": "stacked", "inner": "stacked"}
    assert app.spans()["work"].parent == app.spans()["inner"].get_span_context()


def test_an_object_is_called_as_what_its_class_defines(app: App) -> None:
    class Model:
        async def __call__(self, prompt: str) -> str:
            await asyncio.sleep(0)
            app.touch("inside")
            return prompt + "!"

    assert asyncio.run(observe(Model())("hi")) == "hi!"
    assert app.attributes("Model") == {INPUT: '{"prompt":"hi"}', OUTPUT: "hi!"}
    assert app.spans()["inside"].parent == app.spans()["Model"].get_span_context()


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [ValueError("\ud800"), Unspeakable(), KeyError("x" * 10**6)], ids=type)
def test_an_exception_with_any_message_is_recorded_and_costs_no_batch(app: App, error: Exception) -> None:
    @observe
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        fail()
    span = app.spans()["fail"]
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]
    assert len(encode_spans([span]).SerializeToString()) < 200_000
