"""What model calls cost that do not tell: tokens times the price of their model when they were made.

Nothing here reaches the network: the prices are those that came with the installed genai-prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from otel_sessions.genai.catalog import Catalog
from otel_sessions.genai.config import PriceTable
from otel_sessions.genai.rates import MAX_TOKENS, Rates, stated_rates
from otel_sessions.pdata import COST
from otel_sessions.pdata.attributes import Indices, Mask

_NS_A_MINUTE: Final = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Spent:
    """Some model calls: provider and model as text, the start in ns, and the tokens by `counts[part]`.

    The parts are input, output, and of these: read from a cache, written to one, reasoning.
    """

    provider: pa.StringArray
    model: pa.StringArray
    start: npt.NDArray[np.uint64]
    counts: Indices


class Prices:
    """The costs of model calls, rounded to the digits that a cost has."""

    def __init__(self, table: PriceTable) -> None:
        self._stated = {name: stated_rates(prices) for name, prices in table.prices.items()}
        self._catalog = Catalog(table.free_providers)

    def costs(self, spent: Spent) -> tuple[Mask, Indices]:
        """Which of the calls have a price, and the costs of those in 10^-12 US dollars."""
        rates, which = self._rates(spent)
        possible = (spent.counts <= MAX_TOKENS).all(axis=0)
        priced = np.array([found is not None for found in rates], np.bool_)[which] & possible
        known = [found for found in rates if found is not None]
        if not known:
            return priced, np.zeros(0, np.int64)
        places = np.cumsum([found is not None for found in rates]) - 1
        return priced, _totals(known, places[which[priced]], spent.counts[:, priced])

    def _rates(self, spent: Spent) -> tuple[list[Rates | None], Indices]:
        """The rates of each distinct provider, model and minute, and which of these each call is."""
        provider, model = spent.provider.dictionary_encode(), spent.model.dictionary_encode()
        minutes, minute = np.unique(spent.start // np.uint64(_NS_A_MINUTE), return_inverse=True)
        sizes = (len(provider.dictionary), len(model.dictionary), len(minutes))
        codes = np.ravel_multi_index((provider.indices.to_numpy(), model.indices.to_numpy(), minute), sizes)
        distinct, which = np.unique(codes, return_inverse=True)
        providers, models = provider.dictionary.to_pylist(), model.dictionary.to_pylist()
        triples = zip(*(part.tolist() for part in np.unravel_index(distinct, sizes)), strict=True)
        return [self._rates_of(providers[p], models[m], int(minutes[t])) for p, m, t in triples], which

    def _rates_of(self, provider: str, model: str, minute: int) -> Rates | None:
        stated = self._stated.get(model)
        return stated or self._catalog.rates(provider, model, datetime.fromtimestamp(minute * 60, UTC))


def _totals(rates: list[Rates], which: Indices, counts: Indices) -> Indices:
    """Of each call its cost in 10^-12 US dollars; with the bounds of `rates` less than 2^63."""
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
