# SPDX-License-Identifier: Apache-2.0
"""A text as clients wrap it: objects in JSON or as Python prints them; what somebody asked, out of the arguments of a
function, which instrumentation writes down as JSON; what the last of the messages in it says; and members under keys
that count.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

import orjson

from otel_sessions.genai.messages import MAX_MESSAGES, TEXT, USER, is_message, kind_of, message, one, part, read, words

MAX_JSON_BYTES: Final = 100 * 1024
"""Longer text is never parsed as a whole."""
NOT_JSON: Final = object()

_MAX_PYTHON_BYTES: Final = 10_000
_MAX_BRACKETS: Final = 100


def parse_json(text: str, **options: Any) -> Any:
    """The value of a JSON text, `NOT_JSON` where it is none or over `MAX_JSON_BYTES` characters."""
    if len(text) > MAX_JSON_BYTES:
        return NOT_JSON
    try:
        return json.loads(text, **options)
    except (ValueError, RecursionError):
        return NOT_JSON


def parse_object(text: str, **options: Any) -> dict[str, Any]:
    """The members of an object in JSON, or in the text of a Python dictionary; none for anything else."""
    value = parse_json(text, **options)
    is_python = value is NOT_JSON and text.startswith("{'") and len(text) <= _MAX_PYTHON_BYTES
    if is_python and sum(map(text.count, "([{")) <= _MAX_BRACKETS:
        try:
            value = ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return {}
    return value if isinstance(value, dict) else {}


def member(value: Mapping[str, Any], path: str) -> Any:
    """The member of an object by its name, or `OUTER.INNER` further down; None without one."""
    if path in value:
        return value[path]
    outer, _, inner = path.partition(".")
    within = value.get(outer)
    return member(within, inner) if inner and isinstance(within, dict) else None


def scalar_text(value: object) -> str:
    """Text, numbers and booleans as an attribute would have them; empty for all else."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return ""


def fits(text: str, patterns: Iterable[str]) -> bool:
    """Whether the text is one of the patterns, in which `*` stands for any text."""
    return any(text == pattern or ("*" in pattern and _glob(pattern).fullmatch(text)) for pattern in patterns)


@lru_cache(1000)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def encodable(text: str) -> str:
    r"""The text with lone surrogates, which JSON can spell as "\ud800" and UTF-8 cannot, as U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_CALL: Final = frozenset({"args", "kwargs"})
_CUT: Final = re.compile(
    r'\{\s*(?:"(?:args|kwargs)":\s*[\[{]\s*)?(?:"(?:[^"\\]|\\.)*":\s*)?"((?:[^"\\]|\\.)*)\\?$', re.DOTALL
)
_ENDS: Final = re.compile(r"\\u[0-9a-fA-F]{0,3}$")


def question(text: str) -> str:
    """The text of an input, where it is JSON of arguments of which one alone says something, and that is text.

    `{"question": "When?"}` is `When?`, and so are `{"args": ["When?"], "kwargs": {}}` and the beginning of such JSON
    where it was cut; all else stays as it is.
    """
    if not text.startswith("{"):
        return text
    value = parse_json(text)
    if value is NOT_JSON:
        # of JSON that was cut within its first text
        found = _CUT.match(text)
        if found is None:
            return text
        try:
            said = json.loads(f'"{_ENDS.sub("", found[1])}"', strict=False)
        except ValueError:
            return text
        return encodable(said)
    return only_text(value) or text


def only_text(value: Any) -> str:
    """The one text among arguments; empty where there are several of them, or none, or it is no text."""
    if not isinstance(value, dict):
        return ""
    if value.keys() <= _CALL:
        said = [each for each in value.values() if each not in (None, [], {})]
        value = said[0] if len(said) == 1 else None
    given = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    said = [each for each in given if each not in (None, "", [], {})]
    return encodable(said[0]) if len(said) == 1 and isinstance(said[0], str) else ""


# Messages in a text

_MAX_STEPS: Final = 1000
ROLE_MEMBER: Final = '"role"'
_ROLE_VALUE: Final = re.compile(r'"role"\s*:\s*"([a-zA-Z]{1,20})"')
_MESSAGE: Final = re.compile(
    r'"type"\s*:\s*"(human|ai|constructor|function_call|tool_use|image|image_url|text|input_text|output_text)"'
)
_BARE: Final = re.compile(r'"(?:prompt|input)"\s*:\s*"|"toolCallId"|"functionCall"|"toolUse"|"generations"')
_TYPED: Final = re.compile(r'\s*\{\s*"type"\s*:\s*"(?:text|raw|json)"\s*,\s*"value"\s*:')
"""A value beside its type, as LangWatch writes all of them and the Vercel AI SDK what tools return."""
_DECODER: Final = json.JSONDecoder()


def message_text(text: str, roles: frozenset[str]) -> str:
    """What a message says that stands alone as JSON, nothing if only a tool returned something; other text as it is."""
    value = parse_json(text)
    if isinstance(value, dict) and isinstance(value.get("message"), dict):
        value = value["message"]
    if isinstance(value, dict) and not is_message(value) and ("content" in value or "tool_calls" in value):
        value = {"role": min(roles), **value}
    if is_message(value):
        found = one(value)
    elif isinstance(value, list) and any(part(item)["type"] != "other" for item in value if item != ""):
        found = message("", *(part(item) for item in value))
    else:
        return text
    only_returned = bool(found["parts"]) and all(each["type"] == "tool_result" for each in found["parts"])
    spoken = "" if only_returned and roles is USER else words(found)
    return encodable(spoken) if spoken or only_returned else text


def said(text: str, roles: frozenset[str]) -> str:
    """What the last message with one of the roles says, else the last one that says anything; nothing where messages
    say nothing at all. The text itself where it is no messages."""
    if _TYPED.match(text):
        # the value of an object that has it beside its type and nothing else
        typed = parse_json(text)
        if isinstance(typed, dict) and typed.keys() == {"type", "value"}:
            held = typed["value"]
            text = encodable(held if isinstance(held, str) else json.dumps(held, ensure_ascii=False))
    if not (ROLE_MEMBER in text or _MESSAGE.search(text) or _BARE.search(text)):
        return text
    found = _from_the_end(text, roles)
    value = NOT_JSON if found else parse_json(text)
    if isinstance(value, dict | list):
        spoken = read(value, min(roles))
        in_order = [
            *(each for each in spoken if each["role"] not in roles),
            *[each for each in spoken if each["role"] in roles],
        ]
        found = next(filter(None, map(words, reversed(in_order))), "")
        if not found and spoken and not any(each["parts"] for each in spoken):
            return ""
    return encodable(found) if found else text


def _from_the_end(text: str, roles: frozenset[str]) -> str:
    """Reads backwards, message by message, those that begin with their role: most do, and long lists stay cheap.

    Within a JSON string a quote is escaped, so what looks like the beginning of a message is one.
    """
    end = len(text)
    for _ in range(_MAX_STEPS):
        end = text.rfind(ROLE_MEMBER, 0, end)
        if end < 0:
            return ""
        named = _ROLE_VALUE.match(text, end)
        brace = len(text[max(0, end - 20) : end].rstrip()) + max(0, end - 20) - 1
        if not (named and named[1].lower() in roles and text[brace] == "{"):
            continue
        try:
            value, _ = _DECODER.raw_decode(text, brace)
        except (ValueError, RecursionError):
            continue
        found = _plain_words(value)
        if not found and is_message(value) and (whole := one(value))["role"] != "tool":
            found = words(whole)
        if found:
            return found
    return ""


def _plain_words(value: Mapping[str, Any]) -> str:
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


# Whole values of one span, for the replay

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
    parts, calls = [], []
    for each in numbered(plain, "contents.", dict):
        own = {key.removeprefix("message_content."): value for key, value in each.items()}
        if url := own.get("image.image.url"):
            parts.append({"type": "image_url", "url": url})
        else:
            shown = {"type": own.get("type", "text"), "text": own.get("text", "")}
            parts.append(shown | ({"thinking": own["thinking"]} if own.get("thinking") else {}))
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
