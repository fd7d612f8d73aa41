"""All that is read of steps and model calls, as columns: what the processors `session` and `genai` share."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.content import Content
from otel_sessions.genai.metadata import Metadata
from otel_sessions.genai.steps import Scopes, Steps, mark_keys, marked
from otel_sessions.genai.texts import unwrapped
from otel_sessions.genai.usage import Usage
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Named

COLUMNS: Final = (
    "Metadata",
    "StepKind",
    "StepName",
    "AgentName",
    "ResponseId",
    "PreviousResponseId",
    "IsModelCall",
    "IsToolCall",
    "IsUnpriced",
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
    """Reads `COLUMNS` of spans; each is a function of its span alone.

    `taken` are the attributes that others read, which are no metadata.
    """

    def __init__(self, config: GenAiConfig, taken: tuple[str, ...] = ()) -> None:
        self._config = config
        self._content = Content(config)
        self._usage = Usage(config)
        self._steps = Steps(config)
        self._ids = {"ResponseId": config.response_id_keys, "PreviousResponseId": config.previous_response_id_keys}
        marks = [*config.bare_key_marks, *(mark for marks in config.key_marks.values() for mark in marks)]
        ids = [key for keys in self._ids.values() for key in keys]
        self.keys = [*self._content.keys, *self._usage.keys, *self._steps.keys, *mark_keys(marks), *ids]
        """The span attributes that `columns` must be given."""
        self._metadata = Metadata(config, [*taken, *self.keys])

    def columns(self, batch: SpanBatch, attributes: Named, entries: Entries) -> dict[str, pa.Array]:
        """Those of the columns for which any span has something; all others have their default."""
        scopes = Scopes(batch)
        # without those under bare names in spans of libraries that are not known to mean by them what we do
        config, kept = self._config, np.ones(len(entries.codes), np.bool_)
        bare = [key for key in config.bare_keys if entries.has(key)]
        if bare:
            known = scopes.rows(config.bare_key_scopes) | marked(entries, config.bare_key_marks)
            for key in bare:
                kept[entries.of(key)] = known[entries.rows[entries.of(key)]]
        for key, marks in config.key_marks.items():
            if entries.has(key):
                kept[entries.of(key)] = marked(entries, marks)[entries.rows[entries.of(key)]]
        entries = entries if kept.all() else entries.filter(kept)
        model, has_model = self._usage.model(entries)
        found = self._steps.found(batch, entries, scopes, has_model)
        usage, calls = self._usage.columns(batch, entries, found, model)
        columns = {
            "Model": model,
            **usage,
            **self._steps.columns(batch, entries, found, calls, model),
            **self._content.columns(batch, attributes, entries),
        }
        for name, keys in self._ids.items():
            if any(map(entries.has, keys)):
                columns[name] = unwrapped(entries, entries.first(keys), self._config.json_encoded_prefixes)
        metadata = self._metadata.column(attributes)
        return columns if metadata is None else columns | {"Metadata": metadata}
