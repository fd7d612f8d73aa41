# SPDX-License-Identifier: Apache-2.0
"""Chat messages as providers and frameworks write them, in one form.

A message is `{"role", "parts"}`. Roles are `system`, `user`, `assistant`, `tool`, or what the client wrote.
Its parts are those of `genai.parts`.

Nothing here raises on what clients write, and all of it is bounded: in depth, in messages, in parts of a message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from otel_sessions.genai.parts import (
    IDS,
    MAX_PARTS,
    TEXT,
    Part,
    as_text,
    call_part,
    call_text,
    first_of,
    is_part,
    is_result,
    kind_of,
    part,
    result_part,
    text_part,
)

Message: TypeAlias = "dict[str, Any]"

USER: Final = frozenset({"user", "human"})
MODEL: Final = frozenset({"assistant", "model", "ai"})
MAX_MESSAGES: Final = 10_000

_MAX_DEPTH: Final = 8
_ROLES: Final = {"human": "user", "ai": "assistant", "model": "assistant", "bot": "assistant", "function": "tool"}
_LANGCHAIN: Final = {
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "SystemMessage": "system",
    "ToolMessage": "tool",
    "HumanMessageChunk": "user",
    "AIMessageChunk": "assistant",
    "FunctionMessage": "tool",
    "ChatMessage": "user",
}
_TYPES: Final = frozenset({"human", "ai", "system", "tool", "function", "developer"})
"""LangChain says `type` where others say `role`."""
_AROUND: Final = (
    *("messages", "choices", "message", "contents", "inputs", "outputs", "kwargs", "generations"),
    *("input", "output", "items", "candidates", "prompt", "new_messages", "result", "response"),
    *("data", "update"),  # LangChain and LangGraph
)
_SIDES: Final = {
    "output": "assistant",
    "outputs": "assistant",
    "input": "user",
    "prompt": "user",
    "generations": "assistant",
}
_SYSTEM: Final = ("system", "instructions", "system_instruction", "systemInstruction", "system_instructions")
_SAYING: Final = ("content", "parts", "tool_calls", "contents", "function_call", "text", "reasoning_content")


def read(value: Any, role: str = "user", make: Callable[[Mapping[str, Any]], Message] | None = None) -> list[Message]:
    """The messages in a JSON value, in order; what stands without a role, text or parts of a message, has this one.

    `make` makes a message of an object that is one; `one` unless somebody remembers what it made before.
    """
    return list(islice(_messages(value, _Side(role, make or one), _MAX_DEPTH), MAX_MESSAGES))


class _Side(NamedTuple):
    """Whose words are read, and what makes a message of an object that is one."""

    role: str
    make: Callable[[Mapping[str, Any]], Message]


def message(role: str, *parts: Part) -> Message:
    return {"role": role, "parts": list(parts)}


def is_message(value: Any) -> bool:
    """Whether an object says who speaks and what."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("role"), str):
        return any(name in value for name in _SAYING)
    return (kind_of(value) in _TYPES and "content" in value) or bool(_langchain_role(value))


def role_of(value: Mapping[str, Any]) -> str:
    """Who speaks in a message, by one of the usual names."""
    role = value.get("role") or _langchain_role(value) or value.get("type") or ""
    name = str(role).lower()
    return _ROLES.get(name, name)


def one(value: Mapping[str, Any]) -> Message:
    """A message of this object, which is one. What only tools returned is a message of role `tool`."""
    if _langchain_role(value) and isinstance(value.get("kwargs"), dict):
        value = {**value["kwargs"], "role": _langchain_role(value)}
    role, parts = role_of(value), list(islice(_parts_of(value), MAX_PARTS))
    if role == "user" and parts and all(part["type"] == "tool_result" for part in parts):
        role = "tool"
    return message(role, *parts)


def words(found: Message) -> str:
    """What a message says: its text; without any, what it shows, or the tools that it calls, a line each."""
    parts = found["parts"]
    text = "\n".join(part["text"] for part in parts if part["type"] == "text" and part["text"])
    if text or found["role"] == "tool":
        return text or "\n".join(as_text(part.get("result")) for part in parts if part["type"] == "tool_result")
    shown = [f"[{part['modality']}]" for part in parts if part["type"] == "media"]
    return "\n".join(shown or [call_text(part) for part in parts if part["type"] == "tool_call" and part["name"]])


def plain_words(value: Mapping[str, Any]) -> str:
    """What a message says whose content is text and nothing else, as that of most; empty for any other."""
    content = value.get("content") or value.get("parts")
    if isinstance(content, str):
        return content
    texts = []
    for item in content if isinstance(content, list) else ():
        if type(item) is not dict or kind_of(item) not in TEXT:
            return ""
        text = item.get("text") or item.get("content")
        if not isinstance(text, str):
            return ""
        texts.append(text)
    return "\n".join(texts)


def opened(found: Message) -> Message:
    """The message with the arguments and results of tools that stand as JSON in a text as what they say."""
    if not any(
        isinstance(part.get(name), str) and part[name][:1] in ("{", "[") for part in found["parts"] for name in _OPENED
    ):
        return found
    parts = [{**part, **{name: _parsed(part[name]) for name in _OPENED if name in part}} for part in found["parts"]]
    return {**found, "parts": parts}


_OPENED: Final = ("arguments", "result")


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def as_chat(found: Message) -> list[dict[str, Any]]:
    """The message as files for the fine-tuning of chat models have it, a message for each result of a tool."""
    results = [part for part in found["parts"] if part["type"] == "tool_result"]
    if results:
        return [{"role": "tool", "tool_call_id": part["id"], "content": as_text(part["result"])} for part in results]
    calls = [
        {
            "id": part["id"],
            "type": "function",
            "function": {"name": part["name"], "arguments": as_text(part["arguments"])},
        }
        for part in found["parts"]
        if part["type"] == "tool_call"
    ]
    said = "\n".join(part["text"] for part in found["parts"] if part["type"] == "text" and part["text"])
    said = said or ("" if calls else words(found))
    return [{"role": found["role"], "content": said, **({"tool_calls": calls} if calls else {})}]


def _messages(value: Any, side: _Side, depth: int) -> Iterator[Message]:
    if isinstance(value, str):
        if value:
            yield message(side.role, text_part(value))
    elif depth and isinstance(value, list):
        yield from _listed(value, side, depth)
    elif depth and isinstance(value, dict):
        yield from _within(value, side, depth)


def _listed(items: list[Any], side: _Side, depth: int) -> Iterator[Message]:
    """Messages in a list; items that follow each other and are parts of one are put together."""
    parts: list[Part] = []
    for item in islice(items, MAX_MESSAGES):
        found = part(item) if is_part(item) else None
        if found is not None and found["type"] not in ("tool_call", "tool_result"):
            parts.append(found)
            continue
        if parts:
            yield message(side.role, *parts)
            parts = []
        if found is not None:
            yield message("tool" if found["type"] == "tool_result" else "assistant", found)
        else:
            yield from _messages(item, side, depth - 1)
    if parts:
        yield message(side.role, *parts)


def _within(value: dict[str, Any], side: _Side, depth: int) -> Iterator[Message]:
    if is_message(value):
        yield side.make(value)
        return
    system = _Side("system", side.make)
    for name in _SYSTEM:
        if value.get(name) and any(around in value for around in (*_AROUND, "config")):
            yield from _messages(value[name], system, depth - 1)
    if isinstance(value.get("config"), dict):  # Google's
        for name in _SYSTEM:
            yield from _messages(value["config"].get(name), system, depth - 1)
    if is_part(value):
        yield from _listed([value], side, depth)
        return
    # an answer as LangChain lists them in `generations`: its text and, of chat models, its message
    named = kind_of(value).removesuffix("Chunk").endswith("Generation")
    if isinstance(value.get("text"), str) and (named or "generation_info" in value or "message" in value):
        yield from _generated(value, side, depth)
        return
    if isinstance(value.get("content"), dict):
        yield from _messages(value["content"], side, depth - 1)
    for name in _AROUND:
        inner = value.get(name)
        if isinstance(inner, dict | list) or (isinstance(inner, str) and _is_prompt(name, value)):
            yield from _messages(inner, _Side(_SIDES.get(name, side.role), side.make), depth - 1)


def _generated(value: Mapping[str, Any], side: _Side, depth: int) -> Iterator[Message]:
    inner = value.get("message")
    if isinstance(inner, dict) and not is_message(inner) and any(name in inner for name in _SAYING):
        inner = {**inner, "role": side.role}
    said = list(_messages(inner, side, depth - 1))
    if any(each["parts"] for each in said):
        yield from said
    elif value["text"]:
        yield message(side.role, text_part(value["text"]))


def _is_prompt(name: str, value: Mapping[str, Any]) -> bool:
    """Whether text under this name is what the user said: the Vercel AI SDK writes a prompt with at most its system;
    OpenAI's Responses and embeddings take an `input` for a `model`."""
    return value.keys() <= {"system", "prompt"} if name == "prompt" else name == "input" and "model" in value


def _langchain_role(value: Mapping[str, Any]) -> str:
    """LangChain's serialised messages are named by their class, the last of `id`, or their `type`."""
    kind = kind_of(value)
    if kind in _LANGCHAIN and "content" in value:
        return _LANGCHAIN[kind]
    name = value.get("id") if kind == "constructor" else None
    return _LANGCHAIN.get(str(name[-1]), "") if isinstance(name, list) and name else ""


def _parts_of(value: Mapping[str, Any]) -> Iterator[Part]:
    reasoning = value.get("reasoning_content") or value.get("reasoning")
    if isinstance(reasoning, str):
        yield {"type": "reasoning", "text": reasoning}
    content = next((value[name] for name in ("content", "parts", "contents", "text") if value.get(name)), None)
    if isinstance(content, dict):
        content = content.get("parts") or [content]
    if role_of(value) == "tool" and not any(isinstance(item, dict) and is_result(item) for item in _items(content)):
        yield result_part({**value, "content": content, "id": first_of(value, IDS[2:]) or value.get("id")})
        return
    yield from (part(item) for item in (content if isinstance(content, list) else [content]) if item not in (None, ""))
    known = [each.get("id") for each in _items(content) if isinstance(each, dict)]
    extra = value.get("additional_kwargs")
    calls = _items(value.get("tool_calls")) or _items(extra.get("tool_calls") if isinstance(extra, dict) else None)
    for call in calls:
        if isinstance(call, dict) and (call.get("id") is None or call.get("id") not in known):
            yield call_part(call)
    if isinstance(value.get("function_call"), dict):
        yield call_part(value["function_call"])


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
