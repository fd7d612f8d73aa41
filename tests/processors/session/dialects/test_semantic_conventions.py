"""OpenTelemetry's own conventions for generative AI, from the first to the newest."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from otel_sessions.testing.otlp import Value, event, span
from tests.processors.session.dialects.reading import found, found_in, usage

ASKED = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Where is Oslo?"}]},
]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "In Norway."}], "finish_reason": "stop"}]
CALLED = [{"role": "assistant", "parts": [{"type": "tool_call", "name": "map", "arguments": {"of": "Oslo"}}]}]
CHAT: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.conversation.id": "chat-10",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.cache_read.input_tokens": 100,
    "gen_ai.usage.cache_creation.input_tokens": 50,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.reasoning.output_tokens": 30,
}
TALK = {"Input": "Where is Oslo?", "Output": "In Norway."}


def test_the_newest_with_messages_as_attributes() -> None:
    messages = {"gen_ai.input.messages": json.dumps(ASKED), "gen_ai.output.messages": json.dumps(ANSWERED)}
    assert found_in(CHAT | messages) == {
        "ClaimId": "chat-10",
        "ClaimKey": "gen_ai.conversation.id",
        "Model": "gpt-4o-2024-08-06",
        **TALK,
        "InputTokens": 1000,
        "OutputTokens": 100,
        "TotalTokens": 1100,
        "CachedInputTokens": 100,
        "CacheCreationInputTokens": 50,
        "ReasoningTokens": 30,
        # 900 at 2.50 (nobody pays extra to write this cache), 100 at 1.25 and 100 at 10.00 dollars a million
        "Cost": Decimal("0.003375"),
        "CostSource": "prices",
    }


def test_the_newest_with_messages_as_structured_attributes() -> None:
    messages: dict[str, Value] = {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": CALLED}
    columns = found_in(CHAT | messages)
    assert (columns["Input"], columns["Output"]) == ("Where is Oslo?", 'map({"of": "Oslo"})')


def test_the_newest_with_messages_in_one_event() -> None:
    messages: dict[str, Value] = {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": json.dumps(ANSWERED)}
    details = event("gen_ai.client.inference.operation.details", attributes=messages)
    [columns] = found(span(attributes={"gen_ai.operation.name": "chat"}, events=[details]))
    assert columns == TALK


def test_an_event_a_message() -> None:
    events = [
        event("gen_ai.system.message", attributes={"content": "Be brief."}),
        event("gen_ai.user.message", attributes={"content": "Where is Oslo?"}),
        event("exception", attributes={"content": "not this"}),
        event("gen_ai.choice", attributes={"index": 0, "finish_reason": "stop", "message": {"content": "In Norway."}}),
    ]
    [columns, none] = found(span(events=events), span(events=[event("exception")]))
    assert (columns, none) == (TALK, {})


def test_an_event_a_message_as_azure_writes_it() -> None:
    answer = {"message": {"content": "In Norway."}, "finish_reason": "stop", "index": 0}
    events = [
        event(
            "gen_ai.user.message", attributes={"gen_ai.event.content": '{"role": "user", "content": "Where is Oslo?"}'}
        ),
        event("gen_ai.choice", attributes={"gen_ai.system": "az", "gen_ai.event.content": json.dumps(answer)}),
    ]
    assert found(span(events=events)) == [TALK]


def test_an_event_a_message_as_agents_of_bedrock_write_it() -> None:
    events = [
        event("gen_ai.user.message", attributes={"content": '[{"text": "Where is Oslo?"}]'}),
        event("gen_ai.choice", attributes={"message": '[{"toolUse": {"name": "map", "input": {"of": "Oslo"}}}]'}),
    ]
    assert found(span(events=events)) == [{"Input": "Where is Oslo?", "Output": 'map({"of": "Oslo"})'}]


def test_without_a_user_the_last_of_another_role_is_the_input() -> None:
    tool = event("gen_ai.tool.message", attributes={"content": "rain", "id": "call_1"})
    system = event("gen_ai.system.message", attributes={"content": "Be brief."})
    assert found(span(events=[tool, system]), span(events=[system])) == [{"Input": "rain"}, {"Input": "Be brief."}]


def test_the_oldest_with_prompt_and_completion_as_events() -> None:
    talk = json.dumps([{"role": "user", "content": "Where is Oslo?"}])
    events = [
        event("gen_ai.content.prompt", attributes={"gen_ai.prompt": talk}),
        event("gen_ai.content.completion", attributes={"gen_ai.completion": "In Norway."}),
    ]
    assert found(span(events=events)) == [TALK]


def test_attributes_come_before_events_and_each_span_has_its_own() -> None:
    events = [event("gen_ai.user.message", attributes={"content": "event"})]
    spans = [span(events=events, attributes={"input.value": "attribute"}), span(), span(events=events)]
    assert [columns.get("Input") for columns in found(*spans)] == ["attribute", None, "event"]


@pytest.mark.parametrize("name", ["invoke_agent", "create_agent", "execute_tool", "invoke_workflow"])
def test_agents_and_tools_are_no_calls(name: str) -> None:
    assert usage(found_in(CHAT | {"gen_ai.operation.name": name})) == (0, 0, Decimal(0), "")


@pytest.mark.parametrize("name", ["chat", "text_completion", "generate_content", "embeddings"])
def test_calls_are_calls(name: str) -> None:
    assert usage(found_in(CHAT | {"gen_ai.operation.name": name}))[:2] == (1000, 100)
