"""The columns of content: previews of what went in and came out, of a step and of its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.events import Events
from otel_sessions.genai.families import Families, Pieces, is_family
from otel_sessions.genai.messages import MODEL, USER
from otel_sessions.genai.previews import preview
from otel_sessions.genai.spoken import last_said
from otel_sessions.genai.texts import unwrapped
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, the keys it comes from, whose words are wanted, and the events where no key has any."""

    name: str
    keys: Sequence[str]
    roles: frozenset[str]
    events: Sequence[str] = ()


class Content:
    """`Input`, `Output`, `TraceInput`, `TraceOutput`: the first key with a value wins, attributes before events."""

    def __init__(self, config: GenAiConfig) -> None:
        self._config = config
        self._columns: Final = (
            _Column("Input", config.input_keys, USER, config.input_events),
            _Column("Output", config.output_keys, MODEL, config.output_events),
            _Column("TraceInput", config.trace_input_keys, USER),
            _Column("TraceOutput", config.trace_output_keys, MODEL),
        )
        listed = [key for column in self._columns for key in column.keys]
        self.keys = [key for key in listed if not is_family(key)]
        self._families = Families(key for key in listed if is_family(key))
        self._events = Events([*config.input_events, *config.output_events])

    def columns(self, batch: SpanBatch, entries: Entries) -> dict[str, pa.Array]:
        """Those for which any span has something."""
        families, events = self._families.pieces(batch["SpanAttributes"]), self._events.found(batch)
        found = {}
        for column in self._columns:
            texts = self._attributes(column, entries, families)
            if events is not None and column.events:
                others = events.texts(column.events, len(batch))
                texts = others if texts is None else pc.if_else(pc.equal(texts, ""), others, texts)
            if texts is not None:
                found[column.name] = preview(texts, column.roles, self._config.max_preview_chars)
        return found

    def _attributes(self, column: _Column, entries: Entries, families: Mapping[str, Pieces]) -> pa.StringArray | None:
        """The text of each row by the order of the keys, None if no row has any."""
        plain = [key for key in column.keys if entries.has(key)]
        flattened = [key for key in column.keys if key in families]
        if not plain and not flattened:
            return None
        chosen = entries.first(plain)
        texts = unwrapped(entries, chosen, self._config.json_encoded_prefixes)
        if not flattened:
            return texts
        rank = _ranks(column, entries, plain, chosen)
        for key in reversed(flattened):
            rows, said = last_said(families[key], column.roles, entries.length)
            use = rows & (rank > column.keys.index(key))
            texts = pc.replace_with_mask(texts, pa.array(use), said.filter(pa.array(use[rows])))
            rank[use] = column.keys.index(key)
        return texts


def _ranks(column: _Column, entries: Entries, plain: Sequence[str], chosen: Indices) -> Indices:
    """The place in the list of each row's key, that after the last one for rows without any."""
    rank = np.full(entries.length, len(column.keys), np.int64)
    for key in plain:
        part = entries.of(key)
        rank[(chosen >= part.start) & (chosen < part.stop)] = column.keys.index(key)
    return rank
