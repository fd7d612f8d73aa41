"""All that is read of model calls, as columns: what the processors `session` and `genai` share."""

from __future__ import annotations

import pyarrow as pa

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.content import Content
from otel_sessions.genai.usage import Usage
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries

COLUMNS = (
    "Model",
    "InputTokens",
    "OutputTokens",
    "TotalTokens",
    "CachedInputTokens",
    "CacheCreationInputTokens",
    "ReasoningTokens",
    "Cost",
    "CostSource",
    "Input",
    "Output",
    "TraceInput",
    "TraceOutput",
)


class GenAi:
    """Reads `COLUMNS` of spans; each is a function of its span alone."""

    def __init__(self, config: GenAiConfig) -> None:
        self._content = Content(config)
        self._usage = Usage(config)
        self.keys = [*self._content.keys, *self._usage.keys]
        """The span attributes that `columns` must be given."""

    def columns(self, batch: SpanBatch, entries: Entries) -> dict[str, pa.Array]:
        """Those of the columns for which any span has something; all others have their default."""
        return self._content.columns(batch, entries) | self._usage.columns(batch, entries)
