"""What tokens cost, as whole numbers: 10^-12 US dollars a token, the last digit that a cost has.

A `Rates` is a table with a row for each bracket: `starts` is how many input tokens a call must exceed to be in it, the
first -1; `units` are, by column, the prices of a token of `PARTS` and of the call itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from genai_prices import Usage
from genai_prices.types import ModelPrice, TieredPrices

from otel_sessions.genai.config import ModelPrices
from otel_sessions.pdata.attributes import Indices

PARTS: Final = ("input", "output", "cached input", "cache creation", "reasoning")
"""Input that is neither read from nor written to a cache, and output that is no reasoning, come first."""
MAX_TOKENS: Final = 10**8
"""A call that claims more of anything is a mistake, and has no price."""

_UNIT: Final = 10**12
_MILLION: Final = 10**6
_MOST: Final = (*[10**10] * len(PARTS), 10**15)
_KEYS: Final = ("output_tokens", "cache_read_tokens", "cache_write_tokens", "output_reasoning_tokens")


@dataclass(frozen=True, slots=True)
class Rates:
    starts: Indices
    units: Indices

    @classmethod
    def of(cls, brackets: Sequence[tuple[int, Sequence[Decimal]]]) -> Rates:
        """From the starts and the prices in US dollars; ValueError for a price beyond all reason."""
        units = [[int((price * _UNIT).to_integral_value()) for price in prices] for _, prices in brackets]
        if any(not 0 <= unit <= most for prices in units for unit, most in zip(prices, _MOST, strict=True)):
            raise ValueError("a price is negative, or over 10,000 US dollars for a million tokens, or 1,000 for a call")
        return cls(np.array([start for start, _ in brackets], np.int64), np.array(units, np.int64))


def stated_rates(prices: ModelPrices) -> Rates:
    """Of prices that somebody wrote into the configuration."""

    def price(part: Decimal | None, whole: Decimal) -> Decimal:
        return (whole if part is None else part) / _MILLION

    given, made = prices.input_per_million, prices.output_per_million
    parts = (prices.cached_input_per_million, prices.cache_creation_input_per_million)
    read, write = (price(part, given) for part in parts)
    reasoning = price(prices.reasoning_per_million, made)
    return Rates.of([(-1, (given / _MILLION, made / _MILLION, read, write, reasoning, Decimal(0)))])


def kept_rates(price: ModelPrice) -> Rates:
    """Of prices of genai-prices: a cost is linear in its tokens within a bracket, so a few costs tell all of it.

    Raises ValueError where the library does.
    """
    tiers = {tier.start for value in vars(price).values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return Rates.of([(start, _bracket(price, start)) for start in (-1, *sorted(tiers))])


def _bracket(price: ModelPrice, start: int) -> Sequence[Decimal]:
    tokens = start + 1
    at = _cost(price, tokens)
    given = _cost(price, tokens + 1) - at
    # Cached tokens are tokens of the input too, reasoning tokens of the output: all are asked for among enough of them.
    made, read, write, reasoning = (
        _cost(price, tokens + 1, **({"output_tokens": 1} if key == "output_reasoning_tokens" else {}), **{key: 1}) - at
        for key in _KEYS
    )
    return given, made - given, read, write, reasoning - given, at - given * tokens


def _cost(price: ModelPrice, tokens: int, **parts: int) -> Decimal:
    return price.calc_price(Usage(input_tokens=tokens, **parts))["total_price"]
