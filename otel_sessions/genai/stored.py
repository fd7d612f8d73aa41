# SPDX-License-Identifier: Apache-2.0
"""Values as attributes have them: JSON in a text, or members under keys that count."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import orjson

from otel_sessions.genai.json_text import encodable
from otel_sessions.genai.messages import MAX_MESSAGES

Attributes: TypeAlias = Mapping[str, str]

MAX_BYTES: Final = 16 * 2**20
"""Longer text of one attribute is shown as text, its beginning."""
_SHOWN: Final = 100_000
_NUMBERED: Final = re.compile(r"(\d{1,6})\.(.+)")
JSON_BEGINS: Final = ("{", "[", '"')
_COUNTING: Final = ("llm.", "gen_ai.prompt.", "gen_ai.completion.")


def counted(attributes: Attributes) -> Attributes:
    """The attributes whose keys may count messages or tools: of most spans none."""
    return {key: text for key, text in attributes.items() if key.startswith(_COUNTING)}


def numbered(
    attributes: Attributes, prefix: str, make: Callable[[Mapping[str, str]], dict[str, Any]]
) -> Iterable[dict[str, Any]]:
    """What `make` makes of the members of each number below the prefix, in the order of the numbers."""
    grouped: dict[int, dict[str, str]] = {}
    for key, text in attributes.items():
        if key.startswith(prefix) and (found := _NUMBERED.fullmatch(key[len(prefix) :])) and text:
            grouped.setdefault(int(found[1]), {})[found[2]] = text
    return [make(grouped[number]) for number in sorted(grouped)[:MAX_MESSAGES]]


def nested(members: Mapping[str, str]) -> dict[str, Any]:
    """A message from its members: `message.role`, `message.contents.0.message_content.text`, `tool_calls.0.name`."""
    plain = {key.removeprefix("message."): text for key, text in members.items()}
    # the parts that stand as JSON in the content of a message; any other text as it is
    text = plain.get("content", "")
    value = parsed(text) if text[:2] in ("[{", '["', "[]") else text
    content = value if isinstance(value, list) else text
    parts = [_content_part(each) for each in numbered(plain, "contents.", dict)]
    calls = []
    for each in numbered(plain, "tool_calls.", dict):
        call = {key.removeprefix("tool_call.").removeprefix("function."): value for key, value in each.items()}
        calls.append({name: call.get(name, "") for name in ("id", "name", "arguments")})
    if plain.get("function_call_name"):
        calls.append({"name": plain["function_call_name"], "arguments": plain.get("function_call_arguments_json", "")})
    found: dict[str, Any] = {"role": plain.get("role", "assistant"), "content": parts or content}
    if parts and content:
        found["content"] = [*(content if isinstance(content, list) else [content]), *parts]
    for name in ("tool_call_id", "name"):
        if plain.get(name):
            found[name] = plain[name]
    reasoning = plain.get("reasoning_content") or plain.get("reasoning")
    return {**found, **({"tool_calls": calls} if calls else {}), **({"reasoning": reasoning} if reasoning else {})}


def _content_part(members: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key.removeprefix("message_content."): value for key, value in members.items()}
    url = plain.get("image.image.url")
    if url:
        return {"type": "image_url", "url": url}
    return {
        "type": plain.get("type", "text"),
        "text": plain.get("text", ""),
        **({"thinking": plain["thinking"]} if plain.get("thinking") else {}),
    }


def parsed(text: str) -> Any:
    """What a text says in JSON; the text itself where it is none, and only its beginning where it is too long."""
    if len(text) > MAX_BYTES:
        return text[:_SHOWN]
    if text.lstrip()[:1] not in JSON_BEGINS:
        return None if text == "null" else text
    if (value := strict(text)) is not None:
        return value
    try:
        return _clean(json.loads(text))
    except (ValueError, RecursionError):
        return text


def strict(text: str) -> Any:
    """The value of a JSON text, None where it is none."""
    try:
        return orjson.loads(text)
    except (ValueError, RecursionError):
        return None


def _clean(value: Any) -> Any:
    """The value with lone surrogates, which UTF-8 cannot spell, as U+FFFD."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return {encodable(key): _clean(each) for key, each in value.items()} if isinstance(value, dict) else value
