"""MLflow tracing, version 3: every attribute is JSON."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_sessions.testing.otlp import Value
from tests.processors.session.dialects.reading import found_in, usage

CALL: dict[str, Value] = {
    "mlflow.spanType": '"CHAT_MODEL"',
    "mlflow.trace.session": '"chat-5"',
    "mlflow.trace.user": '"ada"',
    "mlflow.llm.model": '"gpt-4o-mini"',
    "mlflow.llm.provider": '"openai"',
    "mlflow.spanInputs": json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}),
    "mlflow.spanOutputs": json.dumps({"choices": [{"message": {"role": "assistant", "content": "hello"}}]}),
    "mlflow.chat.tokenUsage": json.dumps({"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}),
}


def test_a_model_call() -> None:
    assert found_in(CALL) == {
        "ClaimId": "chat-5",
        "ClaimKey": "mlflow.trace.session",
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


def test_a_cost_that_is_stated_stands() -> None:
    cost = json.dumps({"input_cost": 0.1, "output_cost": 0.2, "total_cost": 0.3})
    assert usage(found_in(CALL | {"mlflow.llm.cost": cost}))[2:] == (Decimal("0.3"), "attribute")


def test_a_chain_names_no_model_and_is_no_call() -> None:
    chain = {key: value for key, value in CALL.items() if not key.startswith("mlflow.llm")}
    assert usage(found_in(chain)) == (0, 0, Decimal(0), "")
