"""The beginning of inputs and outputs. Of a JSON list of chat messages it is what the user, or the model, said last."""

from __future__ import annotations

import json
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.messages import MODEL, USER, bare, content, message_text, messages, role
from otel_sessions.genai.texts import NOT_JSON, encodable, parse_json, replace_distinct

__all__ = ["MODEL", "USER", "message_texts", "preview", "said"]

_MAX_SCANNED_BYTES: Final = 2 * 2**20
_MAX_STEPS: Final = 1000
_ROLE: Final = '"role"'
_ROLE_VALUE: Final = re.compile(r'"role"\s*:\s*"([a-zA-Z]{1,20})"')
_TYPE_VALUE: Final = re.compile(r'"type"\s*:\s*"(human|ai)"')
_BARE: Final = re.compile(r'"(prompt|input)"\s*:\s*"|"toolCallId"|"function_call"')
_DECODER: Final = json.JSONDecoder()


def preview(texts: pa.StringArray, roles: frozenset[str], chars: int) -> pa.StringArray:
    """The first `chars` characters of each text; of chat messages, those of the last one that has one of the roles."""
    has_brace = pc.or_(pc.starts_with(texts, "["), pc.starts_with(texts, "{"))
    if pc.any(has_brace).as_py():
        short = pc.less_equal(pc.binary_length(texts), _MAX_SCANNED_BYTES)
        among = pc.and_(has_brace, short).to_numpy(zero_copy_only=False)
        texts = replace_distinct(texts, among, lambda text: said(text, roles)[:chars])
    return pc.utf8_slice_codeunits(texts, 0, chars)


def message_texts(texts: pa.StringArray) -> pa.StringArray:
    """What messages say of which each text is one, plain or in JSON; a list of messages stays for `preview`."""
    single = pc.or_(pc.starts_with(texts, "{"), pc.starts_with(texts, "["))
    if not pc.any(single).as_py():
        return texts
    several = pc.and_(pc.starts_with(texts, "["), pc.match_substring(texts, _ROLE))
    return replace_distinct(texts, pc.and_not(single, several).to_numpy(zero_copy_only=False), message_text)


def said(text: str, roles: frozenset[str]) -> str:
    """What the last message with one of the roles says; the text itself where that cannot be told."""
    if _ROLE in text:
        found = _from_the_end(text, roles) or _from_the_whole(text, roles)
    elif _TYPE_VALUE.search(text):
        found = _from_the_whole(text, roles)
    else:
        found = bare(parse_json(text)) if _BARE.search(text) else ""
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
        named = _ROLE_VALUE.match(text, end)
        brace = len(text[max(0, end - 20) : end].rstrip()) + max(0, end - 20) - 1
        if named and named[1].lower() in roles and text[brace] == "{" and (found := _message_at(text, brace)):
            return found
    return ""


def _message_at(text: str, brace: int) -> str:
    try:
        message, _ = _DECODER.raw_decode(text, brace)
    except (ValueError, RecursionError):
        return ""
    return content(message)


def _from_the_whole(text: str, roles: frozenset[str]) -> str:
    value = parse_json(text)
    if value is NOT_JSON:
        return ""
    said_so = [found for message in messages(value) if role(message) in roles and (found := content(message))]
    return said_so[-1] if said_so else ""
