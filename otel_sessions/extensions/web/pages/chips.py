# SPDX-License-Identifier: Apache-2.0
"""The terms of a query as chips: each with the query that is left without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chip:
    """One term as it was written, and the query without it."""

    text: str
    rest: str

    @property
    def negated(self) -> bool:
        return self.text.startswith("-")


def chips(query: str) -> list[Chip]:
    """The terms that must all hold, one chip each; a query with `OR` at its top is one chip.

    The query is taken to be of the language.
    """
    words = list(_words(query))
    if "OR" in words:
        return [Chip(query.strip(), "")]
    terms = [word for word in words if word != "AND"]
    return [Chip(term, " ".join(terms[:place] + terms[place + 1 :])) for place, term in enumerate(terms)]


def _words(query: str) -> Iterator[str]:
    """The words of a query, cut at white space that stands neither in quotes nor in parentheses."""
    word, depth, quoted, escaped = "", 0, False, False
    for char in query:
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            quoted = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char.isspace() and depth <= 0:
            if word:
                yield word
            word = ""
            continue
        word += char
    if word:
        yield word
