"""Google's Agent Development Kit."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value, span
from tests.processors.session.dialects.reading import found, found_in

ASKED = {
    "model": "gemini-2.5-flash",
    "config": {"system_instruction": "Be brief."},
    "contents": [{"parts": [{"text": "Where is Oslo?"}], "role": "user"}],
}
ANSWERED = {"content": {"parts": [{"text": "In Norway."}], "role": "model"}, "finish_reason": "STOP"}
CALL: dict[str, Value] = {
    "gen_ai.system": "gcp.vertex.agent",
    "gen_ai.request.model": "gemini-2.5-flash",
    "gcp.vertex.agent.invocation_id": "e-1",
    "gcp.vertex.agent.session_id": "chat-9",
    "gcp.vertex.agent.llm_request": json.dumps(ASKED),
    "gcp.vertex.agent.llm_response": json.dumps(ANSWERED),
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.response.finish_reasons": ["stop"],
}


def test_an_agent_and_its_call() -> None:
    agent: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "guide",
        "gen_ai.conversation.id": "chat-9",
    }
    first, call = found(span(attributes=agent), span(attributes=CALL, start=1_767_225_600_000_000_000))
    assert first == {"ClaimId": "chat-9", "ClaimKey": "gen_ai.conversation.id"}
    assert call == {
        "ClaimId": "chat-9",
        "ClaimKey": "gcp.vertex.agent.session_id",
        "Model": "gemini-2.5-flash",
        "Input": "Where is Oslo?",
        "Output": "In Norway.",
        "InputTokens": 1000,
        "OutputTokens": 100,
        "TotalTokens": 1100,
        # 1000 at 0.30 and 100 at 2.50 dollars a million
        "Cost": Decimal("0.00055"),
        "CostSource": "prices",
    }


def test_the_call_of_a_tool() -> None:
    columns = found_in(
        {
            "gen_ai.operation.name": "execute_tool",
            "gcp.vertex.agent.tool_call_args": '{"city": "Oslo"}',
            "gcp.vertex.agent.tool_response": '{"sky": "rain"}',
            "gcp.vertex.agent.llm_request": "{}",
        }
    )
    assert columns["Output"] == '{"sky": "rain"}'
