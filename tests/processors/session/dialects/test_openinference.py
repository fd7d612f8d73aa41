"""OpenInference: `openinference.instrumentation.openai` and `.langchain`."""

from __future__ import annotations

from decimal import Decimal

from otel_sessions.testing.otlp import Value, span
from tests.processors.session.dialects.reading import found, found_in, usage

LLM: dict[str, Value] = {
    "openinference.span.kind": "LLM",
    "session.id": "chat-1",
    "user.id": "ada",
    "tag.tags": ["beta", "web"],
    "llm.provider": "openai",
    "llm.system": "openai",
    "llm.model_name": "gpt-4o-2024-08-06",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be brief.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "What is on",
    "llm.input_messages.1.message.contents.1.message_content.type": "image",
    "llm.input_messages.1.message.contents.1.message_content.image.image.url": "https://example.com/cat.png",
    "llm.input_messages.1.message.contents.2.message_content.type": "text",
    "llm.input_messages.1.message.contents.2.message_content.text": "this picture?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "A cat.",
    "llm.token_count.prompt": 1000,
    "llm.token_count.prompt_details.cache_read": 400,
    "llm.token_count.completion": 100,
    "llm.token_count.completion_details.reasoning": 20,
    "llm.token_count.total": 1100,
}


def test_a_model_call() -> None:
    assert found_in(LLM) == {
        "ClaimId": "chat-1",
        "ClaimKey": "session.id",
        "UserId": "ada",
        "Tags": ["beta", "web"],
        "Model": "gpt-4o-2024-08-06",
        "Input": "What is on\nthis picture?",
        "Output": "A cat.",
        "InputTokens": 1000,
        "OutputTokens": 100,
        "TotalTokens": 1100,
        "CachedInputTokens": 400,
        "ReasoningTokens": 20,
        # 600 at 2.50, 400 at 1.25 and 100 at 10.00 dollars a million
        "Cost": Decimal("0.003"),
        "CostSource": "prices",
    }


def test_its_own_words_come_before_its_messages() -> None:
    columns = found_in(LLM | {"input.value": "the question", "output.value": "the answer"})
    assert (columns["Input"], columns["Output"]) == ("the question", "the answer")


def test_a_call_of_tools_says_which() -> None:
    tool = "llm.output_messages.0.message.tool_calls"
    calls: dict[str, Value] = {
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.role": "assistant",
        f"{tool}.0.tool_call.id": "call_1",
        f"{tool}.0.tool_call.function.name": "weather",
        f"{tool}.0.tool_call.function.arguments": '{"city": "Oslo"}',
        f"{tool}.1.tool_call.function.name": "time",
        f"{tool}.1.tool_call.function.arguments": "{}",
    }
    assert found_in(calls)["Output"] == 'weather({"city": "Oslo"})\ntime({})'


def test_agents_and_chains_repeat_what_their_calls_used() -> None:
    spans = [span(attributes=LLM | {"openinference.span.kind": kind}) for kind in ("AGENT", "CHAIN", "LLM", "TOOL")]
    assert [columns.get("TotalTokens", 0) for columns in found(*spans)] == [0, 0, 1100, 0]


def test_a_cost_that_is_stated_stands() -> None:
    assert usage(found_in(LLM | {"llm.cost.total": 0.0125})) == (1000, 100, Decimal("0.0125"), "attribute")


def test_an_embedding() -> None:
    columns = found_in(
        {
            "openinference.span.kind": "EMBEDDING",
            "embedding.model_name": "text-embedding-3-small",
            "llm.provider": "openai",
            "llm.token_count.prompt": 500,
        }
    )
    assert usage(columns) == (500, 0, Decimal("0.00001"), "prices")
