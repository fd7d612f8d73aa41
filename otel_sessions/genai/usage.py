# SPDX-License-Identifier: Apache-2.0
"""Model calls: model, tokens and cost of each span, counted where a model was called and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.attributes import mark_keys, marked, unwrapped
from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.json_text import member as member_of
from otel_sessions.genai.json_text import parse_object
from otel_sessions.genai.prices import Prices, Spent, as_costs
from otel_sessions.pdata import COST, SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, Mask

STATED, PRICED = 1, 2
_SOURCES = pa.array(["", "attribute", "prices"])
_COLOURS: Final = r"\x1b\[[0-9;]*m"
_SUM_OF_PARTS: Final = "*"


@dataclass(frozen=True, slots=True)
class Found:
    """What the spans of a batch are, as far as their kinds tell."""

    kinds: Indices
    """By place in `steps.KINDS`, or -1."""
    calls: Mask
    """Model calls for sure."""
    with_usage: Mask
    """Model calls if they state a usage."""
    beside: Mask
    """Whose libraries count tokens of a cache beside the input."""
    summaries: Mask
    """Sum up the calls below them."""


class Usage:
    """The columns of the model, its tokens and their cost.

    `Model` stands on every span that names one; tokens and cost are those of model calls. `TotalTokens` is input and
    output; cached and reasoning tokens are parts of those, also where a client counts them beside: then they are added.
    A total that the provider gives counts only where neither of the two is known. `Cost` is what the span states, else
    what the price table says; `CostSource` tells which.
    """

    def __init__(self, config: GenAiConfig) -> None:
        self._config = config
        self._prices = Prices(config.price_table) if config.price_table.enabled else None
        lists = {
            "InputTokens": config.input_token_keys,
            "OutputTokens": config.output_token_keys,
            "TotalTokens": config.total_token_keys,
            "CachedInputTokens": config.cached_input_token_keys,
            "CacheCreationInputTokens": config.cache_creation_input_token_keys,
            "ReasoningTokens": config.reasoning_token_keys,
        }
        self._tokens = {column: [Source.parse(text) for text in keys] for column, keys in lists.items()}
        self._cost = [Source.parse(text) for text in config.cost_keys]
        beside = frozenset(config.cache_beside_keys)
        self._beside = {
            column: np.array([*(key in beside for key in keys), False], np.bool_) for column, keys in lists.items()
        }
        within = [source.member.startswith(_SUM_OF_PARTS) for source in self._tokens["InputTokens"]]
        self._sums = np.array([*within, False], np.bool_)

    @property
    def keys(self) -> list[str]:
        """The span attributes this reads."""
        sources = [*self._cost, *(source for sources in self._tokens.values() for source in sources)]
        marks = mark_keys(self._config.cache_beside_marks)
        return [
            *self._config.model_keys,
            *self._config.provider_keys,
            *marks,
            *(k for each in sources for k in each.keys),
        ]

    def model(self, entries: Entries) -> tuple[pa.StringArray, Mask]:
        """The model that each span names, and which spans name one."""
        chosen = entries.first(self._config.model_keys)
        texts = unwrapped(entries, chosen, self._config.json_encoded_prefixes)
        if any(map(entries.has, self._config.bare_keys)) and pc.any(pc.match_substring(texts, "\x1b[")).as_py():
            texts = pc.replace_substring_regex(texts, _COLOURS, "")
        return texts, chosen >= 0

    def columns(
        self, batch: SpanBatch, entries: Entries, found: Found, model: pa.StringArray
    ) -> tuple[dict[str, pa.Array], Mask]:
        """The columns of tokens and cost in which any span has something, and which spans are model calls."""
        if not (found.calls.any() or found.with_usage.any()):
            return {}, found.calls
        numbers = Numbers(entries, found.calls | found.with_usage)
        counted = {
            column: numbers.counts(sources)
            for column, sources in self._tokens.items()
            if any(map(entries.has, (key for source in sources for key in source.keys)))
        }
        calls = found.calls.copy()
        for name in ("InputTokens", "OutputTokens", "TotalTokens"):
            if name in counted:
                calls |= found.with_usage & (counted[name].source >= 0)
        if not calls.any():
            return {}, calls
        tokens = self._tokens_of(entries, counted, found, calls)
        columns = {name: pa.array(counts.astype(np.uint64)) for name, counts in tokens.items()}
        numbers.rows = calls
        return columns | self._costs(batch, entries, numbers, model, tokens), calls

    def _tokens_of(
        self, entries: Entries, counted: dict[str, Counted], found: Found, calls: Mask
    ) -> dict[str, Indices]:
        """The tokens of calls, the parts within the wholes."""
        none = Counted(np.zeros(entries.length, np.int64), np.full(entries.length, -1))
        given, made, total, read, write, reasoned = (
            np.where(calls, counted.get(name, none).values, 0) for name in self._tokens
        )
        cached, whole = read + write, given + made
        # A total over both that some of the parts make up proves that these stand beside.
        proof = np.where((total > whole) & (whole > 0), total - whole, 0)
        add_in, add_out = np.zeros_like(given), np.zeros_like(made)
        for inner, outer in ((cached, reasoned), (cached, 0), (read, reasoned), (read, 0), (write, 0), (0, reasoned)):
            fits = (proof > 0) & (inner + outer == proof) & (add_in + add_out == 0)
            add_in, add_out = np.where(fits, inner, add_in), np.where(fits, outer, add_out)
        proven = add_in + add_out > 0
        # What is greater than its whole is no part of it.
        beside = self._stated_beside(entries, counted, found, total == whole) | (cached > given)
        add_in = np.where(~proven & beside, cached, add_in)
        add_out = np.where(~proven & (reasoned > made), reasoned, add_out)
        whole = whole + add_in + add_out
        tokens = {name: np.where(calls, each.values, 0) for name, each in counted.items()}
        for name, added in (("InputTokens", add_in), ("OutputTokens", add_out)):
            if name in tokens or added.any():
                tokens[name] = tokens.get(name, none.values) + added
        return tokens | {"TotalTokens": np.where(whole == 0, total, whole)}

    def _stated_beside(self, entries: Entries, counted: dict[str, Counted], found: Found, total_is_whole: Mask) -> Mask:
        """Which rows are of a dialect that counts tokens of a cache beside the input."""
        beside: Mask = found.beside | marked(entries, self._config.cache_beside_marks)
        for name in ("CachedInputTokens", "CacheCreationInputTokens"):
            if name in counted:
                beside = beside | (self._beside[name][counted[name].source] & ~total_is_whole)
        return beside & ~self._sums[counted["InputTokens"].source] if "InputTokens" in counted else beside

    def _costs(
        self, batch: SpanBatch, entries: Entries, numbers: Numbers, model: pa.StringArray, tokens: dict[str, Indices]
    ) -> dict[str, pa.Array]:
        costs, stated = numbers.costs(self._cost)
        source, prices = stated.astype(np.int8) * STATED, np.zeros(len(batch), np.int64)
        spending = np.zeros(len(batch), np.bool_)
        for counts in tokens.values():
            spending |= counts > 0
        unpriced = numbers.rows & ~stated & spending
        rows = np.flatnonzero(unpriced)
        if self._prices is not None and len(rows):
            chosen = entries.first(self._config.provider_keys)[rows]
            provider = unwrapped(entries, chosen, self._config.json_encoded_prefixes)
            called = model.take(pa.array(rows))
            # what these rows spent; `provider` and `model` have one text for each of them
            none = np.zeros(len(rows), np.int64)
            names = ("InputTokens", "OutputTokens", "CachedInputTokens", "CacheCreationInputTokens", "ReasoningTokens")
            counts = np.stack([tokens[name][rows] if name in tokens else none for name in names])
            priced, found, free = self._prices.costs(
                Spent(provider, called, batch["StartTimeUnixNano"].to_numpy()[rows], counts)
            )
            source[rows[priced]] = PRICED
            prices[rows[priced]] = found
            unpriced[rows[priced | free]] = False
        cost = as_costs(prices)
        if costs is not None:
            cost = pc.if_else(pa.array(stated), costs, cost)
        return {
            "Cost": cost,
            "CostSource": _SOURCES.take(pa.array(source)),
            "IsUnpriced": pa.array(unpriced.astype(np.uint8)),
        }


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
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    return value if 0 <= value <= MAX_NUMBER else None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number stands: under a key as text, as a member of the object there (`KEY#MEMBER`), or as the sum of
    several keys (`KEY+KEY`)."""

    keys: tuple[str, ...]
    member: str = ""

    @classmethod
    def parse(cls, text: str) -> Source:
        key, _, member = text.partition("#")
        return cls((key,), member) if member else cls(tuple(text.split("+")))


@dataclass(frozen=True, slots=True)
class Counted:
    """Whole numbers of the rows of a batch, and the place of the source that each is from, -1 without one."""

    values: Indices
    source: Indices


@dataclass(slots=True)
class Numbers:
    """Reads numbers for some rows of a batch; every object is parsed once, and only where a number is still missing."""

    entries: Entries
    rows: Mask
    """Other rows have no numbers."""
    _objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def counts(self, sources: Sequence[Source]) -> Counted:
        """The whole number of each row under the first source that holds a number; 0 without one, or fractions cut."""
        counts, places = np.zeros(self.entries.length, np.int64), np.full(self.entries.length, -1)
        for place, source in enumerate(sources):
            for key in filter(self.entries.has, source.keys):
                rows, texts = self._rows_and_texts(key, self.rows & ((places < 0) | (places == place)))
                if len(rows):
                    if source.member:
                        found = self._members(source, texts)
                    else:
                        short = pc.less_equal(pc.binary_length(texts), _SIMPLE_DIGITS)
                        simple = pc.and_(pc.ascii_is_decimal(texts), short)
                        found = _plain(texts, simple.to_numpy(zero_copy_only=False))
                    values, known = found.counts()
                    counts[rows[known]] += values[known]
                    places[rows[known]] = place
        return Counted(counts, places)

    def costs(self, sources: Sequence[Source]) -> tuple[pa.Array | None, Mask]:
        """The cost of each row in US dollars, rounded half even to the digits of a cost, and which rows state one.

        None instead of costs where no row does.
        """
        places = np.zeros(self.entries.length, np.int64)
        pool = [pa.array([Decimal(0)], COST)]
        for source in sources:
            for key in filter(self.entries.has, source.keys):
                rows, texts = self._rows_and_texts(key, self.rows & (places == 0))
                if len(rows):
                    if source.member:
                        found = self._members(source, texts)
                    else:
                        simple = pc.match_substring_regex(texts, _SIMPLE_COST)
                        found = _plain(texts, simple.to_numpy(zero_copy_only=False))
                    values = found.costs() if len(source.keys) == 1 else self._sums(source, rows)
                    known = values.is_valid().to_numpy(zero_copy_only=False)
                    places[rows[known]] = np.flatnonzero(known) + sum(map(len, pool))
                    pool.append(values)
        stated = places > 0
        return (pa.concat_arrays(pool).take(pa.array(places)) if stated.any() else None), stated

    def _sums(self, source: Source, rows: Indices) -> pa.Array:
        """What these rows have under all keys of the source together; null for those without any number."""
        sums: dict[int, Decimal] = {}
        for key in source.keys:
            of_key, texts = self._rows_and_texts(key, self.rows)
            for row, text in zip(of_key.tolist(), texts.to_pylist(), strict=True):
                if (found := number(text)) is not None:
                    sums[row] = sums.get(row, Decimal(0)) + found
        totals = [number(sums[row]) if row in sums else None for row in rows.tolist()]
        rounded = [None if total is None else total.quantize(_SMALLEST, context=_CONTEXT) for total in totals]
        return pa.array(rounded, COST)

    def _rows_and_texts(self, key: str, wanted: Mask) -> tuple[Indices, pa.StringArray]:
        part = self.entries.of(key)
        rows = self.entries.rows[part]
        kept = wanted[rows]
        return rows[kept], self.entries.values.take(pa.array(self.entries.places[part][kept]))

    def _members(self, source: Source, texts: pa.StringArray) -> _Found:
        distinct = texts.dictionary_encode()
        read = _reader(source.member)
        values: list[Decimal | None] = []
        for text in distinct.dictionary.to_pylist():
            if text not in self._objects:  # numbers of JSON as decimals
                self._objects[text] = parse_object(text, parse_float=Decimal, parse_int=Decimal)
            values.append(read(self._objects[text]))
        return _Found(texts, np.zeros(len(texts), np.bool_), values, distinct.indices.to_numpy())


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


def _reader(member: str) -> Callable[[Mapping[str, Any]], Decimal | None]:
    """How the number, or sum, is read from an object."""
    if member == ALL_MEMBERS:
        return lambda members: _sum(_numbers(members).values())
    if member.startswith("*") and member.endswith("*"):
        return lambda members: _sum_of_parts(_numbers(members), member.strip("*"))
    return lambda members: number(member_of(members, member))


def _numbers(members: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: found for name, value in members.items() if (found := number(value)) is not None}


def _sum(numbers: Collection[Decimal]) -> Decimal | None:
    return number(sum(numbers)) if numbers else None


def _sum_of_parts(numbers: dict[str, Decimal], part: str) -> Decimal | None:
    total = numbers.pop(TOTAL, None)
    if total is None or sum(numbers.values()) > total:
        return None
    return _sum([found for name, found in numbers.items() if part in name])
