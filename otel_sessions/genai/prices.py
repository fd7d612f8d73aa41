# SPDX-License-Identifier: Apache-2.0
"""The cost of model calls that state none: tokens times the price of their model when they were made.

Prices are those of the configuration, by the exact name of the model, else those that came with the installed
genai-prices: nothing here reaches the network. All are whole numbers, 10^-12 US dollars a token, the last digit that a
cost has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from genai_prices import Usage
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from otel_sessions.genai.config import ModelPrices, PriceTable
from otel_sessions.pdata import COST
from otel_sessions.pdata.attributes import Indices, Mask

PARTS: Final = ("input", "output", "cached input", "cache creation", "reasoning")
"""Input that is neither read from nor written to a cache, and output that is no reasoning, come first."""
MAX_TOKENS: Final = 10**8
"""A call that claims more of anything is a mistake, and has no price."""

_NS_A_MINUTE: Final = 60 * 10**9
_UNIT: Final = 10**12
_MILLION: Final = 10**6
_MOST: Final = (*[10**10] * len(PARTS), 10**15)
_KEYS: Final = ("output_tokens", "cache_read_tokens", "cache_write_tokens", "output_reasoning_tokens")
_MAX_KNOWN: Final = 10_000
_MAX_NAME: Final = 200

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m|\[[0-9a-z;]{1,8}\]$")
"""What terminals and Claude Code hang on a name: colours, and the size of the context."""
_BEDROCK: Final = re.compile(
    r"(?:^|[/:])(?P<id>(?:[a-z][a-z-]{1,9}\.)?(?P<plain>(?:ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax"
    r"|mistral|moonshot|moonshotai|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.[a-z0-9].*))$"
)
"""Ids of Amazon Bedrock, `[REGION.]VENDOR.MODEL`, behind whatever path or profile; no other host spells them so."""
_OPENAI: Final = ("ft:", "text-embedding-3", "text-embedding-ada")
"""Names that only OpenAI gives, and that the library does not know without it."""
_VERSION: Final = re.compile(r"-v\d+(?::\d+)?$|:\d+$")
_PREFIX: Final = re.compile(r"([A-Za-z][A-Za-z_-]*)[/:](.+)|[^/]+/(.+)")


@dataclass(frozen=True, slots=True)
class Spent:
    """Some model calls: provider and model as text, the start in ns, and the tokens by `counts[part]`.

    The parts are input, output, and of these: read from a cache, written to one, reasoning.
    """

    provider: pa.StringArray
    model: pa.StringArray
    start: npt.NDArray[np.uint64]
    counts: Indices


@dataclass(frozen=True, slots=True)
class Rates:
    """What the tokens of a model cost, a row for each bracket.

    `starts` is how many input tokens a call must exceed to be in it, the first -1; `units` are, by column, the prices
    of a token of `PARTS` and of the call itself.
    """

    starts: Indices
    units: Indices

    @classmethod
    def of(cls, brackets: Sequence[tuple[int, Sequence[Decimal]]]) -> Rates:
        """The rates of brackets, given as start and prices in US dollars; ValueError for a price beyond all reason."""
        units = [[int((price * _UNIT).to_integral_value()) for price in prices] for _, prices in brackets]
        if any(not 0 <= unit <= most for prices in units for unit, most in zip(prices, _MOST, strict=True)):
            raise ValueError("a price is negative, or over 10,000 US dollars for a million tokens, or 1,000 for a call")
        return cls(np.array([start for start, _ in brackets], np.int64), np.array(units, np.int64))


class Prices:
    """The costs of model calls, rounded to the digits that a cost has."""

    def __init__(self, table: PriceTable) -> None:
        self._stated = {name: stated_rates(prices) for name, prices in table.prices.items()}
        self._catalog = Catalog(table.free_providers)

    def costs(self, spent: Spent) -> tuple[Mask, Indices, Mask]:
        """Which of the calls have a price, the costs of those in 10^-12 US dollars, and which calls are known to be
        free: nobody is paid for them by the token."""
        # `rates` and `free` are of each distinct provider, model and minute; `which` of these each call is.
        provider, model = spent.provider.dictionary_encode(), spent.model.dictionary_encode()
        minutes, minute = np.unique(spent.start // np.uint64(_NS_A_MINUTE), return_inverse=True)
        sizes = (len(provider.dictionary), len(model.dictionary), len(minutes))
        codes = np.ravel_multi_index((provider.indices.to_numpy(), model.indices.to_numpy(), minute), sizes)
        distinct, which = np.unique(codes, return_inverse=True)
        by, of = provider.dictionary.to_pylist(), model.dictionary.to_pylist()
        triples = list(zip(*(part.tolist() for part in np.unravel_index(distinct, sizes)), strict=True))
        rates = [
            self._stated.get(of[m])
            or self._catalog.rates(by[p], of[m], datetime.fromtimestamp(int(minutes[t]) * 60, UTC))
            for p, m, t in triples
        ]
        free = [self._catalog.is_free(by[p], of[m]) for p, m, _ in triples]
        possible = (spent.counts <= MAX_TOKENS).all(axis=0)
        priced = np.array([found is not None for found in rates], np.bool_)[which] & possible
        known = [found for found in rates if found is not None]
        gratis: Mask = np.array(free, np.bool_)[which] & ~priced
        if not known:
            return priced, np.zeros(0, np.int64), gratis
        places = np.cumsum([found is not None for found in rates]) - 1
        return priced, _totals(known, places[which[priced]], spent.counts[:, priced]), gratis


class Catalog:
    """The prices of genai-prices by provider, model and time, looked up once each.

    Remembers what it has looked up, at most `_MAX_KNOWN` models and as many prices; then it begins anew.
    """

    def __init__(self, free_providers: Sequence[str]) -> None:
        self._free = frozenset(name.lower() for name in free_providers)
        self._forget()

    def _forget(self) -> None:
        # The library remembers all names that it was ever asked for, so its memory goes too.
        self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)
        self._models: dict[tuple[str, str], ModelInfo | None] = {}
        self._prices: dict[int, tuple[ModelPrice, Rates | None]] = {}

    def is_free(self, provider: str, model: str) -> bool:
        """Whether a model runs where nobody is paid by the token, whatever it is called."""
        return provider.lower() in self._free or model.partition("/")[0].lower() in self._free

    def rates(self, provider: str, model: str, at: datetime) -> Rates | None:
        """What the model cost at this time; None where nobody knows, or where nobody is paid."""
        if (provider, model) not in self._models:
            if len(self._models) >= _MAX_KNOWN:
                self._forget()
            self._models[provider, model] = self._find(provider.lower(), model)
        found = self._models[provider, model]
        if found is None:
            return None
        price = found.get_prices(at)  # one of the library's own, which stay as they are
        if id(price) not in self._prices:
            try:
                self._prices[id(price)] = price, kept_rates(price)
            except ValueError:
                self._prices[id(price)] = price, None
        return self._prices[id(price)][1]

    def _find(self, provider: str, model: str) -> ModelInfo | None:
        """The model, sought by provider and name, else by its name alone: many name their gateway or framework as the
        provider. None where nobody knows it."""
        if not model or max(len(provider), len(model)) > _MAX_NAME or self.is_free(provider, model):
            return None
        for name, reference in _attempts(provider, _COLOURS.sub("", model)):
            try:
                return self._snapshot.find_provider_model(reference, None, name, None)[1]
            except LookupError:
                continue
        return None


def _attempts(provider: str, model: str) -> Iterator[tuple[str | None, str]]:
    """Provider and model by which the library may know a model, the likeliest first."""
    bedrock = _BEDROCK.search(model)
    if bedrock:
        yield "aws", bedrock["id"]
        yield "aws", bedrock["plain"]
    if model.startswith(_OPENAI):
        yield "openai", model
    if provider:
        yield provider, model
        yield provider.replace("_", "-"), model
    yield None, model
    rest = model
    while found := _PREFIX.fullmatch(rest):
        vendor, rest = found[1], found[2] or found[3]
        if vendor:
            yield vendor.lower(), rest
            yield vendor.lower().replace("_ai", "").replace("_", "-"), rest
        yield None, rest
    if bedrock:
        vendor, _, name = bedrock["plain"].partition(".")
        yield vendor, _VERSION.sub("", name)


def stated_rates(prices: ModelPrices) -> Rates:
    """The rates that prices of the configuration make."""

    def price(part: Decimal | None, whole: Decimal) -> Decimal:
        return (whole if part is None else part) / _MILLION

    given, made = prices.input_per_million, prices.output_per_million
    parts = (prices.cached_input_per_million, prices.cache_creation_input_per_million)
    read, write = (price(part, given) for part in parts)
    reasoning = price(prices.reasoning_per_million, made)
    return Rates.of([(-1, (given / _MILLION, made / _MILLION, read, write, reasoning, Decimal(0)))])


def kept_rates(price: ModelPrice) -> Rates:
    """The rates of a price of genai-prices: in a bracket costs are linear in the tokens, so a few of them tell all.

    Raises ValueError where the library does.
    """
    tiers = {tier.start for value in vars(price).values() if isinstance(value, TieredPrices) for tier in value.tiers}
    brackets: list[tuple[int, Sequence[Decimal]]] = []
    for start in (-1, *sorted(tiers)):
        tokens = start + 1
        at = _cost(price, tokens)
        given = _cost(price, tokens + 1) - at
        # Cached tokens are tokens of the input too, reasoning tokens of the output: each is asked for beside its whole.
        made, read, write, reasoning = (
            _cost(price, tokens + 1, **{"output_tokens": int(key == "output_reasoning_tokens"), key: 1}) - at
            for key in _KEYS
        )
        brackets.append((start, (given, made - given, read, write, reasoning - given, at - given * tokens)))
    return Rates.of(brackets)


def _cost(price: ModelPrice, tokens: int, **parts: int) -> Decimal:
    return price.calc_price(Usage(input_tokens=tokens, **parts))["total_price"]


def _totals(rates: list[Rates], which: Indices, counts: Indices) -> Indices:
    """The cost of each call in 10^-12 US dollars; with the bounds of `Rates` it is less than 2^63."""
    brackets = max(len(found.starts) for found in rates)
    starts = np.full((len(rates), brackets), np.iinfo(np.int64).max, np.int64)
    units = np.zeros((len(rates), brackets, 6), np.int64)
    for number, found in enumerate(rates):
        starts[number, : len(found.starts)] = found.starts
        units[number, : len(found.starts)] = found.units
    given, made, read, write, reasoning = counts
    # Some clients do not count as input what came from a cache, or as output what was reasoning.
    leaves = (np.maximum(given - read - write, 0), np.maximum(made - reasoning, 0), read, write, reasoning)
    bracket = (np.maximum(given, read + write)[:, None] > starts[which]).sum(axis=1) - 1
    mine = units[which, bracket]
    totals: Indices = sum((count * mine[:, part] for part, count in enumerate(leaves)), mine[:, 5])
    return totals


def as_costs(totals: Indices) -> pa.Array:
    """Numbers of 10^-12 US dollars, from 0 on, as costs: a decimal is a whole number of 16 bytes, low ones first."""
    wide = np.zeros((len(totals), 2), "<i8")
    wide[:, 0] = totals
    return pa.Array.from_buffers(COST, len(totals), [None, pa.py_buffer(wide.tobytes())])
