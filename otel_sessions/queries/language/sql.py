"""From tree to one condition over the view `sessions`. Its texts are those of `conditions.sql`; values are bound."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

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
    Value,
    Words,
)
from otel_sessions.queries.language.words import expression

ACTIVE_NS: Final = 30 * 60 * 10**9
"""A session is active for so long after its last span."""
_NUMBER: Final = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_COMMON: Final = frozenset({"project", "active_since"})
_PARAMETER: Final = re.compile(r"\{(\w+):")
_SECTION: Final = re.compile(r"^-- ([\w.]+)\n(.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is true or false of a row of the view `sessions`, and what its parameters are bound to.

    Whoever runs it binds `project` as well.
    """

    sql: str
    parameters: dict[str, Any] = field(default_factory=dict)


def condition(node: Node, *, now_ns: int) -> Condition:
    """What an expression chooses; `now_ns`, in nanoseconds since 1970, decides which sessions are active."""
    translation = _Translation()
    sql = translation.sql(node)
    common = {"active_since": now_ns - ACTIVE_NS} if "{active_since:" in sql else {}
    return Condition(sql, {**common, **translation.parameters})


@cache
def _texts() -> dict[str, str]:
    """The conditions of `conditions.sql` by name."""
    text = files(__package__).joinpath("conditions.sql").read_text("utf-8")
    return dict(_SECTION.findall(text))


class _Translation:
    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self._count = 0

    def sql(self, node: Node) -> str:  # noqa: PLR0911 - one for each kind of node
        match node:
            case And(terms):
                return _joined("AND", [self.sql(term) for term in terms], "1")
            case Or(terms):
                return _joined("OR", [self.sql(term) for term in terms], "0")
            case Not(term):
                return f"(NOT {self.sql(term)})"
            case Words(runs, is_beginning):
                return self._bound("words", pattern=expression(runs, is_beginning=is_beginning))
            case Piece(text):
                return self._bound("piece", piece=text)
            case Overlaps(from_ns, to_ns):
                return self._bound("window", low=from_ns, high=to_ns)
            case Is(of, words):
                return _joined("OR", [self._bound(f"{of.name}.{word}") for word in words], "0")
            case Matches():
                return _joined("OR", list(self._matches(node)), "0")
            case Compares():
                return _joined("OR", [self._compares(node, span) for span in node.spans or ()], "0")

    def _matches(self, node: Matches) -> Iterator[str]:
        kind = "texts" if node.field.type == "texts" and node.field.column else node.field.name.rstrip(".")
        exact = [value.text for value in node.values if len(value.pieces) == 1]
        patterns = [value for value in node.values if len(value.pieces) > 1]
        if exact:
            numbers = [float(number) for number in node.numbers]
            yield self._bound(f"{kind}.exact", node.field.column, key=node.key, values=exact, numbers=numbers)
        if patterns:
            yield self._bound(f"{kind}.pattern", node.field.column, key=node.key, pattern=_pattern(patterns))

    def _compares(self, node: Compares, span: Span) -> str:
        kind = node.field.name.rstrip(".")
        if node.field.type == "any" or node.field.name == "cost":
            low, high = _floats(node.operator, span)
            name = "float" if node.field.column else f"{kind}.float"
            return self._bound(name, node.field.column, key=node.key, number=_NUMBER, low=low, high=high)
        least, most = (-(2**63), 2**63 - 1) if node.field.type == "time" else (0, 2**64 - 1)
        first, last = _integers(node.operator, span, least, most)
        if first > last:
            return self._bound("nothing")
        return self._bound("time" if node.field.type == "time" else "count", node.field.column, low=first, high=last)

    def _bound(self, name: str, column: str = "", /, **values: Any) -> str:
        """The condition of that name, with those of the values that it takes, under names of their own."""
        self._count += 1
        text = _texts()[name].replace("COLUMN", column)
        for parameter in set(_PARAMETER.findall(text)) - _COMMON:
            self.parameters[f"q{self._count}_{parameter}"] = values[parameter]
        own = _PARAMETER.sub(lambda m: m[0] if m[1] in _COMMON else f"{{q{self._count}_{m[1]}:", text)
        return f"({own})"


def _joined(word: str, parts: Sequence[str], of_none: str) -> str:
    return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts) or of_none})"


def _pattern(values: Sequence[Value]) -> str:
    """A regular expression that the whole of one of the values matches."""
    return "(?s)^(?:" + "|".join(".*".join(map(re.escape, value.pieces)) for value in values) + ")$"


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


def _integers(operator: str, span: Span, least: int, most: int) -> tuple[int, int]:
    """From and to, both inclusive and within the type; an empty range where no whole number fits."""
    match operator:
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
    return max(first, least), min(last, most)


def _up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _down(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_FLOOR))
