# SPDX-License-Identifier: Apache-2.0
"""Colours of code: spans of six classes around words, worked out here so that no script does it in the page."""

from __future__ import annotations

import time
from itertools import groupby
from typing import Any, Final

from markupsafe import escape

CLASSES: Final = frozenset({"hl-c", "hl-k", "hl-s", "hl-n", "hl-f", "hl-d", "hl-i"})
"""Comments, keywords, strings, numbers, names that are defined; what a diff deletes and inserts."""
MAX_CHARS: Final = 6_000
"""Longer code stands as it is: colours would weigh more than it does."""
_WITHIN_S: Final = 0.05
_LANGUAGES: Final = frozenset(
    {
        *("bash", "c", "cpp", "csharp", "css", "diff", "go", "html", "java", "javascript", "js", "json", "kotlin"),
        *("php", "py", "python", "ruby", "rust", "sh", "shell", "sql", "swift", "toml", "ts", "typescript", "xml"),
        *("yaml", "yml"),
    }
)
_KINDS: Final = (
    ("Comment", "hl-c"), ("Keyword", "hl-k"), ("Literal.String", "hl-s"), ("Literal.Number", "hl-n"),
    ("Name.Function", "hl-f"), ("Name.Class", "hl-f"), ("Name.Tag", "hl-k"), ("Generic.Deleted", "hl-d"),
    ("Generic.Inserted", "hl-i"),
)  # fmt: skip


def highlighted(code: str, language: str, _: str = "") -> str:
    """The code as HTML; empty where it is better left alone: of no language that is known, too long, or too slow."""
    language = language.lower()
    if language not in _LANGUAGES or len(code) > MAX_CHARS:
        return ""
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415 - most pages have no code

    lexer: Any = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    end = time.thread_time() + _WITHIN_S
    html = []
    for kind, pieces in groupby(lexer.get_tokens(code), key=lambda each: _class_of(each[0])):
        text = escape("".join(piece for _, piece in pieces))
        html.append(f'<span class="{kind}">{text}</span>' if kind else str(text))
        if time.thread_time() > end:
            return ""
    return "".join(html)


def _class_of(kind: tuple[str, ...]) -> str:
    """The class of a kind of token by the beginning of its name, empty for most."""
    name = ".".join(kind) + "."
    return next((found for prefix, found in _KINDS if name.startswith(f"{prefix}.")), "")
