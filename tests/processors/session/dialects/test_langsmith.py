"""LangSmith's own OpenTelemetry export."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value, span
from tests.processors.session.dialects.reading import found

SHARED: dict[str, Value] = {
    "langsmith.trace.session_id": "2f1c0a51-0000-4000-8000-000000000000",
    "langsmith.trace.session_name": "default",
    "langsmith.metadata.thread_id": "chat-6",
    "langsmith.metadata.user_id": "ada",
    "langsmith.span.tags": "beta, web",
    "gen_ai.prompt": json.dumps({"messages": [{"role": "user", "content": "hi"}]}),
    "gen_ai.completion": json.dumps({"choices": [{"message": {"role": "assistant", "content": "hello"}}]}),
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.total_tokens": 1100,
}


def test_a_chain_and_its_call() -> None:
    chain, call = found(
        span(attributes=SHARED | {"langsmith.span.kind": "chain", "gen_ai.operation.name": "chain"}),
        span(
            attributes=SHARED
            | {"langsmith.span.kind": "llm", "gen_ai.operation.name": "chat", "gen_ai.system": "openai"}
        ),
    )
    both = {
        "ClaimId": "chat-6",
        "ClaimKey": "langsmith.metadata.thread_id",
        "UserId": "ada",
        "Tags": ["beta", "web"],
        "Model": "gpt-4o-mini",
        "Input": "hi",
        "Output": "hello",
    }
    assert chain == both
    assert call == {
        **both,
        "InputTokens": 1000,
        "OutputTokens": 100,
        "TotalTokens": 1100,
        "Cost": Decimal("0.00021"),
        "CostSource": "prices",
    }


def test_parts_of_the_tokens_stand_in_the_metadata() -> None:
    details = {"input_token_details": {"cache_read": 400}, "output_token_details": {"reasoning": 30}}
    told = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100, **details}
    metadata: dict[str, Value] = {"langsmith.metadata.usage_metadata": json.dumps(told)}
    [call] = found(span(attributes=SHARED | {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"} | metadata))
    names = ("InputTokens", "OutputTokens", "TotalTokens", "CachedInputTokens", "ReasoningTokens")
    assert [call[name] for name in names] == [1000, 100, 1100, 400, 30]
    # 600 at 0.15, 400 at 0.075 and 100 at 0.60 dollars a million
    assert call["Cost"] == Decimal("0.00018")
