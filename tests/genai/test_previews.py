from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.genai.previews import MODEL, USER, preview, said

PARTS = [
    {"role": "system", "parts": [{"type": "text", "content": "be kind"}]},
    {"role": "user", "parts": [{"type": "text", "content": "one"}, {"type": "text", "content": "two"}]},
    {"role": "assistant", "parts": [{"type": "text", "content": "answer"}]},
]
OUTPUT_TEXT = {"type": "output_text", "text": "openai", "annotations": []}
FUNCTION_CALL = {"type": "function_call", "call_id": "1", "name": "weather"}
LANGCHAIN = {"type": "ai", "data": {"content": "langchain", "type": "ai", "response_metadata": {"model": "m"}}}
CALLED = 'weather({"city": "Oslo"})'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (PARTS, "one\ntwo"),
        ([{"role": "user", "content": "hi"}], "hi"),
        ([{"content": "hi", "role": "user"}], "hi"),
        ([{"role": "user", "content": "first"}, {"role": "user", "content": "last"}], "last"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": "x"}]}],
            "look",
        ),
        ([{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}], "hi"),
        ([{"role": "user", "parts": [{"text": "gemini"}, "plain"]}], "gemini\nplain"),
        ({"messages": [{"role": "user", "content": "hi"}], "model": "m"}, "hi"),
        ({"role": "human", "content": "hi"}, "hi"),
        ({"system": "be kind", "prompt": "hi"}, "hi"),
        ({"model": "gpt-4o", "input": "hi", "instructions": "be kind"}, "hi"),
        ({"input": [{"content": "hi", "role": "user"}, {"type": "function_call_output", "output": "rain"}]}, "hi"),
    ],
)
def test_the_input_is_what_the_user_said_last(value: Any, text: str) -> None:
    assert said(json.dumps(value), USER) == text
    assert said(json.dumps(value, indent=2), USER) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (PARTS, "answer"),
        ([{"role": "model", "parts": [{"text": "gemini"}]}], "gemini"),
        ({"choices": [{"index": 0, "message": {"content": "openai", "role": "assistant"}}]}, "openai"),
        ([{"role": "assistant", "parts": [{"type": "text", "content": "a"}, {"type": "tool_call", "name": "t"}]}], "a"),
        ([{"toolCallId": "1", "toolName": "weather", "input": {"city": "Oslo"}}], 'weather({"city": "Oslo"})'),
        (
            {"output": [{"type": "reasoning"}, {"type": "message", "content": [OUTPUT_TEXT], "role": "assistant"}]},
            "openai",
        ),
        ({"output": [{"type": "reasoning"}, {**FUNCTION_CALL, "arguments": '{"city": "Oslo"}'}]}, CALLED),
        ({"type": "ai", "data": {"content": "langchain", "type": "ai"}}, "langchain"),
        ({"messages": [{"type": "human", "data": {"content": "hi", "type": "human"}}, LANGCHAIN]}, "langchain"),
        ([{"graph": None, "update": {"messages": [LANGCHAIN]}, "goto": []}], "langchain"),
        ([{**FUNCTION_CALL, "arguments": '{"city": "Oslo"}'}], CALLED),
        ({**FUNCTION_CALL, "arguments": '{"city": "Oslo"}'}, CALLED),
    ],
)
def test_the_output_is_what_the_model_said(value: Any, text: str) -> None:
    assert said(json.dumps(value), MODEL) == text


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "",
        "{",
        '[{"role": "user"',
        '{"role": "admin", "name": "x"}',
        '[{"role": "tool", "content": "x"}]',
        '[{"role": "user", "content": ""}]',
        '[{"role": "user", "content": {"a": 1}}]',
        '{"user": {"role": "user"}}',
        '"role"',
        "[" * 2000 + '"role"' + "]" * 2000,
        '{"city": "Paris"}',
        '{"prompt": "hi", "model": "m"}',
        '{"prompt": ""}',
        '[{"toolCallId": "1"}]',
        '"toolCallId"',
    ],
)
def test_text_that_is_no_message_stays_as_it_is(text: str) -> None:
    assert said(text, USER) == text


def test_messages_that_only_stand_in_a_message_do_not_count() -> None:
    quoted = json.dumps([{"role": "user", "content": "not this"}])
    assert (
        said(json.dumps([{"role": "user", "content": quoted}, {"role": "assistant", "content": quoted}]), USER)
        == quoted
    )


def test_a_long_list_is_read_from_its_end_and_an_odd_one_stays_raw() -> None:
    history = [{"role": "assistant", "content": "x" * 1000}] * 500
    asked = {"role": "user", "content": "hi"}
    assert said(json.dumps([*history, asked]), USER) == "hi"
    odd = json.dumps([*history, {"content": "hi", "role": "user"}])
    assert said(odd, USER) == odd


def test_a_lone_surrogate_is_replaced() -> None:
    assert said('[{"role": "user", "content": "a\\ud800"}]', USER) == "a\ufffd"


def test_only_the_beginning_is_kept() -> None:
    texts = pa.array(["abcdef", json.dumps([{"role": "user", "content": "ghijkl"}]), "", "[]", "{"])
    assert preview(texts, USER, 3).to_pylist() == ["abc", "ghi", "", "[]", "{"]


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.text(min_size=1)), max_size=5))
def test_any_list_of_messages_is_read(messages: list[tuple[str, str]]) -> None:
    text = json.dumps([{"role": role, "content": content} for role, content in messages])
    asked = [content for role, content in messages if role == "user"]
    assert said(text, USER) == (asked[-1] if asked else text)
