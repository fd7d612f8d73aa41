# SPDX-License-Identifier: Apache-2.0
"""What holds for all sessions that an expression chooses, and for others too, of the bounds of a session.

The bounds are `sql/list_bounds.sql`: sums that are never too small, sets that lack nothing, the earliest start, the
latest end. What they cannot tell is left out; a negation tells nothing.
"""

from __future__ import annotations

from typing import Final

from otel_sessions.queries.language.sql import Condition, Translation, joined
from otel_sessions.queries.language.tree import And, Compares, Is, Matches, Node, Or, Overlaps, Piece, Words
from otel_sessions.queries.language.words import tokens

LAST_END: Final = "toInt64(bitAnd(max(LastEnd), 9223372036854775807))"
FIRST_START: Final = "toInt64(bitAnd(min(FirstStart), 9223372036854775807))"
BOUNDS: Final = {
    "Cost": "toFloat64(sum(Cost))",
    "TotalTokens": "sum(TotalTokens)",
    "InputTokens": "sum(InputTokens)",
    "OutputTokens": "sum(OutputTokens)",
    "Duration": f"toUInt64(greatest(0, {LAST_END} - {FIRST_START}))",
    "TraceCount": "sum(TraceCount)",
    "SpanCount": "sum(SpanCount)",
    "ErrorCount": "sum(ErrorCount)",
}
"""By column of the view `sessions` what it is at most."""
_SETS: Final = frozenset({"UserIds", "ServiceNames", "Environments", "Models", "Tags"})
_HELD: Final = {"tool": "Tools", "agent": "Agents"}
_BY_ID: Final = frozenset({"id", "label", "score."})
_OF_THE_ID: Final = frozenset({"has.score", "has.comment", "has.label", "is.bookmarked", "is.shared"})
ANYTHING: Final = "1"
"""What bounds that cannot tell are asked."""


def superset(node: Node, *, now_ns: int, with_texts: bool = False, with_times: bool = False) -> Condition:
    """A condition on the bounds; `1` where they cannot tell.

    `with_texts` it looks for words and metadata too, in all turns: much for a word that most sessions have, little for
    one that few have. `with_times` it works out which turns are in a window, where there are no texts to look for.
    """
    translation = _Superset(with_texts=with_texts, with_times=with_times and not _searches_texts(node))
    sql = translation.sql(node)
    return Condition(sql, {"now": now_ns, **translation.parameters})


def _searches_texts(node: Node) -> bool:
    """Whether it looks for words or metadata, which are in few turns where they are rare."""
    match node:
        case And(terms) | Or(terms):
            return any(_searches_texts(term) for term in terms)
        case Matches():
            return node.field.name == "metadata."
        case _:
            return isinstance(node, Words | Piece)


class _Superset(Translation):
    def __init__(self, *, with_texts: bool, with_times: bool) -> None:
        super().__init__()
        self._with_texts = with_texts
        self._with_times = with_times

    def sql(self, node: Node) -> str:  # noqa: PLR0911 - one for each kind of node
        match node:
            case And(terms):
                return joined("AND", [part for term in terms if (part := self.sql(term)) != ANYTHING], ANYTHING)
            case Or(terms):
                parts = [self.sql(term) for term in terms]
                return ANYTHING if ANYTHING in parts else joined("OR", parts, "0")
            case Overlaps(from_ns, to_ns):
                names = ["window.bounds", *(["window.turns"] if self._with_times else [])]
                return joined("AND", [self.bound(name, low=from_ns, high=to_ns) for name in names], ANYTHING)
            case Words() | Piece():
                return self._text(node) if self._with_texts else ANYTHING
            case Is(of, words):
                return self._words([f"{of.name}.{word}" for word in words])
            case Matches():
                name = node.field.name
                if name in _BY_ID:
                    return super().sql(node)
                if name == "metadata.":
                    return self._metadata(node)
                column = _HELD.get(name) or (node.field.column if node.field.column in _SETS else "")
                if not column:
                    return ANYTHING
                return joined("OR", [f"max({part})" for part in self.matches(node, "texts", column)], "0")
            case Compares():
                return self._at_least(node)
            case _:
                return ANYTHING

    def _metadata(self, node: Matches) -> str:
        if any(len(value.pieces) > 1 for value in node.values):
            return ANYTHING
        values = [value.text for value in node.values]
        sieve = f"max{self.bound('metadata.exact.sieve', key=node.key, values=values)}"
        exact = self.bound("metadata.exact.bounds", key=node.key, values=values) if self._with_texts else ANYTHING
        return sieve if exact == ANYTHING else joined("AND", [sieve, exact], ANYTHING)

    def _text(self, node: Words | Piece) -> str:
        found = tokens(node.runs, is_beginning=node.is_beginning) if isinstance(node, Words) else ()
        indexed = [self.bound("words.token", token=token) for token in found]
        return self.text(node, ".bounds").replace("TOKENS", joined("AND", indexed, ANYTHING))

    def _words(self, names: list[str]) -> str:
        parts = []
        for name in names:
            if name in _OF_THE_ID:
                parts.append(self.bound(name))
            elif name in ("has.error", "has.user", "is.active"):
                parts.append(self.bound(f"{name}.bounds"))
            else:
                return ANYTHING
        return joined("OR", parts, "0")

    def _at_least(self, node: Compares) -> str:
        column = node.field.column
        if not node.spans or node.operator not in (">", ">=", ":") or len(node.spans) != 1:
            return ANYTHING
        if column == "EndTime":
            return self.compares(node, node.spans[0], "time.bounds", "")
        return self.compares(node, node.spans[0], "", BOUNDS[column]) if column in BOUNDS else ANYTHING
