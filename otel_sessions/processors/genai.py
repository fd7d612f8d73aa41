# SPDX-License-Identifier: Apache-2.0
"""Processor `genai`: reads steps and model calls once more, by its own configuration."""

from __future__ import annotations

import pyarrow as pa

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.genai.attributes import with_members, with_outer
from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.steps import COLUMNS, GenAi
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import KeySet
from otel_sessions.pdata.schema import DERIVED_DEFAULTS

__all__ = ["GenAiConfig", "GenAiProcessor", "factory"]


class GenAiProcessor:
    """Writes all of `genai.COLUMNS`; what others wrote there is gone."""

    def __init__(self, config: GenAiConfig) -> None:
        self._genai = GenAi(config)
        self._keys = KeySet(with_outer(self._genai.keys))

    def process(self, batch: SpanBatch) -> SpanBatch:
        if not len(batch):
            return batch
        attributes = batch.named("SpanAttributes")
        entries = with_members(self._keys.entries(attributes), batch["SpanCompositeKeys"])
        found = self._genai.columns(batch, attributes, entries)
        missing = [name for name in COLUMNS if name not in found]
        return batch.with_columns(found | {name: pa.repeat(DERIVED_DEFAULTS[name], len(batch)) for name in missing})


def _create(component_id: ComponentId, config: GenAiConfig, host: Host) -> GenAiProcessor:
    return GenAiProcessor(config)


factory = Factory("genai", GenAiConfig, _create, "Reads content, model, tokens and cost of model calls anew.")
