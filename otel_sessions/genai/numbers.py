"""Numbers as clients write them: plain text, or members of a JSON object, alone or added.

`MEMBER` is one of them, `OUTER.INNER` one of an object within, `*` the sum of all, and `*PART*` the sum of those with
PART in their name: where the object's own `total` is enough for all its members, so that none can be a part of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.texts import parse_json
from otel_sessions.pdata import COST
from otel_sessions.pdata.attributes import Entries, Indices, Mask

MAX_NUMBER: Final = Decimal(10) ** 15
"""A larger number of tokens or dollars in one span is a mistake, and counts as none."""
ALL_MEMBERS: Final = "*"
TOTAL: Final = "total"

_TEXT: Final = re.compile(r"\s*\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*", re.ASCII)
_MAX_TEXT: Final = 100
_SMALLEST: Final = Decimal(1).scaleb(-COST.scale)
_CONTEXT: Final = Context(prec=_MAX_TEXT + 20)  # rounds half even
# What Arrow reads as a decimal exactly: at most 38 digits after the point once the exponent is applied.
_WIDE: Final = pa.decimal256(76, 38)
_SIMPLE_COST: Final = r"^\d{1,14}(\.\d{1,22})?([eE]-(0?\d|1[0-6]))?$"
_SIMPLE_DIGITS: Final = 15


def number(value: object) -> Decimal | None:
    """The number that a text or a JSON value says; None for what is no number, negative, endless or over the bound."""
    if isinstance(value, str):
        matches = len(value) <= _MAX_TEXT and _TEXT.fullmatch(value)
        value = Decimal(value.strip()) if matches else None
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    return value if 0 <= value <= MAX_NUMBER else None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number stands: under a key as text, or as a member of the JSON object there (`KEY#MEMBER`)."""

    key: str
    member: str = ""

    @classmethod
    def parse(cls, text: str) -> Source:
        key, _, member = text.partition("#")
        return cls(key, member)


@dataclass(slots=True)
class Numbers:
    """Reads numbers for some rows of a batch; every JSON object is parsed once, whatever is asked of it."""

    entries: Entries
    rows: Mask
    """Other rows have no numbers."""
    _objects: dict[str, tuple[list[dict[str, Any]], Indices]] = field(default_factory=dict)

    def counts(self, sources: Sequence[Source]) -> Indices:
        """The whole number of each row under the first source that holds a number; 0 without one, or fractions cut."""
        counts = np.zeros(self.entries.length, np.int64)
        for source in reversed([source for source in sources if self.entries.has(source.key)]):
            rows, texts = self._rows_and_texts(source.key)
            if len(rows):
                found = self._members(source, texts) if source.member else _plain(texts, _simple_counts(texts))
                values, known = found.counts()
                counts[rows[known]] = values[known]
        return counts

    def costs(self, sources: Sequence[Source]) -> tuple[pa.Array | None, Mask]:
        """The same as US dollars, rounded half even to the digits that a cost has, and which rows state any.

        None instead of costs where no row does.
        """
        places = np.zeros(self.entries.length, np.int64)
        pool = [pa.array([Decimal(0)], COST)]
        for source in reversed([source for source in sources if self.entries.has(source.key)]):
            rows, texts = self._rows_and_texts(source.key)
            if len(rows):
                found = self._members(source, texts) if source.member else _plain(texts, _simple_costs(texts))
                values = found.costs()
                known = values.is_valid().to_numpy(zero_copy_only=False)
                places[rows[known]] = np.flatnonzero(known) + sum(map(len, pool))
                pool.append(values)
        stated = places > 0
        return (pa.concat_arrays(pool).take(pa.array(places)) if stated.any() else None), stated

    def _rows_and_texts(self, key: str) -> tuple[Indices, pa.StringArray]:
        part = self.entries.of(key)
        rows = self.entries.rows[part]
        kept = self.rows[rows]
        return rows[kept], self.entries.values.take(pa.array(self.entries.places[part][kept]))

    def _members(self, source: Source, texts: pa.StringArray) -> _Found:
        if source.key not in self._objects:
            distinct = texts.dictionary_encode()
            objects = [_object(text) for text in distinct.dictionary.to_pylist()]
            self._objects[source.key] = objects, distinct.indices.to_numpy()
        objects, places = self._objects[source.key]
        read = _reader(source.member)
        return _Found(texts, np.zeros(len(texts), np.bool_), [read(members) for members in objects], places)


@dataclass(frozen=True, slots=True)
class _Found:
    """Numbers of some texts: those that Arrow reads itself (`simple`), and for the others a place among `values`."""

    texts: pa.StringArray
    simple: Mask
    values: list[Decimal | None]
    places: Indices
    """Of each text that is not simple."""

    def counts(self) -> tuple[Indices, Mask]:
        """The numbers, fractions cut, and which texts are one."""
        if self.simple.all():
            return self.texts.cast(pa.int64()).to_numpy(), self.simple
        numbers = np.zeros(len(self.texts), np.int64)
        known = self.simple.copy()
        numbers[self.simple] = self._simple_texts().cast(pa.int64()).to_numpy()
        if self.values:
            numbers[~self.simple] = np.array([int(value or 0) for value in self.values], np.int64)[self.places]
            known[~self.simple] = np.array([value is not None for value in self.values], np.bool_)[self.places]
        return numbers, known

    def costs(self) -> pa.Array:
        """Null where a text is no number."""
        simple = pc.round(self._simple_texts().cast(_WIDE), COST.scale, round_mode="half_to_even").cast(COST)
        rounded = [None if value is None else value.quantize(_SMALLEST, context=_CONTEXT) for value in self.values]
        others = pa.array(rounded, COST).take(pa.array(self.places))
        order = np.empty(len(self.texts), np.int64)
        order[self.simple] = np.arange(len(simple))
        order[~self.simple] = np.arange(len(others)) + len(simple)
        return pa.concat_arrays([simple, others]).take(pa.array(order))

    def _simple_texts(self) -> pa.StringArray:
        return self.texts if self.simple.all() else self.texts.filter(pa.array(self.simple))


def _plain(texts: pa.StringArray, simple: Mask) -> _Found:
    if simple.all():
        return _Found(texts, simple, [], np.zeros(0, np.int64))
    others = texts.filter(pa.array(~simple)).dictionary_encode()
    values = [number(text) for text in others.dictionary.to_pylist()]
    return _Found(texts, simple, values, others.indices.to_numpy())


def _simple_counts(texts: pa.StringArray) -> Mask:
    digits: Mask = pc.ascii_is_decimal(texts).to_numpy(zero_copy_only=False)
    short: Mask = pc.binary_length(texts).to_numpy() <= _SIMPLE_DIGITS
    return np.logical_and(digits, short)


def _simple_costs(texts: pa.StringArray) -> Mask:
    simple: Mask = pc.match_substring_regex(texts, _SIMPLE_COST).to_numpy(zero_copy_only=False)
    return simple


def _object(text: str) -> dict[str, Any]:
    """The members of a JSON object, numbers as decimals; none for anything else."""
    value = parse_json(text, parse_float=Decimal, parse_int=Decimal)
    return value if isinstance(value, dict) else {}


def _reader(member: str) -> Callable[[Mapping[str, Any]], Decimal | None]:
    """How the number, or sum, is read from an object."""
    if member == ALL_MEMBERS:
        return lambda members: _sum(_numbers(members).values())
    if member.startswith("*") and member.endswith("*"):
        return lambda members: _sum_of_parts(_numbers(members), member.strip("*"))
    return lambda members: number(_value_at(members, member))


def _value_at(members: Mapping[str, Any], path: str) -> Any:
    if path in members:
        return members[path]
    outer, _, inner = path.partition(".")
    within = members.get(outer)
    return _value_at(within, inner) if inner and isinstance(within, dict) else None


def _numbers(members: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: found for name, value in members.items() if (found := number(value)) is not None}


def _sum(numbers: Collection[Decimal]) -> Decimal | None:
    return number(sum(numbers)) if numbers else None


def _sum_of_parts(numbers: dict[str, Decimal], part: str) -> Decimal | None:
    total = numbers.pop(TOTAL, None)
    if total is None or sum(numbers.values()) > total:
        return None
    return _sum([found for name, found in numbers.items() if part in name])
