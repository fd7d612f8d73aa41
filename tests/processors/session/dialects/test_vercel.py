"""Vercel AI SDK, versions 4 and 5: `experimental_telemetry`."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value, span
from tests.processors.session.dialects.reading import found, found_in, usage

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Where is Oslo?"}]},
]
SHARED: dict[str, Value] = {
    "ai.model.id": "gpt-4o-mini",
    "ai.model.provider": "openai.chat",
    "ai.telemetry.metadata.sessionId": "chat-3",
    "ai.telemetry.metadata.userId": "eve",
    "ai.telemetry.metadata.tags": ["web"],
    "ai.response.text": "In Norway.",
    "ai.usage.promptTokens": 2000,
    "ai.usage.completionTokens": 1000,
}
OUTER: dict[str, Value] = SHARED | {
    "operation.name": "ai.generateText chat",
    "ai.operationId": "ai.generateText",
    "ai.prompt": json.dumps({"messages": MESSAGES}),
}
INNER: dict[str, Value] = SHARED | {
    "operation.name": "ai.generateText.doGenerate chat",
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.prompt.messages": json.dumps(MESSAGES),
    "gen_ai.system": "openai.chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.usage.input_tokens": 2000,
    "gen_ai.usage.output_tokens": 1000,
}


def test_the_inner_span_is_the_call_and_the_outer_one_sums_up() -> None:
    outer, inner = found(span(attributes=OUTER), span(attributes=INNER))
    talk = {"Input": "Where is Oslo?", "Output": "In Norway."}
    who = {"ClaimId": "chat-3", "ClaimKey": "ai.telemetry.metadata.sessionId", "UserId": "eve", "Tags": ["web"]}
    assert outer == {**who, **talk, "Model": "gpt-4o-mini"}
    assert inner == {
        **who,
        **talk,
        "Model": "gpt-4o-mini-2024-07-18",
        "InputTokens": 2000,
        "OutputTokens": 1000,
        "TotalTokens": 3000,
        # 2000 at 0.15 and 1000 at 0.60 dollars a million
        "Cost": Decimal("0.0009"),
        "CostSource": "prices",
    }


def test_every_operation_counts_once() -> None:
    operations = ["generateText", "streamText", "generateObject", "streamObject", "embed", "embedMany"]
    outer = [span(attributes=SHARED | {"ai.operationId": f"ai.{name}"}) for name in operations]
    inner = [span(attributes=SHARED | {"ai.operationId": f"ai.{name}.doIt"}) for name in operations]
    assert [usage(columns)[0] for columns in found(*outer, *inner)] == [0] * 6 + [2000] * 6


def test_version_5_counts_input_cached_input_output_and_reasoning() -> None:
    columns = found_in(
        {
            "ai.operationId": "ai.streamText.doStream",
            "ai.model.id": "gpt-4o-mini",
            "ai.usage.inputTokens": 30,
            "ai.usage.cachedInputTokens": 10,
            "ai.usage.outputTokens": 20,
            "ai.usage.reasoningTokens": 5,
            "ai.usage.totalTokens": 50,
        }
    )
    names = ("InputTokens", "CachedInputTokens", "OutputTokens", "ReasoningTokens", "TotalTokens")
    assert [columns[name] for name in names] == [30, 10, 20, 5, 50]


def test_an_embedding_counts_its_tokens_as_input() -> None:
    embedding: dict[str, Value] = {"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "m", "ai.usage.tokens": 9}
    assert usage(found_in(embedding))[:2] == (9, 0)


def test_a_call_of_a_tool() -> None:
    columns = found_in({"ai.operationId": "ai.toolCall", "ai.toolCall.args": '{"a": 1}', "ai.toolCall.result": "2"})
    assert columns == {"Input": '{"a": 1}', "Output": "2"}
