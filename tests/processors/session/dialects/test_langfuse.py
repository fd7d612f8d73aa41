"""Langfuse SDK, versions 3 to 5."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value, span
from tests.processors.session.dialects.reading import found, found_in, usage

GENERATION: dict[str, Value] = {
    "langfuse.observation.type": "generation",
    "session.id": "chat-4",
    "user.id": "ada",
    "langfuse.environment": "production",
    "langfuse.trace.name": "support",
    "langfuse.trace.tags": ["beta"],
    "langfuse.observation.model.name": "gpt-4o",
    "langfuse.observation.input": json.dumps([{"role": "user", "content": "hi"}]),
    "langfuse.observation.output": json.dumps({"role": "assistant", "content": "hello"}),
    "langfuse.observation.usage_details": json.dumps(
        {"input": 100, "output": 10, "total": 110, "input_cached_tokens": 40, "output_reasoning_tokens": 4}
    ),
    "langfuse.observation.cost_details": json.dumps({"input": 0.001, "output": 0.002, "total": 0.0035}),
}
PARTS = ("InputTokens", "OutputTokens", "TotalTokens", "CachedInputTokens", "ReasoningTokens")


def test_a_generation() -> None:
    assert found_in(GENERATION) == {
        "ClaimId": "chat-4",
        "ClaimKey": "session.id",
        "UserId": "ada",
        "Environment": "production",
        "TraceName": "support",
        "Tags": ["beta"],
        "Model": "gpt-4o",
        "Input": "hi",
        "Output": "hello",
        "InputTokens": 100,
        "OutputTokens": 10,
        "TotalTokens": 110,
        "CachedInputTokens": 40,
        "ReasoningTokens": 4,
        "Cost": Decimal("0.0035"),
        "CostSource": "attribute",
    }


def test_usage_in_the_words_of_openai() -> None:
    details = json.dumps({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
    assert usage(found_in(GENERATION | {"langfuse.observation.usage_details": details}))[:2] == (3, 4)


def test_usage_in_the_words_of_openai_with_details() -> None:
    cached, reasoned = {"cached_tokens": 10, "audio_tokens": 0}, {"reasoning_tokens": 15}
    for asked, answered in (("prompt", "completion"), ("input", "output")):
        told = {f"{asked}_tokens": 30, f"{answered}_tokens": 20, "total_tokens": 50}
        parts = {f"{asked}_tokens_details": cached, f"{answered}_tokens_details": reasoned}
        columns = found_in(GENERATION | {"langfuse.observation.usage_details": json.dumps(told | parts)})
        assert [columns[name] for name in PARTS] == [30, 20, 50, 10, 15]


def test_usage_whose_parts_stand_beside_the_rest_as_for_langchain() -> None:
    told = {"input": 20, "input_cache_read": 10, "output": 5, "output_reasoning": 15, "total": 50}
    columns = found_in(GENERATION | {"langfuse.observation.usage_details": json.dumps(told)})
    assert [columns[name] for name in PARTS] == [30, 20, 50, 10, 15]
    modalities = {"input": 0, "input_modality_TEXT": 30, "output": 0, "output_modality_TEXT": 20, "total": 60}
    columns = found_in(GENERATION | {"langfuse.observation.usage_details": json.dumps(modalities)})
    assert [columns[name] for name in PARTS[:3]] == [30, 20, 50]


def test_usage_whose_parts_stand_within_the_rest_is_not_added() -> None:
    within = {"input": 30, "input_cache_read": 10, "output": 20, "output_reasoning": 15}
    for total in ({"total": 50}, {}):
        details = json.dumps({**within, **total})
        columns = found_in(GENERATION | {"langfuse.observation.usage_details": details})
        assert [columns[name] for name in PARTS] == [30, 20, 50, 10, 15]


def test_costs_without_a_total_are_added_and_without_any_are_looked_up() -> None:
    costs = json.dumps({"input": 0.1, "output": 0.2})
    assert usage(found_in(GENERATION | {"langfuse.observation.cost_details": costs}))[2] == Decimal("0.3")
    # 60 at 2.50, 40 at 1.25 and 10 at 10.00 dollars a million
    looked_up = found_in(GENERATION | {"langfuse.observation.cost_details": ""})
    assert usage(looked_up)[2:] == (Decimal("0.0003"), "prices")


def test_only_generations_and_embeddings_are_calls() -> None:
    kinds = (
        "generation",
        "embedding",
        "span",
        "agent",
        "chain",
        "tool",
        "retriever",
        "evaluator",
        "guardrail",
        "event",
    )
    spans = [span(attributes=GENERATION | {"langfuse.observation.type": kind}) for kind in kinds]
    assert [usage(columns)[0] for columns in found(*spans)] == [100, 100] + [0] * 8


def test_what_the_client_says_of_the_trace() -> None:
    columns = found_in({"langfuse.trace.input": '{"q": 1}', "langfuse.trace.output": '"done"'})
    assert columns == {"TraceInput": '{"q": 1}', "TraceOutput": '"done"'}
