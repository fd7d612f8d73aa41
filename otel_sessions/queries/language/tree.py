# SPDX-License-Identifier: Apache-2.0
"""What an expression says, as a typed tree. Positions are gone: what stands here is of the language."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from otel_sessions.queries.language.fields import Field

Operator = Literal[":", ">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class And:
    """All hold; of none, always true."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of them holds."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: Node


@dataclass(frozen=True, slots=True)
class Words:
    """Text in the session: `runs` of letters and digits that follow each other, the last of them its beginning only
    where `is_beginning`.
    """

    runs: tuple[str, ...]
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal piece of text, letter case ignored, in the places where `Words` are looked for; `q=` of REST."""

    text: str


@dataclass(frozen=True, slots=True)
class Overlaps:
    """One of the session's turns overlaps this window of nanoseconds since 1970, both ends inclusive."""

    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class Value:
    """A text as it was written; a star of a `bare` one stands for any text."""

    text: str
    is_bare: bool = False

    @property
    def pieces(self) -> tuple[str, ...]:
        """What stands between its stars; one piece is the text itself."""
        return tuple(self.text.split("*")) if self.is_bare else (self.text,)


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` to `last`, both inclusive: one number twice, or a day in nanoseconds since 1970."""

    first: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True)
class Matches:
    """One of the values is that of the field (and its key); `numbers` are those of the values that are numbers."""

    field: Field
    key: str
    values: tuple[Value, ...]
    numbers: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class Compares:
    """The field (and its key) compares with one of the spans; None where the right side is no number: never true."""

    field: Field
    key: str
    operator: Operator
    spans: tuple[Span, ...] | None


@dataclass(frozen=True, slots=True)
class Is:
    """One of the words of a field like `has` is true of the session."""

    field: Field
    words: tuple[str, ...]


Node: TypeAlias = And | Or | Not | Words | Piece | Overlaps | Matches | Compares | Is
