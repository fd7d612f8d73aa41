# SPDX-License-Identifier: Apache-2.0
"""All that is read of steps and model calls, as columns: what the processors `session` and `genai` share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.content import Content
from otel_sessions.genai.json_text import encodable, parse_object, scalar_text
from otel_sessions.genai.steps import Scopes, Steps, mark_keys, marked
from otel_sessions.genai.texts import replace_distinct, unwrapped
from otel_sessions.genai.usage import Usage
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, Named
from otel_sessions.pdata.schema import ATTRIBUTES

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

    `taken` are the attributes that others read, which are no metadata; `named` are attributes that are metadata as a
    whole, with the name of each.
    """

    def __init__(
        self, config: GenAiConfig, taken: tuple[str, ...] = (), named: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._config = config
        self._content = Content(config)
        self._usage = Usage(config)
        self._steps = Steps(config)
        self._ids = {"ResponseId": config.response_id_keys, "PreviousResponseId": config.previous_response_id_keys}
        marks = [*config.bare_key_marks, *(mark for marks in config.key_marks.values() for mark in marks)]
        ids = [key for keys in self._ids.values() for key in keys]
        self.keys = [*self._content.keys, *self._usage.keys, *self._steps.keys, *mark_keys(marks), *ids]
        """The span attributes that `columns` must be given."""
        self._metadata = Metadata(config, [*taken, *self.keys], named)

    def columns(
        self, batch: SpanBatch, attributes: Named, entries: Entries, more: MetadataEntries | None = None
    ) -> dict[str, pa.Array]:
        """The columns, by name, in which any span has something; all others have their default. `more` is metadata that
        is not in the attributes."""
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
        metadata = self._metadata.column(attributes, more)
        return columns if metadata is None else columns | {"Metadata": metadata}


_REMEMBERED: Final = 10_000
_OBJECT: Final = ""
"""What stands for the name where the value is an object with many."""


@dataclass(frozen=True, slots=True)
class MetadataEntries:
    """Pairs of a name and a text, with the row of each and the place in the list of what gave it."""

    rows: Indices
    ranks: Indices
    names: pa.StringArray
    texts: pa.StringArray


class Metadata:
    """The column `Metadata` from attributes `PREFIX.NAME`, and from JSON objects; a name has the value of the first
    of `metadata_keys` that gives it one. Keys and members that are read as something else (`taken`) are left out; those
    that are `named` come first."""

    def __init__(self, config: GenAiConfig, taken: Iterable[str], named: Mapping[str, str]) -> None:
        self._config = config
        self._named = dict(named)
        self._taken = frozenset(taken)
        self._prefixes = [key.removesuffix("*") for key in config.metadata_keys]
        self._place = lru_cache(_REMEMBERED)(self._find)

    def column(self, attributes: Named, more: MetadataEntries | None = None) -> pa.MapArray | None:
        """None if no span has any."""
        found = [self._place(name) for name in attributes.names.to_pylist()]
        ranks = np.array([rank for rank, _ in found], np.int64)
        if not (ranks >= 0).any():
            return None if more is None else self._maps(attributes.length, more)
        places = np.flatnonzero(ranks[attributes.codes] >= 0)
        codes = attributes.codes[places]
        # JSON strings as what they say, null as nothing
        texts = attributes.values.take(pa.array(places))
        wrapped = pc.or_(pc.starts_with(texts, '"'), pc.equal(texts, "null")).to_numpy(zero_copy_only=False)
        texts = replace_distinct(texts, wrapped, _string)
        names = pa.array([name for _, name in found], pa.string()).take(pa.array(codes))
        entries = MetadataEntries(attributes.rows_of(places), ranks[codes], names, texts)
        objects = pc.equal(names, _OBJECT).to_numpy(zero_copy_only=False)
        if objects.any():
            # the same with an entry for each member in the place of each object; every distinct object is opened once
            keys = attributes.names.take(pa.array(codes))
            mask = pa.array(objects)
            keys, texts = (each.filter(mask).dictionary_encode() for each in (keys, entries.texts))
            pairs = keys.indices.to_numpy() * np.int64(len(texts.dictionary)) + texts.indices.to_numpy()
            distinct, which = np.unique(pairs, return_inverse=True)
            names, values = keys.dictionary.to_pylist(), texts.dictionary.to_pylist()
            of_pairs = zip(*(part.tolist() for part in np.divmod(distinct, len(values))), strict=True)
            members = [self._members(names[key], values[text]) for key, text in of_pairs]
            counts = np.array([len(each) for each in members], np.int64)[which]
            columns = ([list(column) for column in zip(*each, strict=True)] or [[], []] for each in members)
            lists = list(zip(*columns, strict=True))
            inner = [pa.array(each, pa.list_(pa.string())).take(pa.array(which)).flatten() for each in lists]
            kept = pa.array(~objects)
            entries = MetadataEntries(
                np.concatenate((entries.rows[~objects], np.repeat(entries.rows[objects], counts))),
                np.concatenate((entries.ranks[~objects], np.repeat(entries.ranks[objects], counts))),
                pa.concat_arrays([entries.names.filter(kept), inner[0]]),
                pa.concat_arrays([entries.texts.filter(kept), inner[1]]),
            )
        if more is not None:
            entries = MetadataEntries(
                np.concatenate((entries.rows, more.rows)),
                np.concatenate((entries.ranks, more.ranks)),
                pa.concat_arrays([entries.names, more.names]),
                pa.concat_arrays([entries.texts, more.texts]),
            )
        return self._maps(attributes.length, entries)

    def _find(self, key: str) -> tuple[int, str]:
        """The place of a key, 0 where it is named, else from 1 in the list, and the name it gives; -1 for what is
        none."""
        if key in self._named:
            return 0, self._named[key]
        if key not in self._taken:
            for rank, prefix in enumerate(self._prefixes, 1):
                if key == prefix and not prefix.endswith("."):
                    return rank, _OBJECT
                if prefix.endswith(".") and key.startswith(prefix) and len(key) > len(prefix):
                    return rank, key[len(prefix) :]
        return -1, ""

    def _members(self, key: str, text: str) -> list[tuple[str, str]]:
        """The members, by name, of an object under a key that are metadata: text as it is, others as JSON."""
        found = []
        for given, value in parse_object(text).items():
            name = encodable(given) if isinstance(given, str) else ""
            if name and f"{key}#{name}" not in self._taken and f"{key}.{name}" not in self._taken:
                is_plain = value is None or isinstance(value, str | bool | int | float)
                shown = scalar_text(value) if is_plain else json.dumps(value, ensure_ascii=False, default=str)
                found.append((name, encodable(shown)))
        return found

    def _maps(self, length: int, entries: MetadataEntries) -> pa.MapArray | None:
        """A map a row, of the first text of each name, in the order of the list, and bounded."""
        rows, ranks, names, texts = entries.rows, entries.ranks, entries.names, entries.texts
        encoded = names.dictionary_encode()
        identity = rows * max(1, len(encoded.dictionary)) + encoded.indices.to_numpy()
        order = np.lexsort((ranks, identity))
        order = order[pc.binary_length(texts.take(pa.array(order))).to_numpy() > 0]
        first = np.ones(len(order), np.bool_)
        first[1:] = identity[order][1:] != identity[order][:-1]
        kept = order[first]
        kept = kept[np.lexsort((kept, ranks[kept], rows[kept]))]
        counts = np.bincount(rows[kept], minlength=length)
        places = np.arange(len(kept)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = kept[places < self._config.max_metadata_keys]
        if not len(kept):
            return None
        ends = np.concatenate(([0], np.cumsum(np.bincount(rows[kept], minlength=length))))
        cut = pc.utf8_slice_codeunits(texts.take(pa.array(kept)), 0, self._config.max_metadata_chars)
        return pa.MapArray.from_arrays(pa.array(ends, pa.int32()), names.take(pa.array(kept)), cut, type=ATTRIBUTES)


def _string(text: str) -> str:
    if text == "null":
        return ""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return encodable(value) if isinstance(value, str) else text
