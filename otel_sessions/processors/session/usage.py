"""Model calls: model, tokens and cost of each span, counted where a model was called and nowhere else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata.attributes import Entries, Mask
from otel_sessions.processors.session.config import SessionConfig
from otel_sessions.processors.session.numbers import Numbers, Source
from otel_sessions.processors.session.texts import unwrapped


class Usage:
    """The columns `Model`, `InputTokens`, `OutputTokens`, `TotalTokens` and `Cost`.

    `Model` stands on every span that names one. Tokens and cost are those of model calls: a kind-of-step key decides,
    the first one present; without any, a span that names a model is a call unless its library marks it as a summary of
    the calls below it. `TotalTokens` is input and output; cached and reasoning tokens are parts of those. A total that
    the provider gives counts only where neither of the two is known.
    """

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._call_kinds = pa.array([kind.lower() for kind in config.model_call_kinds], pa.string())
        self._marks = [mark.partition("=")[::2] for mark in config.summary_marks]
        self._input, self._output, self._total, self._cost = (
            [Source.parse(text) for text in keys]
            for keys in (config.input_token_keys, config.output_token_keys, config.total_token_keys, config.cost_keys)
        )

    @property
    def keys(self) -> list[str]:
        """The span attributes this reads."""
        sources = [*self._input, *self._output, *self._total, *self._cost]
        plain = [*self._config.model_keys, *self._config.step_kind_keys, *(key for key, _ in self._marks)]
        return [*plain, *(source.key for source in sources)]

    def columns(self, entries: Entries) -> dict[str, pa.Array]:
        model = entries.first(self._config.model_keys)
        calls = self._calls(entries, model >= 0)
        found = {"Model": unwrapped(entries, model, self._config)}
        return found | self._amounts(Numbers(entries, calls)) if calls.any() else found

    def _amounts(self, numbers: Numbers) -> dict[str, pa.Array]:
        inputs, outputs = numbers.counts(self._input), numbers.counts(self._output)
        totals = inputs + outputs
        missing = totals == 0
        if (missing & numbers.rows).any():
            totals = np.where(missing, numbers.counts(self._total), totals)
        counts = {"InputTokens": inputs, "OutputTokens": outputs, "TotalTokens": totals}
        columns = {name: pa.array(values.astype(np.uint64)) for name, values in counts.items()}
        return columns | {"Cost": numbers.costs(self._cost)}

    def _calls(self, entries: Entries, has_model: Mask) -> Mask:
        """Which spans are model calls."""
        if not any(map(entries.has, (*self._config.step_kind_keys, *self._config.model_keys))):
            return np.zeros(entries.length, np.bool_)
        kind = entries.first(self._config.step_kind_keys)
        named: Mask = pc.is_in(pc.utf8_lower(entries.text(kind)), value_set=self._call_kinds).to_numpy(
            zero_copy_only=False
        )
        return np.where(kind >= 0, named, has_model & ~self._summaries(entries))

    def _summaries(self, entries: Entries) -> Mask:
        summaries = np.zeros(entries.length, np.bool_)
        for key, value in self._marks:
            if not entries.has(key):
                continue
            part = entries.of(key)
            rows = entries.rows[part]
            if value:
                texts = entries.values.take(pa.array(entries.places[part]))
                rows = rows[pc.equal(texts, value).to_numpy(zero_copy_only=False)]
            summaries[rows] = True
        return summaries
