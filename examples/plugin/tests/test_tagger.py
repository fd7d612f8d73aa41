# SPDX-License-Identifier: Apache-2.0
"""The processor with spans as a client sends them, and the checks that every component must pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from otel_sessions_tagger import TaggerConfig, factory
from pydantic import ValidationError

from otel_sessions.component import ComponentId, Host
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.pdata import SpanBatch
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.contract import check_life
from otel_sessions.testing.otlp import batch, span

RULES = {
    "rules": [
        {"attribute": "http.route", "matches": "^/checkout", "tag": "checkout"},
        {"attribute": "http.route", "matches": "/pay$", "tag": "payment"},
        {"attribute": "beta", "tag": "beta"},
    ]
}


def tagged(spans: SpanBatch, settings: dict[str, object] = RULES) -> list[list[str]]:
    processor = factory.create(ComponentId("tagger"), TaggerConfig.model_validate(settings), Host(Metrics()))
    found: list[list[str]] = processor.process(spans)["Tags"].to_pylist()
    return found


def test_a_span_has_the_tag_of_each_rule_that_it_matches() -> None:
    spans = batch(
        span(attributes={"http.route": "/checkout/pay"}),
        span(),
        span(attributes={"http.route": "/cart", "beta": True}),
        span(attributes={"http.route": "/checkout"}),
    )
    assert tagged(spans) == [["checkout", "payment"], [], ["beta"], ["checkout"]]


def test_tags_that_were_there_stay() -> None:
    rule = {"rules": [{"attribute": "beta", "tag": "second"}]}
    processor = factory.create(ComponentId("tagger"), TaggerConfig.model_validate(rule), Host(Metrics()))
    once = processor.process(batch(span(attributes={"beta": 1}), span()))
    assert processor.process(once)["Tags"].to_pylist() == [["second", "second"], []]


def test_a_batch_without_spans_and_a_configuration_without_rules_are_fine() -> None:
    assert tagged(batch(span()).slice(0, 0)) == []
    assert tagged(batch(span()), {}) == [[]]


def test_a_bad_rule_is_a_fault_before_anything_starts() -> None:
    for bad in ({"attribute": "a", "matches": "(", "tag": "t"}, {"attribute": "", "tag": "t"}, {"atribute": "a"}):
        with pytest.raises(ValidationError):
            TaggerConfig.model_validate({"rules": [bad]})


def test_it_is_found_under_its_name_and_keeps_to_the_life_of_a_component(tmp_path: Path) -> None:
    found = EntryPoints().factory("processors", "tagger", "processors.tagger")
    check_life(lambda: found.create(ComponentId("tagger"), found.config(), Host(Metrics())), tmp_path)
