from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.genai.content import preview
from otel_sessions.genai.json_text import said
from otel_sessions.genai.messages import MODEL, USER

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
        ({**FUNCTION_CALL, "arguments": '{"city":"Oslo"}'}, 'weather({"city":"Oslo"})'),
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"role": "tool", "content": "x"}], "x"),
        ([{"role": "system", "content": "be kind"}, {"role": "assistant", "content": ""}], "be kind"),
        ([{"role": "user", "content": ""}], ""),
        ([{"role": "user", "content": []}, {"role": "assistant", "content": None}], ""),
    ],
)
def test_without_the_role_the_last_message_with_words_is_taken_and_none_says_nothing(value: Any, text: str) -> None:
    assert said(json.dumps(value), USER) == text


RETURNS: list[dict[str, Any]] = [
    {"role": "user", "parts": [{"type": "tool_call_response", "id": "c", "name": "weather", "result": "sunny"}]},
    {"role": "user", "parts": [{"type": "tool_call_response", "id": "c", "response": {"sky": "blue"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "sunny"}]},
    {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "sunny"}]}]},
    {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "sunny"}]}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"sky": "blue"}}}]},
    {"role": "user", "parts": [{"function_response": {"name": "weather", "response": {"sky": "blue"}}}]},
    {"role": "user", "content": [{"type": "tool-result", "toolCallId": "c", "toolName": "weather", "result": 1}]},
    {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    {"type": "function_call_output", "call_id": "c", "output": "sunny"},
]
ASKED = {"role": "user", "content": "Is it sunny?"}


@pytest.mark.parametrize("returned", RETURNS)
def test_what_a_tool_returned_is_not_what_the_user_said(returned: dict[str, Any]) -> None:
    called = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "weather", "input": {}}]}
    assert said(json.dumps([ASKED, called, returned]), USER) == "Is it sunny?"
    assert said(json.dumps([ASKED, called, returned], indent=1), USER) == "Is it sunny?"


SHOWN: list[tuple[Any, str]] = [
    ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, "[image]"),
    ({"type": "input_image", "image_url": "https://x/y.png"}, "[image]"),
    ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}, "[image]"),
    ({"type": "blob", "mime_type": "image/png", "modality": "image", "content": "AAAA"}, "[image]"),
    ({"type": "uri", "modality": "video", "uri": "gs://x/y.mp4"}, "[video]"),
    ({"type": "file", "modality": "audio", "file_id": "f"}, "[audio]"),
    ({"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}}, "[image]"),
    ({"inline_data": {"mime_type": "audio/wav", "data": "AAAA"}}, "[audio]"),
    ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "[audio]"),
    ({"type": "image", "image": "data:image/png;base64,AAAA"}, "[image]"),
    ({"image": {"format": "png", "source": {"bytes": "AAAA"}}}, "[image]"),
    ({"type": "image-url", "url": "https://x/y.png"}, "[image]"),
    ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}, "[file]"),
]


@pytest.mark.parametrize(("part", "text"), SHOWN)
def test_a_message_without_words_says_what_it_shows(part: Any, text: str) -> None:
    older: list[Any] = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
    assert said(json.dumps([*older, {"role": "user", "content": [part]}]), USER) == text
    assert said(json.dumps([*older, {"role": "user", "parts": [part, part]}]), USER) == f"{text}\n{text}"
    worded = {"role": "user", "content": [part, {"type": "text", "text": "What is this?"}]}
    assert said(json.dumps([*older, worded]), USER) == "What is this?"


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
    asked = [content for role, content in messages if role == "user"] or [content for _, content in messages]
    assert said(text, USER) == (asked[-1] if asked else text)
