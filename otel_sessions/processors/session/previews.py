"""The beginning of inputs and outputs. Of a JSON list of chat messages it is what the user, or the model, said last."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.processors.session.texts import NOT_JSON, encodable, parse_json, replace_distinct

USER: Final = frozenset({"user", "human"})
MODEL: Final = frozenset({"assistant", "model", "ai"})

_MAX_SCANNED_BYTES: Final = 2 * 2**20
_MAX_STEPS: Final = 1000
_MAX_DEPTH: Final = 5
_ROLE: Final = '"role"'
_ROLE_VALUE: Final = re.compile(r'"role"\s*:\s*"([a-zA-Z]{1,20})"')
_DECODER: Final = json.JSONDecoder()


def preview(texts: pa.StringArray, roles: frozenset[str], chars: int) -> pa.StringArray:
    """The first `chars` characters of each text; of chat messages, those of the last one that has one of the roles."""
    has_brace = pc.or_(pc.starts_with(texts, "["), pc.starts_with(texts, "{"))
    if pc.any(has_brace).as_py():
        short = pc.less_equal(pc.binary_length(texts), _MAX_SCANNED_BYTES)
        among = pc.and_(has_brace, short).to_numpy(zero_copy_only=False)
        texts = replace_distinct(texts, among, lambda text: said(text, roles)[:chars])
    return pc.utf8_slice_codeunits(texts, 0, chars)


def said(text: str, roles: frozenset[str]) -> str:
    """What the last message with one of the roles says; the text itself where that cannot be told."""
    if _ROLE not in text:
        return text
    found = _from_the_end(text, roles) or _from_the_whole(text, roles)
    return encodable(found) if found else text


def _from_the_end(text: str, roles: frozenset[str]) -> str:
    """Reads backwards, message by message, those that begin with their role: most do, and long lists stay cheap.

    Within a JSON string a quote is escaped, so what looks like the beginning of a message is one.
    """
    end = len(text)
    for _ in range(_MAX_STEPS):
        end = text.rfind(_ROLE, 0, end)
        if end < 0:
            return ""
        role = _ROLE_VALUE.match(text, end)
        brace = len(text[max(0, end - 20) : end].rstrip()) + max(0, end - 20) - 1
        if role and role[1].lower() in roles and text[brace] == "{":
            return _message_at(text, brace)
    return ""


def _message_at(text: str, brace: int) -> str:
    try:
        message, _ = _DECODER.raw_decode(text, brace)
    except (ValueError, RecursionError):
        return ""
    return _content(message)


def _from_the_whole(text: str, roles: frozenset[str]) -> str:
    value = parse_json(text)
    if value is NOT_JSON:
        return ""
    messages = [m for m in _messages(value, _MAX_DEPTH) if str(m.get("role")).lower() in roles]
    return _content(messages[-1]) if messages else ""


def _messages(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """The messages in a list, under `messages`, or as OpenAI's `choices` have them."""
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            yield from _messages(item, depth - 1)
    elif isinstance(value, dict):
        if "role" in value:
            yield value
        for name in ("messages", "choices", "message"):
            yield from _messages(value.get(name), depth - 1)


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message: plain, or the text among its parts."""
    content = message.get("content") or message.get("parts")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(filter(None, map(_part, content)))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type", "text") not in ("text", "input_text", "output_text"):
        return ""
    text = part.get("text") or part.get("content")
    return text if isinstance(text, str) else ""
