"""The genai processor: content, model, tokens and cost, in the place of what `session` found."""

from __future__ import annotations

import pyarrow as pa

from otel_sessions.genai import COLUMNS, GenAi, GenAiConfig
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import KeySet
from otel_sessions.pdata.schema import DERIVED_DEFAULTS


class GenAiProcessor:
    """Writes all of `genai.COLUMNS`; what others wrote there is gone."""

    def __init__(self, config: GenAiConfig) -> None:
        self._genai = GenAi(config)
        self._keys = KeySet(self._genai.keys)

    def process(self, batch: SpanBatch) -> SpanBatch:
        if not len(batch):
            return batch
        found = self._genai.columns(batch, self._keys.entries(batch["SpanAttributes"]))
        missing = [name for name in COLUMNS if name not in found]
        return batch.with_columns(found | {name: pa.repeat(DERIVED_DEFAULTS[name], len(batch)) for name in missing})
