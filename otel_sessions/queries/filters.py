# SPDX-License-Identifier: Apache-2.0
"""Which sessions a question is about: an expression, a window of time, and the shorthands of REST as one condition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from otel_sessions.queries.language import FIELDS, Condition, condition
from otel_sessions.queries.language.sql import Found
from otel_sessions.queries.language.superset import Sought, sought, superset
from otel_sessions.queries.language.tree import And, Compares, Is, Matches, Node, Not, Overlaps, Piece, Span, Value

FIRST_NS: Final = -(2**63)
LAST_NS: Final = 2**63 - 1
"""The times that are stored lie between them."""
_TEXT_FIELDS: Final = {
    "user_id": "user",
    "service": "service",
    "environment": "environment",
    "model": "model",
    "tag": "tag",
}


def end_of_window(given: Span, *, is_last: bool) -> int:
    """The nanoseconds since 1970 at which a window begins, or ends, that is given by this time or day."""
    return math.floor(given.last) if is_last else math.ceil(given.first)


@dataclass(frozen=True, slots=True)
class Filter:
    """All that is given must hold. `from_ns` and `to_ns`, nanoseconds since 1970, are inclusive: one of the session's
    turns overlaps them. They may be any; of times beyond those that are stored is kept what they say of these. `q` is a
    literal piece of text; the others are as in docs/language.md.
    """

    query: str = ""
    from_ns: int | None = None
    to_ns: int | None = None
    q: str | None = None
    user_id: str | None = None
    service: str | None = None
    environment: str | None = None
    model: str | None = None
    tag: str | None = None
    has_error: bool | None = None
    bookmarked: bool | None = None
    min_cost: float | None = None
    min_duration_ms: float | None = None

    def __post_init__(self) -> None:
        first, last = self.from_ns, self.to_ns
        if (first is not None and first > LAST_NS) or (last is not None and last < FIRST_NS):
            first, last = LAST_NS, FIRST_NS  # no turn ends as late and begins as early
        object.__setattr__(self, "from_ns", None if first is None or first <= FIRST_NS else first)
        object.__setattr__(self, "to_ns", None if last is None or last >= LAST_NS else last)

    @property
    def is_empty(self) -> bool:
        """Whether it chooses all sessions."""
        return self.node() == And(())

    @property
    def identity(self) -> list[Any]:
        """What tells it from other filters."""
        return [getattr(self, name) for name in self.__slots__]

    def node(self) -> Node:
        """Raises `LanguageError` for a query that is not of the language."""
        nodes: list[Node] = []
        if self.query:
            from otel_sessions.queries.language.parse import parse  # noqa: PLC0415 - who asks for all needs no parser

            query = parse(self.query)
            nodes += [query] if query != And(()) else []
        if self.from_ns is not None or self.to_ns is not None:
            first = FIRST_NS if self.from_ns is None else self.from_ns
            nodes.append(Overlaps(first, LAST_NS if self.to_ns is None else self.to_ns))
        if self.q:
            nodes.append(Piece(self.q))
        for name, field in _TEXT_FIELDS.items():
            value = getattr(self, name)
            if value is not None:
                nodes.append(Matches(FIELDS[field], "", (Value(value),)))
        for is_wanted, field, word in ((self.has_error, "has", "error"), (self.bookmarked, "is", "bookmarked")):
            if is_wanted is not None:
                node = Is(FIELDS[field], (word,))
                nodes.append(node if is_wanted else Not(node))
        for least, field, unit in ((self.min_cost, "cost", 1), (self.min_duration_ms, "duration", 10**6)):
            if least is not None:
                number = Decimal(str(least)) * unit
                nodes.append(Compares(FIELDS[field], "", ">=", (Span(number, number),)))
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def condition(self, now_ns: int, found: Found | None = None) -> Condition:
        """Raises `LanguageError` for a query that is not of the language."""
        return condition(self.node(), now_ns=now_ns, found=found)

    def superset(
        self, now_ns: int, *, with_texts: bool = False, with_times: bool = False, found: Found | None = None
    ) -> Condition:
        """What holds of the bounds of every session that it chooses."""
        return superset(self.node(), now_ns=now_ns, with_texts=with_texts, with_times=with_times, found=found)

    def sought(self) -> Sought | None:
        """Words that every session has which it chooses, and an index of turns can tell; None where there are none."""
        return sought(self.node())
