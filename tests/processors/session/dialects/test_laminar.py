"""Laminar SDK."""

from __future__ import annotations

from decimal import Decimal

from otel_sessions.testing.otlp import Value, span
from tests.processors.session.dialects.reading import found

SHARED: dict[str, Value] = {
    "lmnr.association.properties.session_id": "chat-7",
    "lmnr.association.properties.user_id": "ada",
    "lmnr.span.path": ["answer", "openai.chat"],
}


def test_a_function_and_its_call() -> None:
    function, call = found(
        span(
            attributes=SHARED
            | {"lmnr.span.type": "DEFAULT", "lmnr.span.input": '{"question": "hi"}', "lmnr.span.output": "hello"}
        ),
        span(
            attributes=SHARED
            | {
                "lmnr.span.type": "LLM",
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.response.model": "gpt-4o-2024-08-06",
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": "hi",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.content": "hello",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "llm.usage.total_tokens": 15,
                "gen_ai.usage.input_cost": 0.001,
                "gen_ai.usage.output_cost": 0.002,
                "gen_ai.usage.cost": 0.003,
            }
        ),
    )
    who = {"ClaimId": "chat-7", "ClaimKey": "lmnr.association.properties.session_id", "UserId": "ada"}
    assert function == {**who, "Input": '{"question": "hi"}', "Output": "hello"}
    assert call == {
        **who,
        "Model": "gpt-4o-2024-08-06",
        "Input": "hi",
        "Output": "hello",
        "InputTokens": 10,
        "OutputTokens": 5,
        "TotalTokens": 15,
        "Cost": Decimal("0.003"),
        "CostSource": "attribute",
    }
