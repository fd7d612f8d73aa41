# SPDX-License-Identifier: Apache-2.0
"""What holds for all sessions that an expression chooses, and for others too, of the bounds of a session.

The bounds are `sql/list_bounds.sql`: sums that are never too small, sets that lack nothing, the earliest start, the
latest end. What they cannot tell is left out; a negation tells nothing but of metadata. The last value of each key they
have as it is, but for sessions that a correction is of, and where it is said to be unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from otel_sessions.queries.language.fields import Field
from otel_sessions.queries.language.sql import Condition, Found, Translation, joined, looked_for
from otel_sessions.queries.language.tree import And, Compares, Is, Matches, Node, Not, Or, Overlaps, Piece, Words
from otel_sessions.queries.language.words import tokens

LAST_END: Final = "toInt64(max(bitAnd(LastEnd, 9223372036854775807)))"
FIRST_START: Final = "toInt64(min(bitAnd(FirstStart, 9223372036854775807)))"
"""Of all times, whether they make sense or not: the row that has one that does may not be in force."""
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
_MINUTE_NS: Final = 60 * 10**9
_HOUR_NS: Final = 60 * _MINUTE_NS
_PLACES: Final = re.compile(r"\b(?:NAMES|LETTERS|TOKENS)\b")
ANYTHING: Final = "1"
"""What bounds that cannot tell are asked."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Words that every session has which an expression chooses, and an index of turns can tell."""

    words: Words
    indexed: Condition
    """What holds of a turn that may have them, by the index alone."""
    places: Condition
    """A statement of where they may be: session and trace, which is empty where it is the session's id or a user."""


def superset(
    node: Node, *, now_ns: int, with_texts: bool = False, with_times: bool = False, found: Found | None = None
) -> Condition:
    """A condition on the bounds; `1` where they cannot tell.

    `with_texts` it looks for words and metadata too, in all turns: much for a word that most sessions have, little for
    one that few have. `with_times` it works out which turns are in a window, where there are no texts to look for.
    Words that were found already are not looked for again: it is asked of the sessions alone that may have them.
    """
    with_times = with_times and not _searches_texts(node)
    translation = _Superset(with_texts=with_texts, with_times=with_times, found=found)
    sql = translation.sql(node)
    return Condition(sql, {"now": now_ns, **translation.parameters})


def sought(node: Node) -> Sought | None:
    """The first words of a conjunction that an index of turns can tell; None where there are none."""
    for term in node.terms if isinstance(node, And) else (node,):
        if isinstance(term, Words) and (found := tokens(term.runs, is_beginning=term.is_beginning)):
            index, places = Translation(), _Superset()
            parts = [index.bound("words.token", token=token) for token in found]
            named = places.bound("words.named", **looked_for(term))
            sql = f"({places.turns(term, 'SessionId, TraceId')} UNION ALL {named})"
            indexed = Condition(joined("AND", parts, ANYTHING), index.parameters)
            return Sought(term, indexed, Condition(sql, places.parameters))
    return None


def _searches_texts(node: Node) -> bool:
    """Whether it looks for words or metadata, which are in few turns where they are rare."""
    match node:
        case And(terms) | Or(terms):
            return any(_searches_texts(term) for term in terms)
        case Matches():
            return node.field.name == "metadata."
        case _:
            return isinstance(node, Words | Piece)


_Unknown = frozenset[tuple[str, str]]
"""Conditions by name and key."""


def _unknown(node: Node) -> _Unknown | None:
    """When it is unknown whether an expression on metadata alone holds of last values; None of any other."""
    match node:
        case Not(term):
            return _unknown(term)
        case And(terms) | Or(terms):
            found = [_unknown(term) for term in terms]
            return None if None in found else frozenset[tuple[str, str]]().union(*(some or () for some in found))
        case Matches() | Compares() if node.field.name == "metadata.":
            return frozenset({("metadata.unknown", node.key)})
        case Is(of, words) if of.name == "has" and {*words} == {"metadata"}:
            return frozenset({("has.metadata.unknown", "")})
        case _:
            return None


def _minute(time_ns: int) -> int:
    """Since 1970, and of times before that the first."""
    return max(0, time_ns) // _MINUTE_NS


class _Superset(Translation):
    metadata = {  # noqa: RUF012
        "HAS_KEY": "max(Metadata[{key:String}]) != ''",
        "VALUE_OF_KEY": "substring(max(Metadata[{key:String}]), 9)",
        "HAS_METADATA": "max(notEmpty(Metadata))",
    }

    def __init__(self, *, with_texts: bool = False, with_times: bool = False, found: Found | None = None) -> None:
        super().__init__(found)
        self._with_texts = with_texts
        self._with_times = with_times

    def sql(self, node: Node) -> str:  # noqa: PLR0911 - one for each kind of node
        if not isinstance(node, And | Or) and (unknown := _unknown(node)):
            # Of most sessions a negation holds, and who looks at those active last has a page sooner.
            is_costly = isinstance(node, Not) and not self._with_texts
            return ANYTHING if is_costly else self._of_last_values(node, unknown)
        match node:
            case And(terms):
                return joined("AND", [part for term in terms if (part := self.sql(term)) != ANYTHING], ANYTHING)
            case Or(terms):
                parts = [self.sql(term) for term in terms]
                return ANYTHING if ANYTHING in parts else joined("OR", parts, "0")
            case Overlaps():
                return self._overlaps(node)
            case Words() | Piece():
                is_found = self._found is not None and node == self._found.words
                return self._text(node) if self._with_texts and not is_found else ANYTHING
            case Is(of, words):
                parts = [self._word(of, word) for word in words]
                return ANYTHING if ANYTHING in parts else joined("OR", parts, "0")
            case Matches():
                name = node.field.name
                if name in _BY_ID:
                    return super().sql(node)
                column = _HELD.get(name) or (node.field.column if node.field.column in _SETS else "")
                if not column:
                    return ANYTHING
                return joined("OR", [f"max({part})" for part in self.matches(node, "texts", column)], "0")
            case Compares():
                return self._at_least(node)
            case _:
                return ANYTHING

    def _overlaps(self, node: Overlaps) -> str:
        low, high = node.from_ns, node.to_ns
        first, last = _minute(low), _minute(high)
        bounds = self.bound("window.bounds", low=low, high=high, first=first, last=last)
        if high - low < _HOUR_NS:
            # A turn may pause for all of it and nobody tell: it starts before and goes on after, within an hour.
            before, after = _minute(high - _HOUR_NS), _minute(low + _HOUR_NS)
            pauses = self.bound("window.pauses", before=before, first=first, last=last, after=after)
            bounds = joined("OR", [bounds, pauses], "0")
        return f"({bounds} AND {self.bound('window.turns', low=low, high=high)})" if self._with_times else bounds

    def _of_last_values(self, node: Node, unknown: _Unknown) -> str:
        """Where they do not decide, what any value of a key says."""
        named = [self.bound(name, key=key) for name, key in sorted(unknown)]
        may_be = [joined("OR", [self.bound("metadata.corrected"), *named], "0")]
        if isinstance(node, Matches) and all(len(value.pieces) == 1 for value in node.values):
            values = [value.text for value in node.values]
            may_be.append(f"max{self.bound('metadata.exact.sieve', key=node.key, values=values)}")
            if self._with_texts:
                may_be.append(self.bound("metadata.exact.bounds", key=node.key, values=values))
        return joined("OR", [self._exactly(node), joined("AND", may_be, ANYTHING)], "0")

    def _exactly(self, node: Node) -> str:
        match node:
            case And(terms) | Or(terms):
                and_ = isinstance(node, And)
                return joined("AND" if and_ else "OR", [self._exactly(term) for term in terms], str(int(and_)))
            case Not(term):
                return f"(NOT {self._exactly(term)})"
            case _:
                return super().sql(node)

    def turns(self, words: Words | Piece, columns: str) -> str:
        """A statement of the turns that may have a text, in columns of `_session_turns`."""
        values = looked_for(words)
        # Letters of ASCII are found whatever bytes stand before the text.
        letters = self.bound(f"words.letters.{'ascii' if values['sought'].isascii() else 'any'}", **values)
        found = tokens(words.runs, is_beginning=words.is_beginning) if isinstance(words, Words) else ()
        indexed = joined("AND", [self.bound("words.token", token=token) for token in found], ANYTHING)
        texts = {"NAMES": columns, "LETTERS": letters, "TOKENS": indexed}
        return _PLACES.sub(lambda place: texts[place[0]], self.bound("words.turns", **values))

    def _text(self, node: Words | Piece) -> str:
        sql = self.text(node, ".bounds")
        return sql.replace("TURNS", self.turns(node, "SessionId")) if "TURNS" in sql else sql

    def _word(self, of: Field, word: str) -> str:
        name = f"{of.name}.{word}"
        if name in _OF_THE_ID:
            return self.bound(name)
        if name == "has.metadata":
            return self.sql(Is(of, (word,)))
        return self.bound(f"{name}.bounds") if name in ("has.error", "has.user", "is.active") else ANYTHING

    def _at_least(self, node: Compares) -> str:
        column = node.field.column
        if not node.spans or node.operator not in (">", ">=", ":") or len(node.spans) != 1:
            return ANYTHING
        if column == "EndTime":
            return self.compares(node, node.spans[0], "time.bounds", "")
        return self.compares(node, node.spans[0], "", BOUNDS[column]) if column in BOUNDS else ANYTHING
