"""What somebody asked, out of the arguments of a function, which instrumentation writes down as JSON."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from otel_sessions.genai.texts import NOT_JSON, encodable, parse_json

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
