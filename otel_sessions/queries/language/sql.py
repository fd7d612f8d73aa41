# SPDX-License-Identifier: Apache-2.0
"""From tree to one condition over the view `sessions`. Its texts are those of `conditions.sql`; values are bound."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from typing import Any, ClassVar, Final

from otel_sessions.clickhouse.sql import statement
from otel_sessions.queries.language.tree import (
    And,
    Compares,
    Is,
    Matches,
    Node,
    Not,
    Or,
    Overlaps,
    Piece,
    Span,
    Words,
)
from otel_sessions.queries.language.words import expression, of_one_form, rare_forms

_NUMBER: Final = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_COMMON: Final = frozenset({"project", "now"})
_PARAMETER: Final = re.compile(r"\{(\w+):")
_SECTION: Final = re.compile(r"^-- ([\w.]+)\n(.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is true or false of a row of the view `sessions`, and what its parameters are bound to.

    Whoever runs it binds `project` as well. Where its words were found before, a session of very many turns costs
    little more than others.
    """

    sql: str
    parameters: dict[str, Any] = field(default_factory=dict)
    is_found: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The sessions and the traces of turns that may have some words: what has them is among these."""

    words: Words
    session_ids: list[str]
    trace_ids: list[str]


def condition(node: Node, *, now_ns: int, found: Found | None = None) -> Condition:
    """What an expression chooses; `now_ns`, in nanoseconds since 1970, decides which sessions are active.

    Where it is known in which turns words were found, no other turn is asked for them.
    """
    translation = Translation(found)
    sql = translation.sql(node)
    common = {"now": now_ns} if "{now:" in sql else {}
    return Condition(sql, {**common, **translation.parameters}, found is not None)


@cache
def _texts() -> dict[str, str]:
    """The conditions of `conditions.sql` by name."""
    return dict(_SECTION.findall(statement(__package__, "conditions")))


class Translation:
    """Makes SQL of nodes, and gathers what its parameters are bound to."""

    metadata: ClassVar[Mapping[str, str]] = {
        "HAS_KEY": "mapContains(Metadata, {key:String})",
        "VALUE_OF_KEY": "Metadata[{key:String}]",
        "HAS_METADATA": "notEmpty(Metadata)",
    }

    def __init__(self, found: Found | None = None) -> None:
        self.parameters: dict[str, Any] = {}
        self._found = found
        self._count = 0

    def sql(self, node: Node) -> str:  # noqa: PLR0911 - one for each kind of node
        match node:
            case And(terms):
                return joined("AND", [self.sql(term) for term in terms], "1")
            case Or(terms):
                return joined("OR", [self.sql(term) for term in terms], "0")
            case Not(term):
                return f"(NOT {self.sql(term)})"
            case Words() | Piece():
                return self.text(node)
            case Overlaps(from_ns, to_ns):
                return self.bound("window", low=from_ns, high=to_ns)
            case Is(of, words):
                return joined("OR", [self.bound(f"{of.name}.{word}") for word in words], "0")
            case Matches():
                texts = node.field.type == "texts" and node.field.column
                kind = "texts" if texts else node.field.name.rstrip(".")
                return joined("OR", list(self.matches(node, kind, node.field.column)), "0")
            case Compares():
                return joined("OR", [self.compares(node, span) for span in node.spans or ()], "0")

    def text(self, node: Words | Piece, of: str = "") -> str:
        if isinstance(node, Piece) and of_one_form(node.text) == node.text and not rare_forms(node.text):
            return self.bound(f"piece{of}", piece=node.text)
        if self._found and node == self._found.words:
            found = {"session_ids": self._found.session_ids, "trace_ids": self._found.trace_ids}
            return self.bound(f"words{of}.found", **looked_for(node), **found)
        return self.bound(f"words{of}", **looked_for(node))

    def matches(self, node: Matches, kind: str, column: str) -> Iterator[str]:
        exact = [value.text for value in node.values if len(value.pieces) == 1]
        patterns = [value for value in node.values if len(value.pieces) > 1]
        if exact:
            numbers = [float(number) for number in node.numbers]
            yield self.bound(f"{kind}.exact", column, key=node.key, values=exact, numbers=numbers)
        if patterns:
            yield self.bound(
                f"{kind}.pattern",
                column,
                key=node.key,
                pattern="(?s)^(?:" + "|".join(".*".join(map(re.escape, value.pieces)) for value in patterns) + ")$",
            )

    def compares(self, node: Compares, span: Span, name: str = "", column: str = "") -> str:
        """With a name it is that condition, with a column of that column; at most, where it is of a bound."""
        at_most = bool(name or column)
        column = column or node.field.column
        if node.field.type == "any" or node.field.name == "cost":
            low, high = _floats(node.operator, span)
            name = "float" if node.field.column else f"{node.field.name.rstrip('.')}.float"
            high = math.inf if at_most else high
            return self.bound(name, column, key=node.key, number=_NUMBER, low=low, high=high)
        least, most = (-(2**63), 2**63 - 1) if node.field.type == "time" else (0, 2**64 - 1)
        # from and to, both inclusive and within the type; an empty range where no whole number fits
        match node.operator:
            case ":":
                first, last = _up(span.first), _down(span.last)
            case ">":
                first, last = _down(span.last) + 1, most
            case ">=":
                first, last = _up(span.first), most
            case "<":
                first, last = least, _up(span.first) - 1
            case _:
                first, last = least, _down(span.last)
        first, last = max(first, least), min(last, most)
        if first > last:
            return self.bound("nothing")
        name = name or ("time" if node.field.type == "time" else "count")
        return self.bound(name, column, low=first, high=most if at_most else last)

    def bound(self, name: str, column: str = "", /, **values: Any) -> str:
        """The condition of that name, with those of the values that it takes, under names of their own."""
        self._count += 1
        text = _texts()[name].replace("COLUMN", column)
        for word, meant in self.metadata.items():
            text = text.replace(word, meant)
        for parameter in set(_PARAMETER.findall(text)) - _COMMON:
            self.parameters[f"q{self._count}_{parameter}"] = values[parameter]
        own = _PARAMETER.sub(lambda m: m[0] if m[1] in _COMMON else f"{{q{self._count}_{m[1]}:", text)
        return f"({own})"


def looked_for(text: Words | Piece) -> dict[str, str]:
    """What the conditions of words are bound to."""
    if isinstance(text, Piece):
        longest = text.text
        pattern = f"(?i){re.escape(longest)}"
    else:
        longest = max(text.runs, key=len)  # found fast, and only then is the expression tried
        pattern = expression(text.runs, is_beginning=text.is_beginning)
    sought = of_one_form(longest)
    other = f"[{rare}]" if (rare := rare_forms(sought)) else ""
    return {"sought": sought, "other": other, "pattern": pattern, "anywhere": f"(?i){re.escape(longest)}"}


def joined(word: str, parts: Sequence[str], of_none: str) -> str:
    """The parts with AND or OR between them."""
    return f"({f' {word} '.join(parts)})" if len(parts) > 1 else parts[0] if parts else of_none


def _floats(operator: str, span: Span) -> tuple[float, float]:
    """From and to, both inclusive."""
    first, last = float(span.first), float(span.last)
    match operator:
        case ":":
            return first, last
        case ">":
            return math.nextafter(last, math.inf), math.inf
        case ">=":
            return first, math.inf
        case "<":
            return -math.inf, math.nextafter(first, -math.inf)
        case _:
            return -math.inf, last


def _up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _down(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_FLOOR))
