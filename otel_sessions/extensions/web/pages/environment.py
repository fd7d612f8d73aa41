# SPDX-License-Identifier: Apache-2.0
"""The templates and what they can call."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from otel_sessions.extensions.web.pages import format as formats
from otel_sessions.extensions.web.pages import markdown
from otel_sessions.genai.json_text import question
from otel_sessions.genai.messages import as_text

_PARSED_CHARS: Final = 200_000
"""Longer JSON is shown as the text that it is."""
_PACKAGE: Final = "otel_sessions.extensions.web"


@cache
def environment() -> Environment:
    """One environment a process; a name that a page does not give is an error, not an empty place."""
    made = Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        **formats.FILTERS,
        "as_line": as_line,
        "asked": lambda text: question(text or ""),
        "by_unit": by_unit,
        "css_word": css_word,
        "first_text": first_text,
        "is_web": is_web,
        "limited": limited,
        "markdown": markdown.rendered,
        "one_line": one_line,
        "parsed": parsed,
        "plain_text": markdown.plain,
        "score_value": score_value,
        "shown_by": shown_by,
        "text_length": text_length,
    }
    return made


@cache
def static_name(name: str) -> str:
    """The path of a file under `static/` with a mark of its contents, so that it may be kept for ever."""
    digest = hashlib.sha256(static_bytes(name)).hexdigest()[:10]
    return f"static/{name}?v={digest}"


@cache
def static_bytes(name: str) -> bytes:
    """Contents of a file under `static/`; KeyError for a name that is not one of them."""
    if name not in {entry.name for entry in files(_PACKAGE).joinpath("static").iterdir()}:
        raise KeyError(name)
    return files(_PACKAGE).joinpath("static", name).read_bytes()


def one_line(text: str | None, length: int) -> str:
    """The first words of a text, what it hides made visible; empty for nothing."""
    return formats.visible(formats.first_words(text, length)) if text else ""


def as_line(value: Any, length: int) -> str:
    """A JSON value or a text on one line, its beginning."""
    return one_line(as_text(value), length) or '""'


def first_text(message: Mapping[str, Any], length: int) -> str:
    """What a message says first, on one line."""
    texts = (part["text"] for part in message["parts"] if part["type"] == "text")
    return one_line(next(texts, ""), length) or "…"


def parsed(value: Any) -> Any:
    """What a text says if it is a JSON object or array of a bearable size; the value itself otherwise."""
    if not isinstance(value, str) or len(value) > _PARSED_CHARS or value[:1] not in "[{" or not value:
        return value
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return value


def by_unit(value: float, unit: str) -> str | Markup:
    """A figure as its unit has it: `money`, `duration` in nanoseconds, or `compact`."""
    return str({"money": formats.money, "duration": formats.duration}.get(unit, formats.compact)(value))


def css_word(text: str) -> str:
    """A text as a part of the name of a class of CSS."""
    return re.sub(r"[^a-z]", "", text.lower()) or "other"


def is_web(url: str) -> bool:
    """Whether a link to it leads to the web."""
    return url.startswith(("https://", "http://"))


def limited(value: Mapping[str, Any], most: int) -> Iterable[tuple[str, Any]]:
    """The first members of an object, at most so many."""
    return islice(value.items(), most)


def shown_by(share: Mapping[str, Any]) -> str:
    """What a link shows of its session, in words."""
    when = "as it was when it was published" if share["mode"] == "frozen" else "as it is"
    hidden = [part.replace("_", " ") for part in share["hide"]] + [f"what {role} says" for role in share["hide_roles"]]
    return f"{when}, without {', '.join(hidden)}" if hidden else when


def text_length(value: Any) -> int:
    """Characters of a JSON value, or of the text that it is."""
    return len(as_text(value))


def score_value(value: object) -> str:
    """The value of a score on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else one_line(str(value), 40)
