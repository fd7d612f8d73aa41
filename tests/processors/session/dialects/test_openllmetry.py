"""OpenLLMetry (Traceloop): instrumentations of version 0.3x, and its decorators."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value, span
from tests.processors.session.dialects.reading import found, found_in, usage

CHAT: dict[str, Value] = {
    "gen_ai.system": "Anthropic",
    "llm.request.type": "chat",
    "gen_ai.request.model": "claude-3-5-sonnet-20241022",
    "gen_ai.response.model": "claude-3-5-sonnet-20241022",
    "traceloop.association.properties.session_id": "chat-2",
    "traceloop.association.properties.user_id": "bob",
    "traceloop.workflow.name": "support",
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Where is my parcel?",
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.name": "track",
    "gen_ai.prompt.2.tool_calls.0.arguments": "{}",
    "gen_ai.prompt.3.role": "tool",
    "gen_ai.prompt.3.content": "in Oslo",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "In Oslo.",
    "gen_ai.completion.0.finish_reason": "stop",
    "gen_ai.usage.prompt_tokens": 1000,
    "gen_ai.usage.completion_tokens": 100,
    "gen_ai.usage.cache_read_input_tokens": 0,
    "gen_ai.usage.cache_creation_input_tokens": 200,
    "llm.usage.total_tokens": 1100,
}


def test_a_model_call() -> None:
    assert found_in(CHAT) == {
        "ClaimId": "chat-2",
        "ClaimKey": "traceloop.association.properties.session_id",
        "UserId": "bob",
        "TraceName": "support",
        "Model": "claude-3-5-sonnet-20241022",
        "Input": "Where is my parcel?",
        "Output": "In Oslo.",
        "InputTokens": 1000,
        "OutputTokens": 100,
        "TotalTokens": 1100,
        "CacheCreationInputTokens": 200,
        # 800 at 3.00, 200 at 3.75 and 100 at 15.00 dollars a million
        "Cost": Decimal("0.00465"),
        "CostSource": "prices",
    }


def test_more_than_ten_messages_are_in_the_order_of_their_numbers() -> None:
    talk: dict[str, Value] = {}
    for number in range(12):
        talk |= {f"gen_ai.prompt.{number}.role": "user", f"gen_ai.prompt.{number}.content": f"question {number}"}
    assert found_in(dict(reversed(talk.items())))["Input"] == "question 11"


def test_the_first_messages_may_have_been_dropped() -> None:
    late: dict[str, Value] = {"gen_ai.prompt.90.role": "user", "gen_ai.prompt.90.content": "still here"}
    assert found_in(late)["Input"] == "still here"


def test_content_of_parts_is_their_text() -> None:
    parts = json.dumps([{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "https://a"}}])
    assert found_in({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": parts})["Input"] == "look"


def test_workflows_agents_and_tools_are_no_calls() -> None:
    kinds = ("workflow", "agent", "task", "tool")
    spans = [span(attributes=CHAT | {"traceloop.span.kind": kind}) for kind in kinds]
    assert [usage(columns)[:2] for columns in found(*spans)] == [(0, 0)] * 4


def test_a_decorated_function_tells_its_input_and_output() -> None:
    columns = found_in(
        {
            "traceloop.span.kind": "workflow",
            "traceloop.entity.input": '{"args": ["hi"], "kwargs": {}}',
            "traceloop.entity.output": '"hello"',
        }
    )
    assert columns == {"Input": '{"args": ["hi"], "kwargs": {}}', "Output": "hello"}


def test_messages_of_langchain_are_read() -> None:
    def message(name: str, type_: str, content: str) -> Value:
        id_ = ["langchain", "schema", "messages", name]
        return {"lc": 1, "type": "constructor", "id": id_, "kwargs": {"content": content, "type": type_}}

    talk = [message("HumanMessage", "human", "hi"), message("AIMessage", "ai", "hello")]
    columns = found_in(
        {
            "traceloop.span.kind": "workflow",
            "traceloop.entity.input": json.dumps({"inputs": {"messages": talk[:1]}}),
            "traceloop.entity.output": json.dumps({"outputs": {"messages": talk}}),
        }
    )
    assert columns == {"Input": "hi", "Output": "hello"}
