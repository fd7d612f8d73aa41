"""`session`: what is started inside belongs to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context

from otel_sessions import propagate_attributes, session
from otel_sessions.sdk import processor
from tests.sdk.conftest import App


def test_spans_inside_carry_the_session_and_those_outside_do_not(app: App) -> None:
    app.touch("before")
    with session("s", user_id="ada", tags=["beta", "de"], metadata={"plan": "pro", "seats": 3, "limits": {"a": 1}}):
        app.touch("inside")
    app.touch("after")
    assert app.attributes("inside") == {
        "session.id": "s",
        "user.id": "ada",
        "langfuse.trace.tags": ("beta", "de"),
        "langfuse.trace.metadata.plan": "pro",
        "langfuse.trace.metadata.seats": 3,
        "langfuse.trace.metadata.limits": '{"a":1}',
    }
    assert app.attributes("before") == app.attributes("after") == {}


def test_the_inner_session_counts_whole_and_the_outer_one_is_restored(app: App) -> None:
    with session("outer", user_id="ada"):
        with suppress(ValueError), session("inner"):
            app.touch("in")
            raise ValueError
        app.touch("back")
    assert app.attributes("in") == {"session.id": "inner"}
    assert app.attributes("back") == {"session.id": "outer", "user.id": "ada"}


Tree = list[tuple[str, Any]]
trees: st.SearchStrategy[Tree] = st.recursive(
    st.just([]),
    lambda inner: st.lists(st.tuples(st.sampled_from(["a", "b", "é☂", "with space/slash"]), inner), max_size=3),
    max_leaves=12,
)


@given(trees)
def test_any_nesting_leaves_each_block_its_own_session(tree: Tree) -> None:
    def walk(blocks: Tree, around: str | None) -> None:
        for name, inner in blocks:
            with session(name):
                walk(inner, name)
            assert here() == around
        assert here() == around

    walk(tree, None)


def here() -> object:
    found = context.get_value(processor.KEY)
    return found.attributes["session.id"] if isinstance(found, processor.Stamp) else None


@pytest.mark.parametrize("id_", [None, "", " \n", "x" * 8193, "é" * 4097])
def test_what_is_no_id_changes_nothing(app: App, id_: str | None) -> None:
    with session("outer"), session(id_, user_id="ada"):
        app.touch("span")
    assert app.attributes("span") == {"session.id": "outer"}


@pytest.mark.parametrize("id_", ["日本 ☂/\\ \U0001f4a5", "x" * 8192, "0"])
def test_any_other_text_is_an_id(app: App, id_: str) -> None:
    with session(id_):
        app.touch("span")
    assert app.sessions() == {"span": id_}


def test_what_utf8_cannot_hold_is_replaced_since_it_would_cost_the_batch(app: App) -> None:
    with session("a\udcff", tags=["\ud800"], metadata={"k\udfff": "\udfff", "big": 2**64}):
        app.touch("span")
    assert app.attributes("span") == {
        "session.id": "a?",
        "langfuse.trace.tags": ("?",),
        "langfuse.trace.metadata.k?": "?",
        "langfuse.trace.metadata.big": "18446744073709551616",
    }


def test_threads_belong_to_it_if_they_run_in_a_copy_of_the_context(app: App) -> None:
    with session("s"):
        copied = threading.Thread(target=copy_context().run, args=(app.touch, "copied"))
        bare = threading.Thread(target=app.touch, args=("bare",))
    for thread in (copied, bare):
        thread.start()
        thread.join()
    assert app.sessions() == {"copied": "s", "bare": None}


def test_concurrent_tasks_each_have_their_own(app: App) -> None:
    async def chat(id_: str) -> None:
        async with session(id_):
            await asyncio.sleep(0)
            app.touch(f"first {id_}")
            await asyncio.gather(asyncio.to_thread(app.touch, f"thread {id_}"), asyncio.sleep(0))
            app.touch(f"last {id_}")

    async def main() -> None:
        await asyncio.gather(*(chat(str(number)) for number in range(5)))

    asyncio.run(main())
    assert len(app.spans()) == 15
    assert all(name.split()[1] == id_ for name, id_ in app.sessions().items())


def test_it_decorates_functions_and_coroutines(app: App) -> None:
    @session("sync")
    def work(name: str) -> str:
        """Works."""
        app.touch(name)
        return name

    @session("async")
    async def work_async(name: str) -> str:
        await asyncio.sleep(0)
        return work.__wrapped__(name)  # type: ignore[attr-defined, no-any-return]

    assert (work("one"), asyncio.run(work_async("two"))) == ("one", "two")
    assert (work.__name__, work.__doc__) == ("work", "Works.")
    assert app.sessions() == {"one": "sync", "two": "async"}


def test_a_decorated_generator_has_it_in_each_step_and_its_consumer_has_not(app: App) -> None:
    @session("inner")
    def steps() -> Iterator[int]:
        for number in range(2):
            app.touch(f"step {number}")
            yield number

    with session("outer"):
        for number in steps():
            app.touch(f"between {number}")
    assert app.sessions() == {"step 0": "inner", "step 1": "inner", "between 0": "outer", "between 1": "outer"}


def test_a_decorated_asynchronous_generator_too(app: App) -> None:
    @session("inner")
    async def steps() -> AsyncIterator[int]:
        for number in range(2):
            await asyncio.sleep(0)
            app.touch(f"step {number}")
            yield number

    async def main() -> None:
        async for number in steps():
            app.touch(f"between {number}")

    asyncio.run(main())
    assert app.sessions() == {"step 0": "inner", "step 1": "inner", "between 0": None, "between 1": None}


def test_only_with_baggage_the_id_and_nothing_else_travels() -> None:
    with session("quiet", user_id="ada"):
        assert baggage.get_all() == {}
        with session("loud", user_id="ada", baggage=True):
            assert baggage.get_all() == {"session.id": "loud"}
        assert baggage.get_all() == {}


def test_one_object_may_be_entered_by_tasks_that_overlap(app: App) -> None:
    shared = session("shared")

    async def task(number: int, first: asyncio.Event, second: asyncio.Event) -> None:
        with shared:
            app.touch(f"inside {number}")
            first.set()
            await second.wait()
        app.touch(f"after {number}")

    async def overlap() -> None:
        one, other = asyncio.Event(), asyncio.Event()
        await asyncio.gather(task(1, one, other), task(2, other, one))

    asyncio.run(overlap())
    assert app.sessions() == {"inside 1": "shared", "inside 2": "shared", "after 1": None, "after 2": None}


def test_it_decorates_static_and_class_methods(app: App) -> None:
    class Shop:
        @session("static")
        @staticmethod
        def static() -> None:
            app.touch("in static")

        @session("class")
        @classmethod
        def of_class(cls) -> str:
            app.touch("in class")
            return cls.__name__

    Shop.static()
    Shop().static()
    assert Shop.of_class() == "Shop"
    assert {span.attributes["session.id"] for span in app.ended.get_finished_spans() if span.attributes} == {
        "static",
        "class",
    }


def test_propagated_attributes_add_to_those_around_them_and_reach_the_current_span(app: App) -> None:
    with propagate_attributes(session_id="s", tags=["a"], version="1", environment="prod", prompt={"name": "p"}):
        with app.tracer.start_as_current_span("root"), propagate_attributes(user_id="ada", trace_name="turn"):
            app.touch("inner")
        app.touch("beside")
    outer = {
        "session.id": "s",
        "langfuse.trace.tags": ("a",),
        "langfuse.version": "1",
        "langfuse.environment": "prod",
        "langfuse.observation.prompt.name": "p",
    }
    for name in ("root", "inner"):
        assert app.attributes(name) == {**outer, "user.id": "ada", "langfuse.trace.name": "turn"}
    assert app.attributes("beside") == outer


def test_propagated_attributes_need_no_session(app: App) -> None:
    with propagate_attributes(user_id="ada", as_baggage=True):
        app.touch("work")
        assert baggage.get_all() == {}
    assert app.attributes("work") == {"user.id": "ada"}
