"""Answers to a model keep within their budget, whatever stands in the sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.extensions.web.mcp.budget import MIN_TOKENS, TOO_SMALL, fold, text_of
from otel_sessions.extensions.web.mcp.catalogue import TOOLS
from otel_sessions.extensions.web.mcp.tools import Asked
from otel_sessions.queries.replay import Memory
from otel_sessions.testing import otlp
from tests.extensions.web.conftest import Api, span
from tests.integration.delivery import EPOCH, new_project

LONG_ID = "é" * 4096
SESSIONS = ["short", LONG_ID, "many steps"]
NOW_NS = EPOCH + 3600 * 10**9


def messages(*texts: str) -> str:
    return json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]} for text in texts])


@pytest.fixture(scope="module")
def asked(otel_client: Client) -> Asked:
    """A project of sessions that are large in every way that one can be."""
    api = Api("", new_project(), otel_client)
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m" * 300, "gen_ai.usage.input_tokens": 5}
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.call.result": "r" * 50_000,
    }
    raised = otlp.event("exception", attributes={"x": "e" * 9000})
    definitions = json.dumps([{"name": f"t{n}", "description": "d" * 400, "parameters": {"x": "y"}} for n in range(40)])
    api.store(
        *(
            span(
                SESSIONS[0],
                number,
                start=number * 60,
                attributes={
                    **call,
                    "user.id": f"user {number}",
                    "gen_ai.input.messages": messages(*(f"{turn} " + "日" * 700 for turn in range(number))),
                    "gen_ai.output.messages": messages("a" * 3000),
                    "gen_ai.tool.definitions": definitions,
                    f"langfuse.trace.metadata.key{number}": "v" * 2000,
                    "k" * 2000: '"\\\n' * 1000,
                },
            )
            for number in range(1, 9)
        ),
        *(span(LONG_ID, 100 + number, start=number, attributes=call) for number in range(3)),
        *(span(SESSIONS[2], 200, number=number + 1, start=number, attributes=tool) for number in range(80)),
        span(
            SESSIONS[2],
            201,
            status="Error",
            message="boom " * 5000,
            events=[raised] * 20,
        ),
    )
    return Asked(api.project, NOW_NS, Memory())


def tokens() -> st.SearchStrategy[int]:
    return st.integers(MIN_TOKENS, 1000) | st.integers(MIN_TOKENS, 30_000)


QUESTIONS = st.one_of(
    st.tuples(
        st.just("find_sessions"),
        st.fixed_dictionaries(
            {"sort": st.sampled_from(["cost", "start"]), "limit": st.integers(1, 50)},
            optional={
                "fields": st.sampled_from(["core", "io,metadata", "usage,scores"]),
                "preview": st.integers(0, 5000),
            },
        ),
    ),
    st.tuples(
        st.just("read_session"),
        st.fixed_dictionaries(
            {"session_id": st.sampled_from(SESSIONS)},
            optional={"limit": st.integers(1, 20), "preview": st.integers(0, 5000)},
        ),
    ),
    st.tuples(
        st.just("read_step"),
        st.sampled_from(
            [{"trace_id": f"{trace:032x}", "span_id": f"{trace * 1000 + 1:016x}"} for trace in (1, 8, 100, 200, 201)]
        ),
    ),
    st.tuples(
        st.just("metrics"),
        st.fixed_dictionaries(
            {"interval": st.sampled_from(["all", "1m", "1s"])},
            optional={"group_by": st.sampled_from(["session", "user", "model", "tool"]), "top": st.integers(1, 50)},
        ),
    ),
    st.tuples(
        st.just("query_sql"),
        st.fixed_dictionaries(
            {
                "sql": st.sampled_from(
                    [
                        "SELECT * FROM sessions",
                        "SELECT * FROM session_spans",
                        "SELECT SpanAttributes, groupArray(SpanId) OVER () FROM session_spans LIMIT 20",
                        "SELECT number FROM numbers(1000)",
                        f"SELECT 1 AS {'c' * 900}, 2 AS d",
                        f"SELECT {', '.join(f'{n} AS column_{n}' for n in range(300))}",
                        "DESCRIBE session_spans",
                    ]
                )
            }
        ),
    ),
    st.tuples(st.just("fields"), st.just({})),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(question=QUESTIONS, max_tokens=tokens())
def test_no_answer_is_over_its_budget(
    otel_client: Client, asked: Asked, question: tuple[str, dict[str, Any]], max_tokens: int
) -> None:
    name, arguments = question
    tool = TOOLS[name]
    answer = tool.run(otel_client, asked, tool.parameters.model_validate({**arguments, "max_tokens": max_tokens}))
    assert len(text_of(answer).encode()) <= 4 * max_tokens
    assert answer


@pytest.mark.parametrize("max_tokens", [400, 3000])
def test_pages_of_any_budget_together_have_every_session_and_every_turn(
    otel_client: Client, asked: Asked, max_tokens: int
) -> None:
    for name, member, arguments, expected in (
        ("find_sessions", "sessions", {"query": "-id:é*"}, ["many steps", "short"]),
        ("read_session", "turns", {"session_id": "short"}, [f"{number:032x}" for number in range(1, 9)]),
    ):
        tool, found, cursor = TOOLS[name], [], None
        while not found or cursor:
            given = {**arguments, "max_tokens": max_tokens, **({"cursor": cursor} if cursor else {})}
            answer = tool.run(otel_client, asked, tool.parameters.model_validate(given))
            found += [row["session_id" if member == "sessions" else "trace_id"] for row in answer[member]]
            cursor = answer["next_cursor"]
        assert sorted(found) == expected


def test_what_fits_nowhere_says_so(otel_client: Client, asked: Asked) -> None:
    tool = TOOLS["find_sessions"]
    answer = tool.run(otel_client, asked, tool.parameters.model_validate({"query": "id:é*", "max_tokens": MIN_TOKENS}))
    assert answer == TOO_SMALL


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=100), inner, max_size=30),
    max_leaves=30,
)


@given(value=JSON, texts=st.integers(1, 50), items=st.integers(1, 10))
def test_what_is_folded_is_bounded_at_every_depth(value: Any, texts: int, items: int) -> None:
    def check(each: Any) -> None:
        if isinstance(each, dict):
            assert len(each) <= 2 * items
            for key, inner in each.items():
                assert len(key) <= texts + len("_length")
                check(inner)
        elif isinstance(each, list):
            assert len(each) <= items
            for inner in each:
                check(inner)
        elif isinstance(each, str):
            assert len(each) <= texts + len("… + characters") + 5

    check(fold(value, (texts, items), is_open=True))


def test_a_cut_text_has_its_length_beside_it_and_what_is_short_stays_as_it_is() -> None:
    folded = fold({"input": "x" * 30, "session_id": "y" * 30, "tags": ["a", "b", "c"], "state": "idle"}, (10, 2))
    assert folded == {
        "input": "x" * 10,
        "input_length": 30,
        "session_id": "y" * 30,
        "tags": ["a", "b"],
        "tags_length": 3,
        "state": "idle",
    }
