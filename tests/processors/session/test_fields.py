from __future__ import annotations

import pytest

from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.semconv import content, sessions, usage
from otel_sessions.testing.otlp import Attributes, Value, span
from tests.processors.session.reading import Row, batch_of, rows_of


def _row(attributes: Attributes, resource: Attributes | None = None, config: SessionConfig | None = None) -> Row:
    batch = batch_of(span(attributes=attributes), resource=resource)
    return rows_of(SessionProcessor(config or SessionConfig()).process(batch))[0]


@pytest.mark.parametrize(
    ("column", "keys"),
    [
        ("Environment", sessions.ENVIRONMENT_KEYS),
        ("TraceName", sessions.TRACE_NAME_KEYS),
        ("Input", content.INPUT_KEYS),
        ("Output", content.OUTPUT_KEYS),
        ("TraceInput", content.TRACE_INPUT_KEYS),
        ("TraceOutput", content.TRACE_OUTPUT_KEYS),
        ("Model", usage.MODEL_KEYS),
    ],
)
def test_each_key_of_a_list_gives_its_column_and_the_first_wins(column: str, keys: tuple[str, ...]) -> None:
    keys = tuple(key.replace(".N.*", ".0.content") for key in keys)
    guards: Attributes = {"span.type": "llm_request", "genkit:metadata:subtype": "model"} if column == "Model" else {}
    for key in keys:
        assert _row({key: "text", **guards})[column] == "text"
    assert _row({key: f"text {number}" for number, key in reversed(list(enumerate(keys)))})[column] == "text 0"


def test_a_spans_environment_comes_before_its_resources() -> None:
    resource = {"deployment.environment.name": "prod", "langfuse.environment": ""}
    assert _row({}, resource)["Environment"] == "prod"
    assert _row({"deployment.environment": "test"}, resource)["Environment"] == "test"
    batch = batch_of(span(attributes={"langfuse.environment": "own"}), span(), resource=resource)
    rows = rows_of(SessionProcessor(SessionConfig()).process(batch))
    assert [row["Environment"] for row in rows] == ["own", "prod"]


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (["a", "b", "a", 7, True, None, ""], ["a", "b", "7", "true"]),
        ('["a", "ü, b"]', ["a", "ü, b"]),
        ("a, b,,a", ["a", "b"]),
        ("plain", ["plain"]),
        ('"quoted"', ["quoted"]),
        ("[not json", ["[not json"]),
        ('["\\ud800"]', ["\ufffd"]),
        (" , ", []),
        ("", []),
        ([], []),
    ],
)
def test_tags_come_as_array_as_json_or_comma_separated(value: Value, tags: list[str]) -> None:
    for key in sessions.TAG_KEYS:
        assert _row({key: value})["Tags"] == tags


def test_tags_are_bounded_and_spans_without_have_none() -> None:
    batch = batch_of(span(attributes={"langfuse.trace.tags": [str(n) for n in range(200)]}), span())
    rows = rows_of(SessionProcessor(SessionConfig()).process(batch))
    assert [row["Tags"] for row in rows] == [[str(n) for n in range(100)], []]


def test_previews_are_cut_by_characters() -> None:
    assert _row({"input.value": "é" * 1001})["Input"] == "é" * 1000
    assert _row({"input.value": "😀" * 9}, config=SessionConfig(max_preview_chars=3))["Input"] == "😀" * 3


def test_the_traces_input_is_not_the_spans() -> None:
    row = _row({"langfuse.trace.input": "of all", "langfuse.observation.input": "of one"})
    assert (row["TraceInput"], row["Input"]) == ("of all", "of one")


def test_an_empty_list_turns_a_column_off() -> None:
    config = SessionConfig(tag_keys=(), input_keys=(), cost_keys=(), model_keys=(), step_kind_keys=())
    row = _row({"input.value": "x", "tag.tags": "x", "gen_ai.request.model": "m"}, config=config)
    assert (row["Input"], row["Tags"], row["Model"]) == ("", [], "")
