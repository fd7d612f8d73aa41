# SPDX-License-Identifier: Apache-2.0
"""A text as clients wrap it: objects in JSON or as Python prints them. And what somebody asked, out of the arguments of
a function, which instrumentation writes down as JSON.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

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
    if value is NOT_JSON and text.startswith("{'") and len(text) <= _MAX_PYTHON_BYTES:
        value = _parse_python(text)
    return value if isinstance(value, dict) else {}


def _parse_python(text: str) -> Any:
    if sum(map(text.count, "([{")) > _MAX_BRACKETS:
        return NOT_JSON
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return NOT_JSON


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
