# SPDX-License-Identifier: Apache-2.0
"""Words of a text: runs of letters and digits, of any script.

In scripts that are written without spaces (Han, kana, Thai) a word may stand anywhere in a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Final

UNSPACED: Final = (
    (0x2E80, 0x2FDF), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFD),  # Han
    (0x3041, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF),
    (0xFF66, 0xFF9F), (0x1B000, 0x1B16F),  # kana
    (0x0E01, 0x0E3A), (0x0E40, 0x0E5B),  # Thai
)  # fmt: skip
"""Code points of the scripts without spaces, from and to, inclusive."""
_WITH_MARKS: Final = (
    *(range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xD7A4, 0xD800), range(0xF900, 0x17000)),
    *(range(0x18D80, 0x1FFFF), range(0xE0100, 0xE01F0)),
)
"""Where combining marks are, or may be: not among Han, Hangul, Tangut, surrogates and what is for private use."""
_LETTERS: Final = r"\p{L}\p{M}\p{N}"
_SPACELESS: Final = "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in UNSPACED)
_ASCII_RUN: Final = re.compile("[0-9A-Za-z]+")
_RARE_FORMS: Final = {"s": "\u017f", "k": "\u212a"}
"""Third forms of letters of ASCII, long s and the sign of Kelvin. Those are in most words, these in hardly any."""
_FOLDED: Final = str.maketrans({form: letter for letter, form in _RARE_FORMS.items()})
_MANY_FORMS: Final = frozenset(
    "ΣσςΜμ\u00b5ΒβϐΕεϵΘθϑϴΚκϰΠπϖΡρϱΦφϕΙι\u0345ВвДдОоСсТтЪъѢѣ\u017f\u212aÅå\u212bΩω\u2126"  # noqa: RUF001 - Greek and Cyrillic
    "\u01c4\u01c5\u01c6\u01c7\u01c8\u01c9\u01ca\u01cb\u01cc\u01f1\u01f2\u01f3"
)
"""Letters of more than two forms, as sigma at the end of a word or the digraph of d and z: some are their own to
ClickHouse's `positionCaseInsensitiveUTF8`, while `match` and Unicode's folding know all. The s and k of ASCII are not
among them, see `rare_forms`.
"""
_NEWER: Final = "\u0530"
"""From here on are scripts whose cases that function does not know: Armenian, Georgian, Cherokee, what is rare."""
_APART: Final = rf"[^{_LETTERS}]"


@cache
def marks() -> str:
    """The combining marks, as ranges inside the brackets of a regular expression of Python's."""
    found = ""
    for points in _WITH_MARKS:
        # two letters a point, of which the first alone is a capital
        categories = "".join(map(unicodedata.category, map(chr, points)))
        for run in re.finditer("(?:M[a-z])+", categories):
            found += f"{chr(points[run.start() // 2])}-{chr(points[run.end() // 2 - 1])}"
    return found


def runs(text: str) -> tuple[str, ...]:
    """The words of a text, in order."""
    return tuple(_run().findall(text))


@cache
def _run() -> re.Pattern[str]:
    return re.compile(rf"(?:[^\W_]|[{marks()}])+")


def is_unspaced(character: str) -> bool:
    point = ord(character)
    return any(first <= point <= last for first, last in UNSPACED)


def tokens(words: Sequence[str], *, is_beginning: bool) -> tuple[str, ...]:
    """Runs of letters and digits of ASCII, in lower case, which every text has that has these words following each
    other, once all other characters are spaces in it: what the index of words can tell.
    """
    found = [run.lower() for word in words for run in _ASCII_RUN.findall(word.translate(_FOLDED))]
    return tuple(dict.fromkeys(found[:-1] if is_beginning and _ASCII_RUN.fullmatch(words[-1][-1]) else found))


def of_one_form(text: str) -> str:
    """The longest part that ClickHouse's `positionCaseInsensitiveUTF8` finds in whatever has this text, letter case
    ignored, or what has `rare_forms` of it; may be empty, which is found everywhere.
    """
    parts = "".join(each if _has_one_form(each) else "\0" for each in text).split("\0")
    return max(parts, key=len)


def rare_forms(text: str) -> str:
    """The other forms of letters of this text that `of_one_form` passes over."""
    return "".join(form for letter, form in _RARE_FORMS.items() if letter in text.lower())


def _has_one_form(character: str) -> bool:
    """Whether it is without case, or of two forms that ClickHouse knows."""
    lower, upper = character.lower(), character.upper()
    if lower == upper:
        return unicodedata.category(character) != "Cn"
    return character not in _MANY_FORMS and len(lower) == len(upper) == 1 and max(lower, upper) < _NEWER


def expression(words: Sequence[str], *, is_beginning: bool) -> str:
    """What ClickHouse's `match` finds such words by, that follow each other, letter case ignored."""
    found = _edge(words[0][0], "^") + re.escape(words[0])
    for before, after in pairwise(words):
        needed = "*" if is_unspaced(before[-1]) or is_unspaced(after[0]) else "+"
        found += f"{_APART}{needed}{re.escape(after)}"
    return f"(?i){found}" if is_beginning else f"(?i){found}{_edge(words[-1][-1], '$')}"


def _edge(character: str, end: str) -> str:
    """Where a word may begin or end: anywhere in a script without spaces, else where no other letter touches."""
    return "" if is_unspaced(character) else f"(?:{end}|{_APART}|[{_SPACELESS}])"
