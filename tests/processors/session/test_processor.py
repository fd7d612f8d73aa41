from __future__ import annotations

import pytest
from pydantic import ValidationError

from otel_sessions.component import ComponentId, Host
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.pdata import DERIVED
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import Attributes, span
from tests.processors.session.reading import batch_of, rows_of

RICH: Attributes = {
    "session.id": "s",
    "user.id": "u",
    "langfuse.trace.tags": ["a"],
    "langfuse.trace.name": "turn",
    "langfuse.trace.input": "ti",
    "langfuse.trace.output": "to",
    "langfuse.environment": "prod",
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 2,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.usage.cache_read.input_tokens": 1,
    "gen_ai.usage.cache_creation.input_tokens": 1,
    "gen_ai.usage.reasoning.output_tokens": 1,
    "gen_ai.usage.cost": 0.5,
    "input.value": "in",
    "output.value": "out",
    "langfuse.trace.metadata.tenant": "acme",
    "gen_ai.agent.name": "guide",
    "gen_ai.response.id": "r2",
    "gen_ai.request.previous_response.id": "r1",
}


def test_every_derived_column_is_filled() -> None:
    [before] = rows_of(batch_of(span(attributes=RICH)))
    [row] = rows_of(SessionProcessor(SessionConfig()).process(batch_of(span(attributes=RICH))))
    # A span cannot be a call of a model and of a tool, nor have a cost and no price.
    assert {field.name for field in DERIVED if row[field.name] == before[field.name]} == {"IsToolCall", "IsUnpriced"}


def test_all_other_columns_stay_as_they_were() -> None:
    batch = batch_of(span(attributes=RICH), span())
    done = SessionProcessor(SessionConfig()).process(batch)
    derived = {field.name for field in DERIVED}
    assert all(done[name].equals(batch[name]) for name in batch.record.schema.names if name not in derived)


def test_a_part_of_a_batch_is_read_like_a_batch() -> None:
    spans = [span(attributes={"session.id": str(n), "tag.tags": "a", "user.id": ["x"]}) for n in range(9)]
    whole = batch_of(*spans)
    part = whole.__class__(whole.record.slice(3, 4))
    expected = rows_of(SessionProcessor(SessionConfig()).process(whole))[3:7]
    assert rows_of(SessionProcessor(SessionConfig()).process(part)) == expected


def test_a_composite_value_of_a_part_of_a_batch_is_no_id() -> None:
    whole = batch_of(*[span(attributes={"session.id": ["x"] if n % 2 else "s"}) for n in range(9)])
    rows = rows_of(SessionProcessor(SessionConfig()).process(whole.__class__(whole.record.slice(3, 4))))
    assert [row["ClaimId"] for row in rows] == ["", "s", "", "s"]


def test_the_processor_is_registered_and_made_from_its_configuration() -> None:
    factory = EntryPoints().factory("processors", "session", "")
    host = Host(Metrics())
    processor = factory.create(ComponentId("session"), factory.config.model_validate({"memory": {"traces": 5}}), host)
    assert rows_of(processor.process(batch_of(span(attributes=RICH))))[0]["SessionHint"] == "s"


def test_an_unknown_setting_and_an_empty_key_are_faults() -> None:
    with pytest.raises(ValidationError):
        SessionConfig.model_validate({"sesion_keys": ["a"]})
    with pytest.raises(ValidationError):
        SessionConfig.model_validate({"session_keys": [""]})
