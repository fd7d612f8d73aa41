"""What an expression says of a session, in plain Python: slow, and obviously docs/language.md."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from otel_sessions.queries.language.tree import And, Compares, Is, Matches, Node, Not, Or, Value, Words
from tests.queries.language.records import ScoreRecord, SessionRecord

HALF_AN_HOUR = 1_800_000_000_000
COMPARISONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def holds(node: Node, session: SessionRecord, now: int) -> bool:
    match node:
        case And(terms):
            return all(holds(term, session, now) for term in terms)
        case Or(terms):
            return any(holds(term, session, now) for term in terms)
        case Not(term):
            return not holds(term, session, now)
        case Words(runs, is_beginning):
            texts = [session.id, *session.users, *(text for turn in session.texts for text in turn)]
            return any(stands_in(text, runs, is_beginning) for text in texts)
        case Is(field, words):
            return any(is_true(session, f"{field.name}:{word}", now) for word in words)
        case Matches(field, key, values) if field.name == "score.":
            return any(score_is(score, values) for score in session.scores if score.name == key)
        case Matches(field, key, values):
            return any(is_value(text, value) for text in texts_of(session, field.name, key) for value in values)
        case Compares(spans=None):
            return False
        case Compares(field, key, op, spans):
            numbers = list(numbers_of(session, field.name, key))
            as_float = field.type == "any" or field.name == "cost"
            return any(compares(each, op, span, as_float) for each in numbers for span in spans or ())


def texts_of(session: SessionRecord, name: str, key: str) -> Iterator[str]:
    match name:
        case "id":
            yield session.id
        case "user" | "service" | "environment" | "model" | "tag" | "label":
            yield from getattr(session, f"{name}s")
        case "tool":
            yield from (span.name for span in session.spans if span.kind == "tool" and span.name)
        case "agent":
            yield from (span.agent for span in session.spans if span.agent)
        case "metadata.":
            yield from (value for k, value in session.metadata.items() if k == key)
        case "attr.":
            for span in session.spans:
                yield from (value for k, value in span.attributes.items() if k == key)
                yield from (value for k, value in span.resource.items() if k == key)


def numbers_of(session: SessionRecord, name: str, key: str) -> Iterator[float]:
    simple = {
        "cost": session.cost,
        "tokens": session.input_tokens + session.output_tokens,
        "input_tokens": session.input_tokens,
        "output_tokens": session.output_tokens,
        "duration": session.end - session.start,
        "turns": session.turns,
        "spans": session.span_count,
        "errors": session.errors,
        "start": session.start,
        "last_activity": session.end,
    }
    if name in simple:
        yield simple[name]
    elif name == "score.":
        yield from (s.value for s in session.scores if s.name == key and s.data_type in ("NUMERIC", "BOOLEAN"))
    else:
        yield from (float(text) for text in texts_of(session, name, key) if NUMBER.fullmatch(text))


def compares(number: float, op: str, span: object, as_float: bool) -> bool:
    first, last = span.first, span.last  # type: ignore[attr-defined]
    convert = float if as_float else Fraction
    low, high, value = convert(first), convert(last), convert(number)
    if op == ":":
        return bool(low <= value <= high)
    return bool(COMPARISONS[op](value, high if op in (">", "<=") else low))


def is_value(text: str, value: Value) -> bool:
    return like(text, value.text) if value.is_bare else text == value.text


def like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(like(text[index:], pattern[1:]) for index in range(len(text) + 1))
    return text[:1] == pattern[0] and like(text[1:], pattern[1:])


def score_is(score: ScoreRecord, values: tuple[Value, ...]) -> bool:
    if score.data_type in ("CATEGORICAL", "TEXT"):
        return any(is_value(score.text, value) for value in values)
    for value in values:
        if value.is_bare and set(value.text) == {"*"}:
            return True
        if score.data_type == "BOOLEAN" and is_value("true" if score.value else "false", value):
            return True
        number = re.fullmatch(r"([+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)([kM]?)", value.text, re.ASCII)
        if number and float(Fraction(number[1]) * {"": 1, "k": 1000, "M": 10**6}[number[2]]) == score.value:
            return True
    return False


def is_true(session: SessionRecord, what: str, now: int) -> bool:
    return {
        "has:error": session.errors > 0,
        "has:score": bool(session.scores),
        "has:comment": session.commented,
        "has:label": bool(session.labels),
        "has:user": bool(session.users),
        "has:metadata": bool(session.metadata),
        "is:bookmarked": session.bookmarked,
        "is:shared": session.shared,
        "is:active": session.end >= now - HALF_AN_HOUR,
        "is:unpriced": session.unpriced > 0,
    }[what]


def stands_in(text: str, runs: tuple[str, ...], is_beginning: bool) -> bool:
    return any(stands_at(folded(text), index, runs, is_beginning) for index in range(len(text)))


def stands_at(text: str, start: int, runs: tuple[str, ...], is_beginning: bool) -> bool:
    if not (is_unspaced(runs[0][0]) or start == 0 or not is_letter(text[start - 1]) or is_unspaced(text[start - 1])):
        return False
    place = start
    for number, run in enumerate(runs):
        if number:
            gap = place
            while place < len(text) and not is_letter(text[place]):
                place += 1
            if place == gap and not (is_unspaced(runs[number - 1][-1]) or is_unspaced(run[0])):
                return False
        if not text.startswith(folded(run), place):
            return False
        place += len(run)
    if is_beginning or is_unspaced(runs[-1][-1]) or place == len(text):
        return True
    return not is_letter(text[place]) or is_unspaced(text[place])


def folded(text: str) -> str:
    """Each letter as Unicode folds it by itself: long s is s, the sign of Kelvin k, sigma at the end of a word sigma;
    dotted and dotless i are letters of their own, and sharp s is not ss.
    """
    return "".join(map(_folded, text))


@cache
def _folded(letter: str) -> str:
    return next((each for each in (letter.casefold(), letter.lower()) if len(each) == 1), letter)


def is_letter(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def is_unspaced(character: str) -> bool:
    name = unicodedata.name(character, "")
    return name.startswith(("CJK UNIFIED", "HIRAGANA", "KATAKANA", "THAI"))
