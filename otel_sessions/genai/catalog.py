"""The prices of genai-prices by provider, model and time, looked up once each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelInfo, ModelPrice

from otel_sessions.genai.rates import Rates, kept_rates

_MAX_KNOWN: Final = 10_000
_MAX_NAME: Final = 200


class Catalog:
    """Remembers what it has looked up, at most `_MAX_KNOWN` models and as many prices; then it begins anew."""

    def __init__(self, free_providers: Sequence[str]) -> None:
        self._free = frozenset(name.lower() for name in free_providers)
        self._forget()

    def _forget(self) -> None:
        # The library remembers all names that it was ever asked for, so its memory goes too.
        self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)
        self._models: dict[tuple[str, str], ModelInfo | None] = {}
        self._prices: dict[int, tuple[ModelPrice, Rates | None]] = {}

    def rates(self, provider: str, model: str, at: datetime) -> Rates | None:
        """What the model cost at this time; None where nobody knows, or where nobody is paid."""
        if (provider, model) not in self._models:
            if len(self._models) >= _MAX_KNOWN:
                self._forget()
            self._models[provider, model] = self._find(provider.lower(), model)
        found = self._models[provider, model]
        return None if found is None else self._rates(found.get_prices(at))

    def _rates(self, price: ModelPrice) -> Rates | None:
        """The price is one of the library's own, which stay as they are."""
        if id(price) not in self._prices:
            self._prices[id(price)] = price, _rates_or_none(price)
        return self._prices[id(price)][1]

    def _find(self, provider: str, model: str) -> ModelInfo | None:
        """By provider and model, else by the model alone: many name their gateway or framework as the provider."""
        if not model or max(len(provider), len(model)) > _MAX_NAME or provider in self._free:
            return None
        for name, reference in _attempts(provider, model):
            try:
                return self._snapshot.find_provider_model(reference, None, name, None)[1]
            except LookupError:
                continue
        return None


def _attempts(provider: str, model: str) -> Iterator[tuple[str | None, str]]:
    if provider:
        yield provider, model
        yield provider.replace("_", "-"), model
    yield None, model
    vendor, slash, rest = model.rpartition("/")
    if slash and rest:
        yield vendor, rest
        yield None, rest


def _rates_or_none(price: ModelPrice) -> Rates | None:
    try:
        return kept_rates(price)
    except ValueError:
        return None
