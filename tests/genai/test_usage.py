from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.semconv import steps
from otel_sessions.testing.otlp import Attributes, Value, span
from tests.processors.session.reading import Row, batch_of, rows_of, usage

NOTHING = (0, 0, 0, Decimal(0))
COLUMNS = ("InputTokens", "OutputTokens", "TotalTokens", "Cost", "CostSource")
CALL: dict[str, Value] = {"gen_ai.operation.name": "chat"}
WHOLE = ["0", "7", "12.0", "12.9", "1e3", "-1", "NaN", "Infinity", "+Inf", "abc", "1e15", "1e16", "1" * 20, " 5 ", ""]
PARTIAL = ["0.1", "1.5e-05", "0.0000000000005", "0.0000000000015", "1e-30", "123456789.123456789123456789"]
NUMBERS: st.SearchStrategy[Value] = st.sampled_from([*WHOLE, *PARTIAL, 3, 2.5, True])
MEMBERS = st.sampled_from(
    ["input", "output", "total", "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_cost"]
)
OBJECTS = st.dictionaries(
    MEMBERS, st.sampled_from([0, 3, 2.5, "4", "x", None, -1, 10**16, 1e-13, True, [1]]), max_size=3
).map(json.dumps)
PLAIN_KEYS = ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.completion"]
PLAIN_KEYS += ["gen_ai.usage.total_tokens", "gen_ai.usage.cost", "llm.cost.total"]
JSON_KEYS = ["langfuse.observation.usage_details", "langfuse.observation.cost_details", "mlflow.llm.cost"]
KINDS = st.sampled_from(["chat", "LLM", "GENERATION", "Embedding", "invoke_agent", "AGENT", "span", ""])


@st.composite
def _attributes(draw: st.DrawFn) -> Attributes:
    found: dict[str, Value] = draw(st.dictionaries(st.sampled_from(PLAIN_KEYS), NUMBERS, max_size=4))
    found |= draw(st.dictionaries(st.sampled_from(JSON_KEYS), OBJECTS | st.sampled_from(["{", "[]"]), max_size=2))
    found |= draw(st.dictionaries(st.sampled_from(steps.STEP_KIND_KEYS), KINDS, max_size=2))
    if draw(st.booleans()):
        found["gen_ai.request.model"] = "m"
    if draw(st.booleans()):
        found["ai.operationId"] = draw(st.sampled_from(["ai.generateText", "ai.generateText.doGenerate"]))
    return found


def _rows(*attributes: Attributes) -> list[Row]:
    batch = batch_of(*[span(attributes=each) for each in attributes])
    return rows_of(SessionProcessor(SessionConfig()).process(batch))


def _usage(attributes: Attributes) -> tuple[int, int, int, Decimal]:
    [row] = _rows(attributes)
    return row["InputTokens"], row["OutputTokens"], row["TotalTokens"], row["Cost"]


@pytest.mark.parametrize("kind", ["generation", "EMBEDDING", "Llm", "chat", "text_completion", "generate_content"])
@pytest.mark.parametrize("key", steps.STEP_KIND_KEYS)
def test_a_step_of_a_calling_kind_is_a_model_call(key: str, kind: str) -> None:
    assert _usage({key: kind, "gen_ai.usage.input_tokens": 3})[0] == 3


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN", "invoke_agent", "span", "TOOL", "workflow"])
@pytest.mark.parametrize("key", steps.STEP_KIND_KEYS)
def test_a_parents_roll_up_is_not_added_again(key: str, kind: str) -> None:
    roll_up: Attributes = {
        key: kind,
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.cost": 1.0,
        "gen_ai.request.model": "m",
    }
    assert _usage(roll_up) == NOTHING


def test_the_first_kind_of_step_decides() -> None:
    tokens: dict[str, Value] = {"gen_ai.usage.input_tokens": 3}
    assert _usage({"langfuse.observation.type": "span", "gen_ai.operation.name": "chat"} | tokens)[0] == 0
    assert _usage({"langfuse.observation.type": "generation", "gen_ai.operation.name": "x"} | tokens)[0] == 3


def test_without_a_kind_of_step_a_model_makes_a_call_unless_marked_as_a_summary() -> None:
    tokens: dict[str, Value] = {"gen_ai.usage.input_tokens": 3}
    model: dict[str, Value] = {"gen_ai.request.model": "m"}
    assert _usage(tokens)[0] == 0
    assert _usage(tokens | model)[0] == 3
    assert _usage(tokens | model | {"gen_ai.aggregated_usage.input_tokens": 3})[0] == 0
    assert _usage(tokens | model | {"ai.operationId": "ai.generateText"})[0] == 0
    assert _usage(tokens | model | {"ai.operationId": "ai.generateText.doGenerate"})[0] == 3


def test_the_model_stands_on_every_span_that_names_one() -> None:
    attributes: list[Attributes] = [
        {"gen_ai.request.model": "alias", "gen_ai.response.model": "exact"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"},
        {"mlflow.llm.model": '"quoted"'},
        {},
    ]
    assert [row["Model"] for row in _rows(*attributes)] == ["exact", "m", "quoted", ""]


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (12, 12),
        ("12", 12),
        ("12.0", 12),
        ("12.9", 12),
        ("1e3", 1000),
        (1e3, 1000),
        (" 7 ", 7),
        ("+7", 7),
        (10**15, 10**15),
    ],
)
def test_token_counts_are_read_from_text(value: Value, tokens: int) -> None:
    assert _usage(CALL | {"gen_ai.usage.input_tokens": value})[0] == tokens


@pytest.mark.parametrize(
    "value",
    [-1, "-1", "NaN", float("nan"), float("inf"), "inf", "x", "0x10", "1_000", "٣", 10**15 + 1, "9" * 500, "", "1e99"],
)
def test_what_is_no_sensible_number_counts_as_none(value: Value) -> None:
    assert _usage(CALL | {"gen_ai.usage.input_tokens": value, "gen_ai.usage.cost": value}) == NOTHING


def test_the_total_is_input_and_output_whatever_the_provider_says() -> None:
    both: dict[str, Value] = {
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.total_tokens": 99,
    }
    parts: dict[str, Value] = {"gen_ai.usage.cache_read.input_tokens": 2, "gen_ai.usage.reasoning.output_tokens": 2}
    assert _usage(CALL | both | parts)[:3] == (2, 3, 5)
    assert _usage(CALL | {"gen_ai.usage.total_tokens": 99})[:3] == (0, 0, 99)


def test_langfuse_details_are_read_from_their_json() -> None:
    details: dict[str, Value] = {"langfuse.observation.type": "generation"}
    details["langfuse.observation.usage_details"] = '{"input": 10, "output": 5, "total": 15}'
    details["langfuse.observation.cost_details"] = '{"input": 0.001, "output": 0.002, "total": 0.0035}'
    assert _usage(details) == (10, 5, 15, Decimal("0.0035"))
    details["langfuse.observation.cost_details"] = '{"input": 0.1, "output": 0.2}'
    assert _usage(details)[3] == Decimal("0.3")


def test_openinference_and_mlflow_are_read() -> None:
    open_inference: dict[str, Value] = {
        "openinference.span.kind": "LLM",
        "llm.token_count.prompt": 1,
        "llm.token_count.completion": 2,
    }
    assert _usage(open_inference | {"llm.cost.total": 0.5}) == (1, 2, 3, Decimal("0.5"))
    mlflow: dict[str, Value] = {
        "mlflow.llm.model": "m",
        "mlflow.chat.tokenUsage": '{"input_tokens": 4, "output_tokens": 5}',
    }
    assert _usage(mlflow | {"mlflow.llm.cost": '{"total_cost": 0.25}'}) == (4, 5, 9, Decimal("0.25"))


def test_costs_are_rounded_half_even_to_twelve_digits() -> None:
    costs = [
        "0.0000000000005",
        "0.0000000000015",
        "0.00000000000250000000000000000000001",
        "1.2345678901234567e-05",
        "1e15",
    ]
    rows = _rows(*[CALL | {"gen_ai.usage.cost": cost} for cost in costs])
    expected = ["0", "2e-12", "3e-12", "0.000012345679", "1e15"]
    assert [row["Cost"] for row in rows] == [Decimal(text) for text in expected]


@given(st.lists(_attributes(), min_size=1, max_size=6))
def test_usage_is_that_of_a_reading_row_by_row(spans: list[Attributes]) -> None:
    assert [{name: row[name] for name in COLUMNS} for row in _rows(*spans)] == [usage(each) for each in spans]
