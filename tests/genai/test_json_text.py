"""What somebody asked, where a client wrote the arguments of a function down."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.genai.json_text import question
from otel_sessions.genai.transcript import Reader
from otel_sessions.queries.transcript import markdown, messages


@pytest.mark.parametrize(
    "value",
    [
        {"question": "When?"},
        {"args": ["When?"], "kwargs": {}},
        {"args": [], "kwargs": {"question": "When?"}},
        {"args": ["When?"]},
        {"kwargs": {"q": "When?"}},
        {"input": "When?", "chat_history": []},
        {"question": "When?", "context": None, "tags": ""},
    ],
)
def test_arguments_of_which_one_is_text_are_that_text(value: object) -> None:
    text = json.dumps(value)
    assert question(text) == "When?"
    turn = {
        "name": "", "user_id": "", "start_time": "", "duration_ns": 0, "error_count": 0, "input": text, "output": "{}"
    }  # fmt: skip
    assert "When?" in markdown(turn, 1, [])
    assert "{" not in markdown(turn, 1, []).replace("{}", "")
    assert [each["content"] for each in messages(turn, [])] == ["When?", "{}"]
    for key in ("input.value", "langfuse.observation.input", "traceloop.entity.input", "mlflow.spanInputs"):
        (said,) = Reader().step({key: text}, kind="chain").input
        assert said == {"role": "user", "parts": [{"type": "text", "text": "When?"}]}


@pytest.mark.parametrize(
    "text",
    [
        "When?",
        "",
        "{not json",
        '{"question": "When?", "city": "Oslo"}',
        '{"n": 1}',
        '{"question": "When?", "n": 0}',
        '{"args": ["When?", "Where?"], "kwargs": {}}',
        '{"args": ["When?"], "kwargs": {"city": "Oslo"}}',
        '{"where": {"city": "Oslo"}}',
        '["When?"]',
        "{}",
    ],
)
def test_all_other_texts_stay_as_they_are(text: str) -> None:
    assert question(text) == text


def test_what_came_out_stays_as_it_was_said() -> None:
    (said,) = Reader().step({"output.value": '{"answer": "Now."}'}, kind="chain").output
    assert said["parts"] == [{"type": "text", "text": '{"answer": "Now."}'}]


@given(st.text(min_size=1), st.integers(0, 40), st.sampled_from(["q", "args", "kwargs"]))
def test_json_that_was_cut_within_the_text_shows_what_is_left_of_it(said: str, left: int, form: str) -> None:
    value = {"q": {"q": said}, "args": {"args": [said], "kwargs": {}}, "kwargs": {"kwargs": {"q": said}}}[form]
    text = json.dumps(value, ensure_ascii=False)
    opening = text.index('": "' if form != "args" else '["') + (4 if form != "args" else 2)
    end = opening + len(json.dumps(said, ensure_ascii=False)) - 2
    found = question(text[: min(opening + left, end)])
    assert said.startswith(found)
    assert len(found) + 6 >= (min(opening + left, end) - opening) // 6
