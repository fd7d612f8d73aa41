# SPDX-License-Identifier: Apache-2.0
"""The fields of the language: what each is called, what its values are, where it stands in the view `sessions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

Type = Literal["text", "texts", "number", "duration", "time", "any", "word"]
"""`texts` are several, of which one must match; `any` is text that compares as a number where it is one."""

_EQUAL: Final = (":", "=")
_ALL: Final = (*_EQUAL, ">", ">=", "<", "<=")


@dataclass(frozen=True, slots=True)
class Field:
    """`column` is one of the view `sessions`, empty where the field stands elsewhere.

    One whose `name` ends with a dot takes a key behind it; `key` stands for one.
    `words` are all values there are, of a field of type `word`.
    """

    name: str
    type: Type
    description: str
    column: str = ""
    words: tuple[str, ...] = ()
    key: str = "KEY"

    @property
    def operators(self) -> Sequence[str]:
        return _EQUAL if self.type in ("text", "texts", "word") else _ALL

    @property
    def is_keyed(self) -> bool:
        return self.name.endswith(".")

    @property
    def shown_name(self) -> str:
        """The name with what stands for a key: `metadata.KEY`, `attr.KEY`, `score.NAME`."""
        return self.name + self.key if self.is_keyed else self.name


_ALL_FIELDS: Final = (
    Field("id", "text", "The id of the session.", "SessionId"),
    Field("user", "texts", "A user of one of its turns.", "UserIds"),
    Field("service", "texts", "A service that sent a span of it.", "ServiceNames"),
    Field("environment", "texts", "A deployment environment of it.", "Environments"),
    Field("model", "texts", "A model that one of its spans names.", "Models"),
    Field("tag", "texts", "A tag of one of its turns.", "Tags"),
    Field("tool", "texts", "A tool that it called."),
    Field("agent", "texts", "An agent that took part."),
    Field("label", "texts", "A label that an operator gave it."),
    Field("metadata.", "any", "Its metadata, by key: the last value of each."),
    Field("attr.", "any", "An attribute of one of its spans, or of the resource of one, by key."),
    Field("score.", "any", "A score of it, of one of its turns or spans, by name.", key="NAME"),
    Field("cost", "number", "What its model calls cost, in USD.", "Cost"),
    Field("tokens", "number", "Tokens of its model calls.", "TotalTokens"),
    Field("input_tokens", "number", "Input tokens of its model calls.", "InputTokens"),
    Field("output_tokens", "number", "Output tokens of its model calls.", "OutputTokens"),
    Field("duration", "duration", "From its first span's start to its last span's end.", "Duration"),
    Field("turns", "number", "How many turns (traces) it has.", "TraceCount"),
    Field("spans", "number", "How many spans it has.", "SpanCount"),
    Field("errors", "number", "How many of its spans have the status Error.", "ErrorCount"),
    Field("start", "time", "When its first span started.", "StartTime"),
    Field("last_activity", "time", "When its last span ended.", "EndTime"),
    Field("has", "word", "What it has any of.", words=("error", "score", "comment", "label", "user", "metadata")),
    Field("is", "word", "What is true of it.", words=("bookmarked", "shared", "active", "unpriced")),
)
FIELDS: Final[Mapping[str, Field]] = {field.name: field for field in _ALL_FIELDS}
"""All fields by name, in the order in which to show them."""

_OTHERWISE: Final = {"session": "id", "session_id": "id", "environments": "environment", "env": "environment"} | {
    "trace": "turns", "traces": "turns", "end": "last_activity", "error": "has", "starred": "is", "price": "cost",
}  # fmt: skip


def near(word: str, known: Sequence[str]) -> list[str]:
    """Those of the known words that `word` may stand for, the nearest first."""
    lower = word.lower()
    found = get_close_matches(lower, known, n=3, cutoff=0.6)
    meant = _OTHERWISE.get(lower)
    if meant is None or meant not in known:
        return found
    return [meant, *(name for name in found if name != meant)]


def near_fields(name: str) -> list[str]:
    """Fields that `name` may stand for; one that takes a key has that of `name`, or what stands for one."""
    head, dot, key = name.partition(".")
    keyed = [field.name for field in _ALL_FIELDS if field.is_keyed]
    if dot and (found := near(f"{head}.", keyed)):
        return [each + key if key else FIELDS[each].shown_name for each in found]
    name = head if dot else name
    return [FIELDS[each].shown_name for each in near(name, list(FIELDS))]
