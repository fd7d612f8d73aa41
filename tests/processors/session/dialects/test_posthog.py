"""PostHog: its own properties, and the semantic conventions beside its person's id."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value
from tests.processors.session.dialects.reading import found_in


def test_a_generation_in_its_own_words() -> None:
    generation: dict[str, Value] = {
        "$ai_session_id": "chat-8",
        "posthog.distinct_id": "ada",
        "$ai_model": "gpt-4o-mini",
        "$ai_provider": "openai",
        "$ai_input": json.dumps([{"role": "user", "content": "hi"}]),
        "$ai_output_choices": json.dumps([{"role": "assistant", "content": "hello"}]),
        "$ai_input_tokens": 1000,
        "$ai_output_tokens": 100,
    }
    assert found_in(generation) == {
        "ClaimId": "chat-8",
        "ClaimKey": "$ai_session_id",
        "UserId": "ada",
        "Model": "gpt-4o-mini",
        "Input": "hi",
        "Output": "hello",
        "InputTokens": 1000,
        "OutputTokens": 100,
        "TotalTokens": 1100,
        "Cost": Decimal("0.00021"),
        "CostSource": "prices",
    }
    assert found_in(generation | {"$ai_total_cost_usd": 0.5})["Cost"] == Decimal("0.5")
