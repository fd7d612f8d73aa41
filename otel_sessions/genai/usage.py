"""Model calls: model, tokens and cost of each span, counted where a model was called and nowhere else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.numbers import Numbers, Source
from otel_sessions.genai.prices import Prices, Spent, as_costs
from otel_sessions.genai.summaries import Summaries
from otel_sessions.genai.texts import unwrapped
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, Mask

STATED, PRICED = 1, 2
_SOURCES = pa.array(["", "attribute", "prices"])


class Usage:
    """The columns of the model, its tokens and their cost.

    `Model` stands on every span that names one. Tokens and cost are those of model calls: a kind-of-step key decides,
    the first one present; without any, a span that names a model is a call unless its library marks it as a summary of
    the calls below it. `TotalTokens` is input and output; cached and reasoning tokens are parts of those. A total that
    the provider gives counts only where neither of the two is known. `Cost` is what the span states, else what the
    price table says; `CostSource` tells which.
    """

    def __init__(self, config: GenAiConfig) -> None:
        self._config = config
        self._prices = Prices(config.price_table) if config.price_table.enabled else None
        self._call_kinds = pa.array([kind.lower() for kind in config.model_call_kinds], pa.string())
        self._summaries = Summaries(config)
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

    @property
    def keys(self) -> list[str]:
        """The span attributes this reads."""
        sources = [*self._cost, *(source for sources in self._tokens.values() for source in sources)]
        config = self._config
        plain = [*config.model_keys, *config.provider_keys, *config.step_kind_keys, *self._summaries.keys]
        return [*plain, *(source.key for source in sources)]

    def columns(self, batch: SpanBatch, entries: Entries) -> dict[str, pa.Array]:
        """Those for which any span has something."""
        chosen = entries.first(self._config.model_keys)
        calls = self._calls(batch, entries, chosen >= 0)
        model = unwrapped(entries, chosen, self._config.json_encoded_prefixes)
        if not calls.any():
            return {"Model": model}
        numbers = Numbers(entries, calls)
        tokens = self._counts(numbers)
        columns = {name: pa.array(counts.astype(np.uint64)) for name, counts in tokens.items()}
        return {"Model": model, **columns, **self._costs(batch, entries, numbers, model, tokens)}

    def _counts(self, numbers: Numbers) -> dict[str, Indices]:
        has = numbers.entries.has
        read = {name: [source for source in sources if has(source.key)] for name, sources in self._tokens.items()}
        counts = {name: numbers.counts(sources) for name, sources in read.items() if sources and name != "TotalTokens"}
        none = np.zeros(numbers.entries.length, np.int64)
        totals = counts.get("InputTokens", none) + counts.get("OutputTokens", none)
        missing = totals == 0
        if (missing & numbers.rows).any():
            totals = np.where(missing, numbers.counts(read["TotalTokens"]), totals)
        return counts | {"TotalTokens": totals}

    def _costs(
        self, batch: SpanBatch, entries: Entries, numbers: Numbers, model: pa.StringArray, tokens: dict[str, Indices]
    ) -> dict[str, pa.Array]:
        costs, stated = numbers.costs(self._cost)
        source, prices = stated.astype(np.int8) * STATED, np.zeros(len(batch), np.int64)
        rows = np.flatnonzero(numbers.rows & ~stated & (tokens["TotalTokens"] > 0))
        if self._prices is not None and len(rows):
            provider, called = self._providers(entries, rows), model.take(pa.array(rows))
            priced, found = self._prices.costs(_spent(batch, rows, provider, called, tokens))
            source[rows[priced]] = PRICED
            prices[rows[priced]] = found
        cost = as_costs(prices)
        if costs is not None:
            cost = pc.if_else(pa.array(stated), costs, cost)
        return {"Cost": cost, "CostSource": _SOURCES.take(pa.array(source))}

    def _providers(self, entries: Entries, rows: Indices) -> pa.StringArray:
        chosen = entries.first(self._config.provider_keys)[rows]
        return unwrapped(entries, chosen, self._config.json_encoded_prefixes)

    def _calls(self, batch: SpanBatch, entries: Entries, has_model: Mask) -> Mask:
        """Which spans are model calls."""
        if not any(map(entries.has, (*self._config.step_kind_keys, *self._config.model_keys))):
            return np.zeros(entries.length, np.bool_)
        kind = entries.first(self._config.step_kind_keys)
        calling = pc.is_in(pc.ascii_lower(entries.text(kind)), value_set=self._call_kinds)
        named = calling.to_numpy(zero_copy_only=False)
        return np.where(kind >= 0, named, has_model & ~self._summaries.found(batch, entries))


def _spent(
    batch: SpanBatch, rows: Indices, provider: pa.StringArray, model: pa.StringArray, tokens: dict[str, Indices]
) -> Spent:
    """What these rows spent; `provider` and `model` have one text for each of them."""
    none = np.zeros(len(rows), np.int64)
    names = ("InputTokens", "OutputTokens", "CachedInputTokens", "CacheCreationInputTokens", "ReasoningTokens")
    counts = np.stack([tokens[name][rows] if name in tokens else none for name in names])
    return Spent(provider, model, batch["StartTimeUnixNano"].to_numpy()[rows], counts)
