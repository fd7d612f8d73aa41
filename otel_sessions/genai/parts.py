# SPDX-License-Identifier: Apache-2.0
"""The parts of a message, as providers and frameworks write them, in one form; and definitions of tools.

A part has a `type`:

    {"type": "text" | "reasoning", "text"}
    {"type": "tool_call", "id", "name", "arguments"}      arguments: a JSON value, or its text until it is `opened`
    {"type": "tool_result", "id", "name", "result"}       result: the same, or any text
    {"type": "media", "modality", "media_type", "url"}    modality: image, audio, video or file; without `url`, `size`
    {"type": "other", "value"}                            what is none of these, as it is

Nothing here raises on what clients write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

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
    inner = _inner(item, _CALLS) or item
    arguments = first_of(inner, _ARGUMENTS)
    return {
        "type": "tool_call",
        "id": _identity(item) or _identity(inner),
        "name": as_text(first_of(inner, _NAMES)),
        "arguments": arguments,
    }


def result_part(item: Mapping[str, Any]) -> Part:
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


def tools(value: Any) -> list[dict[str, Any]]:
    """Definitions of tools, each as `{"name", "description", "parameters"}`, from a list, by name, or an object."""
    if isinstance(value, dict):
        inner = next((value[key] for key in _TOOL_LISTS if isinstance(value.get(key), list)), None)
        is_tool = not value.keys().isdisjoint(("name", "function", "toolSpec"))
        value = inner if inner is not None else [value] if is_tool else list(value.values())
    found = []
    for item in (value if isinstance(value, list) else [])[:MAX_PARTS]:
        if isinstance(item, dict) and isinstance(
            declared := next((item[key] for key in _TOOL_LISTS if key in item), None), list
        ):
            found += tools(declared)
        elif isinstance(item, str) and item:
            found.append({"name": item, "description": "", "parameters": None})
        elif isinstance(item, dict) and (tool := _tool(item)):
            found.append(tool)
    return found[:MAX_PARTS]


_TOOL_LISTS: Final = ("functionDeclarations", "function_declarations", "tools")


def _tool(item: Mapping[str, Any]) -> dict[str, Any] | None:
    inner = next((item[name] for name in ("function", "toolSpec") if isinstance(item.get(name), dict)), item)
    name = inner.get("name")
    if not isinstance(name, str) or not name:
        return None
    members = ("parameters", "input_schema", "inputSchema", "parameters_json_schema", "args_schema")
    parameters = next((inner[key] for key in members if inner.get(key) is not None), None)
    if isinstance(parameters, dict) and isinstance(parameters.get("json"), dict):  # Bedrock
        parameters = parameters["json"]
    return {"name": name, "description": as_text(inner.get("description")), "parameters": parameters}


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
