"""Pydantic AI and Logfire: versions that write messages as attributes, and those that write events."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value, event, span
from tests.processors.session.dialects.reading import found, found_in, usage

TALK = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Where is Oslo?"}]},
]
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "In Norway."}], "finish_reason": "stop"}]
RUN: dict[str, Value] = {
    "model_name": "gpt-4o",
    "agent_name": "guide",
    "gen_ai.conversation.id": "run-1",
    "logfire.msg": "guide run",
    "final_result": "In Norway.",
    "pydantic_ai.all_messages": json.dumps([*TALK, *ANSWER]),
    "gen_ai.aggregated_usage.input_tokens": 1000,
    "gen_ai.aggregated_usage.output_tokens": 100,
    "gen_ai.aggregated_usage.details.cache_read_tokens": 0,
}
CHAT: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.conversation.id": "run-1",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.input.messages": json.dumps(TALK),
    "gen_ai.output.messages": json.dumps(ANSWER),
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.details.cache_read_tokens": 200,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.details.reasoning_tokens": 7,
    "operation.cost": 0.00325,
}


def test_a_run_and_its_call() -> None:
    run, call = found(span(attributes=RUN), span(attributes=CHAT))
    claim = {"ClaimId": "run-1", "ClaimKey": "gen_ai.conversation.id"}
    talk = {"Input": "Where is Oslo?", "Output": "In Norway."}
    assert run == {**claim, **talk}
    assert call == {
        **claim,
        **talk,
        "Model": "gpt-4o-2024-08-06",
        "InputTokens": 1000,
        "OutputTokens": 100,
        "TotalTokens": 1100,
        "CachedInputTokens": 200,
        "ReasoningTokens": 7,
        "Cost": Decimal("0.00325"),
        "CostSource": "attribute",
    }


def test_a_run_that_names_its_model_is_still_no_call() -> None:
    named: dict[str, Value] = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5}
    assert usage(found_in(RUN | named)) == (0, 0, Decimal(0), "")
    assert usage(found_in(RUN | named | {"gen_ai.operation.name": "invoke_agent"})) == (0, 0, Decimal(0), "")


def test_the_call_of_a_tool() -> None:
    columns = found_in(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.arguments": '{"city": "Oslo"}',
            "gen_ai.tool.call.result": "rain",
        }
    )
    assert columns == {"Input": '{"city": "Oslo"}', "Output": "rain"}


def test_messages_as_span_events() -> None:
    events = [
        event("gen_ai.system.message", attributes={"content": "Be brief.", "role": "system"}),
        event("gen_ai.user.message", attributes={"content": "hi", "role": "user"}),
        event("gen_ai.assistant.message", attributes={"content": "hello", "role": "assistant"}),
        event("gen_ai.user.message", attributes={"content": "Where is Oslo?", "role": "user"}),
        event("gen_ai.choice", attributes={"index": 0, "message": '{"role": "assistant", "content": "In Norway."}'}),
    ]
    [columns] = found(span(attributes={"gen_ai.operation.name": "chat"}, events=events))
    assert columns == {"Input": "Where is Oslo?", "Output": "In Norway."}
