from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from otel_sessions.component import ComponentId, Host, Processor
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.steps import COLUMNS
from otel_sessions.pdata import DERIVED
from otel_sessions.processors.genai import GenAiProcessor
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import Attributes, event, span
from tests.processors.session.reading import batch_of, rows_of

CALL: Attributes = {
    "session.id": "s",
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "acme.input": "acme's",
    "input.value": "everybody's",
}


def _both(settings: dict[str, Any], attributes: Attributes = CALL) -> dict[str, Any]:
    batch = SessionProcessor(SessionConfig()).process(batch_of(span(attributes=attributes)))
    return rows_of(GenAiProcessor(GenAiConfig.model_validate(settings)).process(batch))[0]


def test_by_default_it_changes_nothing() -> None:
    events = [event("gen_ai.user.message", attributes={"content": "hi"})]
    batch = SessionProcessor(SessionConfig()).process(batch_of(span(attributes=CALL), span(events=events), span()))
    assert GenAiProcessor(GenAiConfig()).process(batch).record.equals(batch.record)


def test_what_it_is_told_takes_the_place_of_what_was_found() -> None:
    row = _both({"input_keys": ["acme.input"], "input_token_keys": [], "model_keys": []})
    assert (row["Input"], row["Model"], row["InputTokens"], row["Cost"], row["CostSource"]) == ("acme's", "", 0, 0, "")
    assert row["SessionHint"] == "s"


def test_prices_are_told_by_name_and_may_be_turned_off() -> None:
    prices = {"gpt-4o": {"input_per_million": 1}}
    assert _both({"price_table": {"prices": prices}})["Cost"] == Decimal("0.001")
    row = _both({"price_table": {"enabled": False}})
    assert (row["Cost"], row["CostSource"]) == (0, "")


def test_no_other_column_is_touched() -> None:
    batch = SessionProcessor(SessionConfig()).process(batch_of(span(attributes=CALL)))
    done = GenAiProcessor(GenAiConfig(input_keys=(), step_kind_keys=(), model_keys=())).process(batch)
    assert all(done[name].equals(batch[name]) for name in batch.record.schema.names if name not in COLUMNS)
    assert set(COLUMNS) <= {field.name for field in DERIVED}


def test_an_empty_batch_comes_back() -> None:
    batch = batch_of()
    assert GenAiProcessor(GenAiConfig()).process(batch) is batch


def test_it_is_registered_and_made_from_its_configuration() -> None:
    factory = EntryPoints().factory("processors", "genai", "")
    config = factory.config.model_validate({"max_preview_chars": 3})
    processor: Processor = factory.create(ComponentId("genai"), config, Host(Metrics()))
    assert rows_of(processor.process(batch_of(span(attributes=CALL))))[0]["Input"] == "eve"


@pytest.mark.parametrize(
    "settings",
    [
        {"session_keys": ["a"]},
        {"input_events": ["no-key"]},
        {"price_table": {"prices": {"m": {"per_million": 1}}}},
        {"price_table": {"prices": {"m": {"input_per_million": -1}}}},
    ],
)
def test_what_makes_no_sense_is_a_fault(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GenAiConfig.model_validate(settings)
