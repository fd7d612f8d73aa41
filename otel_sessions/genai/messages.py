# SPDX-License-Identifier: Apache-2.0
"""Chat messages and their parts as providers and frameworks write them, in one form.

A message is `{"role", "parts"}`; roles are `system`, `user`, `assistant`, `tool`, or what the client wrote. A part has
a `type`:

    {"type": "text" | "reasoning", "text"}
    {"type": "tool_call", "id", "name", "arguments"}      arguments: a JSON value, or its text as it came
    {"type": "tool_result", "id", "name", "result"}       result: the same, or any text
    {"type": "media", "modality", "media_type", "url"}    modality: image, audio, video or file; without `url`, `size`
    {"type": "other", "value"}                            what is none of these, as it is

Nothing here raises on what clients write, and all of it is bounded: in depth, in messages, in parts of a message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

Message: TypeAlias = "dict[str, Any]"
Part: TypeAlias = "dict[str, Any]"
MAX_PARTS: Final = 1_000
MAX_INLINE: Final = 64 * 1024
"""Longer media that stands in the message itself is left out; its size is told."""
TEXT: Final = frozenset({"text", "input_text", "output_text", "refusal", "summary_text", "md"})
_REASONING: Final = frozenset({"reasoning", "thinking", "thought", "redacted_thinking", "reasoning_content"})
_CALL: Final = frozenset(
    {"tool_call", "tool_use", "tool-call", "function_call", "functionCall", "server_tool_use", "function", "toolUse"}
)
_RESULT: Final = frozenset(
    {"tool_call_response", "tool_result", "tool-result", "function_response", "function_call_output", "tool_return"}
    | {"tool-return", "web_search_tool_result", "toolResult", "functionResponse", "custom_tool_call_output"}
)
_CALLS: Final = ("functionCall", "function_call", "toolUse", "function", "tool_call")
_RESULTS: Final = ("functionResponse", "function_response", "toolResult")
IDS: Final = ("id", "call_id", "tool_call_id", "toolCallId", "tool_use_id", "toolUseId")
_NAMES: Final = ("name", "toolName", "tool_name")
_ARGUMENTS: Final = ("arguments", "args", "input", "arguments_json")
_RESPONSES: Final = ("response", "result", "output", "content", "json", "text")
_MEDIA: Final = {
    **dict.fromkeys(("image", "image_url", "input_image", "image-url", "inlineData", "inline_data"), "image"),
    **dict.fromkeys(("audio", "input_audio", "audio-url", "output_audio"), "audio"),
    **dict.fromkeys(("video", "video-url", "video_url"), "video"),
    **dict.fromkeys(("file", "input_file", "document", "document-url", "fileData", "file_data", "binary"), "file"),
    **dict.fromkeys(("media", "blob", "uri"), "file"),
}
_MEDIA_MEMBERS: Final = (
    *("image_url", "image", "input_audio", "audio", "video", "file", "document", "source"),
    *("inlineData", "inline_data", "fileData", "file_data"),
)
_URIS: Final = ("url", "uri", "file_uri", "fileUri", "image_url", "file_url", "file_id")
_DATA: Final = ("data", "content", "bytes", "base64", "file_data", "image")
_MIME_TYPES: Final = ("mime_type", "mimeType", "media_type", "mediaType", "format")

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
    if are_messages(value):
        return [(make or one)(each) for each in value[:MAX_MESSAGES]]
    return list(islice(_messages(value, _Side(role, make or one), _MAX_DEPTH), MAX_MESSAGES))


def are_messages(value: Any) -> bool:
    """Whether a value is a list of objects each of which is one message, whatever stands around it."""
    return isinstance(value, list) and all(
        isinstance(each, dict) and "role" in each and is_message(each) for each in value
    )


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
    config = value.get("config")  # Google's
    holders = [value] if "config" in value or not value.keys().isdisjoint(_AROUND) else []
    for holder in [*holders, config] if isinstance(config, dict) else holders:
        for name in _SYSTEM:
            yield from _messages(holder.get(name), _Side("system", side.make), depth - 1)
    if is_part(value):
        yield from _listed([value], side, depth)
        return
    # an answer as LangChain lists them in `generations`: its text and, of chat models, its message
    named = kind_of(value).removesuffix("Chunk").endswith("Generation")
    if isinstance(value.get("text"), str) and (named or "generation_info" in value or "message" in value):
        inner = value.get("message")
        if isinstance(inner, dict) and not is_message(inner) and any(name in inner for name in _SAYING):
            inner = {**inner, "role": side.role}
        said = list(_messages(inner, side, depth - 1))
        if any(each["parts"] for each in said):
            yield from said
        elif value["text"]:
            yield message(side.role, text_part(value["text"]))
        return
    if isinstance(value.get("content"), dict):
        yield from _messages(value["content"], side, depth - 1)
    # the name under which text is what the user said: the Vercel AI SDK writes a prompt with at most its system, and
    # OpenAI's Responses and embeddings take an `input` for a `model`
    asked = "prompt" if value.keys() <= {"system", "prompt"} else "input" if "model" in value else ""
    for name in _AROUND:
        inner = value.get(name)
        if isinstance(inner, dict | list) or (isinstance(inner, str) and name == asked):
            yield from _messages(inner, _Side(_SIDES.get(name, side.role), side.make), depth - 1)


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


# Parts


def part(item: Any) -> Part:
    """A part of a message from what stands in its content."""
    if isinstance(item, str):
        return text_part(item)
    if not isinstance(item, dict):
        return {"type": "other", "value": item}
    kind = kind_of(item) or (item["kind"] if isinstance(item.get("kind"), str) else None)
    text = next((item[name] for name in ("text", "content", "refusal") if isinstance(item.get(name), str)), None)
    if is_result(item):
        found = result_part(_inner(item, _RESULTS) or item)
    elif kind in _CALL or _inner(item, _CALLS) or ("toolCallId" in item and "result" not in item):
        found = call_part(item)
    elif kind in _REASONING or item.get("thought") is True or "reasoningContent" in item:
        found = {"type": "reasoning", "text": _reasoning(item)}
    elif kind in _MEDIA or (kind is None and _inner(item, _MEDIA_MEMBERS)):
        found = _media(item, kind)
    elif text is not None and (kind is None or kind in TEXT):
        found = text_part(text)
    else:
        found = {"type": "other", "value": item}
    return found


def text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def is_part(item: Any) -> bool:
    """Whether an object is a part of a message by its type or members, and no message itself."""
    if not isinstance(item, dict) or "role" in item:
        return False
    kind = kind_of(item)
    if kind:
        return kind in TEXT or kind in _REASONING or kind in _CALL or kind in _RESULT or kind in _MEDIA
    return (
        (isinstance(item.get("text"), str) and item.keys() <= {"text", "thought", "thoughtSignature", "cache_control"})
        or "toolCallId" in item
        or any(isinstance(item.get(name), dict) for name in (*_CALLS[:3], *_RESULTS, "inlineData", "inline_data"))
    )


def is_result(item: Mapping[str, Any]) -> bool:
    return kind_of(item) in _RESULT or _inner(item, _RESULTS) is not None


def call_part(item: Mapping[str, Any]) -> Part:
    """The part of a call of a tool, whatever its members are called."""
    inner = _inner(item, _CALLS) or item
    arguments = first_of(inner, _ARGUMENTS)
    return {
        "type": "tool_call",
        "id": _identity(item) or _identity(inner),
        "name": as_text(first_of(inner, _NAMES)),
        "arguments": arguments,
    }


def result_part(item: Mapping[str, Any]) -> Part:
    """The part of what a tool returned; of a list of texts, one text of their lines."""
    response = first_of(item, _RESPONSES)
    if isinstance(response, list) and response and all(is_part(each) or _json_part(each) for each in response):
        texts = [each["json"] if _json_part(each) else part(each) for each in response]
        if all(isinstance(each, dict) and each.get("type") == "text" for each in texts):
            response = "\n".join(each["text"] for each in texts)
        elif len(texts) == 1 and _json_part(item):
            response = texts[0]
    return {
        "type": "tool_result",
        "id": as_text(first_of(item, IDS[1:]) or item.get("id")),
        "name": as_text(first_of(item, _NAMES)),
        "result": response,
    }


def _json_part(item: Any) -> bool:
    return isinstance(item, dict) and item.keys() == {"json"}


def _reasoning(item: Mapping[str, Any]) -> str:
    inner = _inner(item, ("reasoningContent",)) or item
    inner = _inner(inner, ("reasoningText",)) or inner
    found = first_of(inner, ("thinking", "content", "text", "reasoning", "summary"))
    if isinstance(found, list):
        return "\n".join(as_text(each.get("text") or each.get("content")) for each in found if isinstance(each, dict))
    return as_text(found)


def _media(item: Mapping[str, Any], kind: Any) -> Part:
    name = next((name for name in _MEDIA_MEMBERS if isinstance(item.get(name), dict)), None)
    inner: Mapping[str, Any] = {**item, **item[name]} if name else item
    if isinstance(source := inner.get("source"), dict):
        inner = {**inner, **source}
    mime_type = as_text(first_of(inner, _MIME_TYPES))
    uri = first_of(inner, _URIS)
    uri = uri.get("url") if isinstance(uri, dict) else uri
    data = first_of(inner, _DATA)
    if not isinstance(uri, str) and isinstance(data, str) and data.startswith(("data:", "http:", "https:", "blob:")):
        uri = data
    if isinstance(uri, str) and uri.startswith("data:") and "/" not in mime_type:
        mime_type = uri[5:200].partition(";")[0].partition(",")[0]
    modality = as_text(inner.get("modality")) or mime_type.partition("/")[0]
    if modality not in ("image", "audio", "video"):
        modality = _MEDIA.get(str(kind), _MEDIA.get(str(name), "file"))
    found: Part = {"type": "media", "modality": modality, "media_type": mime_type}
    if isinstance(uri, str) and len(uri) <= MAX_INLINE:
        return {**found, "url": uri}
    return {**found, "size": len(uri) if isinstance(uri, str) else len(as_text(data))}


def call_text(part: Part) -> str:
    """A call of a tool in a line: `name(arguments)`."""
    return f"{part['name']}({as_text(part['arguments'])})"


def as_text(value: Any) -> str:
    """Text as it is, nothing as empty, all else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def kind_of(item: Mapping[str, Any]) -> str:
    kind = item.get("type")
    return kind if isinstance(kind, str) else ""


def _inner(item: Mapping[str, Any], names: Iterable[str]) -> Mapping[str, Any] | None:
    return next((item[name] for name in names if isinstance(item.get(name), dict)), None)


def first_of(item: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _identity(item: Mapping[str, Any]) -> str:
    return as_text(first_of(item, ("call_id", *IDS)))
