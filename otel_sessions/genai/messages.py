"""Chat messages as providers and frameworks write them in JSON: who speaks, and what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from otel_sessions.genai.texts import NOT_JSON, encodable, parse_json

USER: Final = frozenset({"user", "human"})
MODEL: Final = frozenset({"assistant", "model", "ai"})

_MAX_DEPTH: Final = 6
# LangChain says `type` where others say `role`.
_TYPES: Final = frozenset({"human", "ai", "system", "tool"})
_AROUND: Final = (
    *("messages", "choices", "message", "contents", "inputs", "outputs", "kwargs", "generations"),
    *("input", "output"),  # OpenAI's Responses
    *("data", "update"),  # LangChain and LangGraph
)
_TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text"})
_PROMPT: Final = frozenset({"system", "prompt"})
_CALLS: Final = ("function", "functionCall", "function_call", "toolUse")
_NAMES: Final = ("name", "toolName", "tool_name")
_ARGUMENTS: Final = ("arguments", "args", "input")


def messages(value: Any, depth: int = _MAX_DEPTH) -> Iterator[Mapping[str, Any]]:
    """The messages in a JSON value, in order: in lists, and under the names that providers put around them."""
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            yield from messages(item, depth - 1)
    elif isinstance(value, dict):
        if role(value):
            yield value
        elif isinstance(value.get("content"), dict):
            yield from messages(value["content"], depth - 1)
        for name in _AROUND:
            yield from messages(value.get(name), depth - 1)


def role(value: Mapping[str, Any]) -> str:
    """Who speaks in a message, in lower case; empty for what is no message."""
    if "role" in value:
        return str(value["role"]).lower()
    return value["type"] if value.get("type") in _TYPES and "content" in value else ""


def content(message: Mapping[str, Any]) -> str:
    """What a message says: its text, or the text among its parts; without any, the tools that it calls."""
    found = message.get("content") or message.get("parts")
    if isinstance(found, dict):
        found = found.get("parts")
    if isinstance(found, str):
        return found
    parts = found if isinstance(found, list) else []
    text = "\n".join(filter(None, map(_text, parts)))
    return text or calls([*parts, *_list(message.get("tool_calls"))])


def calls(items: list[Any]) -> str:
    """The calls of tools among these, a line each: `name(arguments)`."""
    return "\n".join(filter(None, (_call(item) for item in items if isinstance(item, dict))))


def bare(value: Any) -> str:
    """What stands without messages: a prompt, or calls of tools.

    The Vercel AI SDK writes a prompt with at most its system; OpenAI's Responses and embeddings take an `input` for a
    `model`, and Responses give an `output` of calls.
    """
    if isinstance(value, dict):
        if value.keys() <= _PROMPT and isinstance(value.get("prompt"), str):
            return str(value["prompt"])
        if "model" in value and isinstance(value.get("input"), str):
            return str(value["input"])
        value = [value] if _is_call(value) else value.get("output")
    return calls([item for item in _list(value) if isinstance(item, dict) and _is_call(item)])


def message_text(text: str) -> str:
    """What a message says that stands alone as JSON; any other text as it is."""
    value = parse_json(text) if text[:1] in ("{", "[") else NOT_JSON
    if isinstance(value, dict):
        inner = value.get("message")
        found = content(inner if isinstance(inner, dict) else value)
    elif isinstance(value, list):
        found = content({"content": value})
    else:
        return text
    return encodable(found) if found else text


def _text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type", "text") not in _TEXT_PARTS:
        return ""
    text = part.get("text") or part.get("content")
    return text if isinstance(text, str) else ""


def _is_call(item: Mapping[str, Any]) -> bool:
    return "toolCallId" in item or item.get("type") == "function_call"


def _call(item: Mapping[str, Any]) -> str:
    inner = next((item[name] for name in _CALLS if isinstance(item.get(name), dict)), item)
    name = next((inner[key] for key in _NAMES if isinstance(inner.get(key), str)), "")
    arguments = next((inner[key] for key in _ARGUMENTS if inner.get(key) is not None), "")
    if not name:
        return ""
    return f"{name}({arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)})"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
