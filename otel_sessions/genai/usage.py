"""Model calls: model, tokens and cost of each span, counted where a model was called and nowhere else."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.numbers import Counted, Numbers, Source
from otel_sessions.genai.prices import Prices, Spent, as_costs
from otel_sessions.genai.steps import Found, mark_keys, marked
from otel_sessions.genai.texts import unwrapped
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, Mask

STATED, PRICED = 1, 2
_SOURCES = pa.array(["", "attribute", "prices"])
_COLOURS: Final = r"\x1b\[[0-9;]*m"
_SUM_OF_PARTS: Final = "*"


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
        """Those of tokens and cost for which any span has something, and which spans are model calls."""
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
            provider, called = self._providers(entries, rows), model.take(pa.array(rows))
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

    def _providers(self, entries: Entries, rows: Indices) -> pa.StringArray:
        chosen = entries.first(self._config.provider_keys)[rows]
        return unwrapped(entries, chosen, self._config.json_encoded_prefixes)
