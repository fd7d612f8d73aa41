# SPDX-License-Identifier: Apache-2.0
"""All that is read of steps and model calls, as columns: what the processors `session` and `genai` share. Here is what
kind of step a span is, whether it is the call of a model, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.attributes import Metadata, MetadataEntries, Scopes, mark_keys, marked, unwrapped
from otel_sessions.genai.config import GenAiConfig, SummarySpan
from otel_sessions.genai.content import Content
from otel_sessions.genai.json_text import fits
from otel_sessions.genai.usage import Found, Usage
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, Mask, Named, empty_text
from otel_sessions.semconv import SDK_LANGUAGE
from otel_sessions.semconv.steps import StepKind

KINDS: Final = pa.array(get_args(StepKind), pa.string())
UNKNOWN: Final = -1
MODEL, EMBEDDING, TOOL, AGENT, RETRIEVAL, _, _, CHAIN, OTHER = range(len(KINDS))

_RELEASE: Final = re.compile(r"\d{1,9}(\.\d{1,9}){0,9}")
_REMEMBERED: Final = 10_000
_MAX_KIND: Final = 100
_OPERATION: Final = r"^(?:execute_tool|invoke_agent|create_agent) "
"""What the conventions put before the name of a tool or agent in the name of its span."""

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


# Kinds and names


class Steps:
    """Kinds of steps, each a function of its span alone.

    The first of `step_kind_keys` whose value is known decides: a value of `model_call_kinds` is a call, one of
    `no_call_kinds` is none. With other values a span is a call if it names a model and states a usage. Without any of
    the keys it is if it names a model, unless a hint, a mark or its library says that it sums up other calls.
    """

    def __init__(self, config: GenAiConfig) -> None:
        self._config = config
        self._fate = lru_cache(_REMEMBERED)(self._decide)
        self._calls = [kind.lower() for kind in config.model_call_kinds]
        self._no_calls = [kind.lower() for kind in config.no_call_kinds]
        places = {name: place for place, name in enumerate(KINDS.to_pylist())}
        self._kinds = [(places[name], [kind.lower() for kind in kinds]) for name, kinds in config.step_kinds.items()]

    @property
    def keys(self) -> list[str]:
        """The span attributes this reads."""
        config = self._config
        names = [*config.tool_name_keys, *config.agent_name_keys, *config.entity_name_keys]
        return [*config.step_kind_keys, *config.step_hint_keys, *mark_keys(config.summary_marks), *names]

    def found(self, batch: SpanBatch, entries: Entries, scopes: Scopes, has_model: Mask) -> Found:
        """What the spans are; `has_model` tells which name one."""
        kinds, call, has_kind = self._told(entries, self._config.step_kind_keys)
        hinted, hint, _ = self._told(entries, self._config.step_hint_keys)
        summaries = marked(entries, self._config.summary_marks)
        for summary in self._config.summary_spans:
            summaries |= _written_by(batch, scopes, summary)
        unknown = call == UNKNOWN
        calls = np.where(unknown, ~has_kind & has_model & ~summaries & (hint != 0), call == 1)
        with_usage, beside = unknown & has_kind & has_model, np.zeros(len(batch), np.bool_)
        for span in self._config.usage_spans:
            rows = _named(batch, scopes.rows([span.scope]), span.name)
            with_usage |= rows & ~calls
            if span.cache_beside:
                beside |= rows
        return Found(np.where(kinds == UNKNOWN, hinted, kinds), calls, with_usage, beside, summaries)

    def columns(
        self, batch: SpanBatch, entries: Entries, found: Found, calls: Mask, model: pa.StringArray
    ) -> dict[str, pa.Array]:
        """Kind, name and agent of the steps, once it is known which of them are calls of which model."""
        config = self._config
        lists = (config.tool_name_keys, config.agent_name_keys, config.entity_name_keys)
        tools, agents, others = (
            unwrapped(entries, entries.first(keys), config.json_encoded_prefixes)
            if any(map(entries.has, keys))
            else None
            for keys in lists
        )
        kinds = self._finished(
            found, calls, entries, has_tool=_filled(tools, len(batch)), has_agent=_filled(agents, len(batch))
        )
        if others is not None:
            agents = empty_text(len(batch)) if agents is None else agents
            agents = pc.if_else(pa.array((kinds == AGENT) & ~_filled(agents, len(batch))), others, agents)
        columns = {"StepKind": KINDS.take(pa.array(kinds)), "IsToolCall": pa.array((kinds == TOOL).astype(np.uint8))}
        columns["IsModelCall"] = pa.array(calls.astype(np.uint8))
        names = batch["SpanName"]
        plain = np.isin(kinds, (TOOL, AGENT))
        if plain.any():
            names = pc.if_else(pa.array(plain), pc.replace_substring_regex(names, _OPERATION, ""), names)
        if tools is not None and others is not None:
            others = pc.if_else(pc.equal(tools, ""), others, tools)
        tools = tools if others is None else others
        for kind, texts in ((TOOL, tools), (AGENT, agents), (MODEL, model), (EMBEDDING, model)):
            if texts is not None and (kinds == kind).any():
                use = pc.and_(pa.array(kinds == kind), pc.not_equal(texts, ""))
                names = pc.if_else(use, texts, names)
        return columns | {"StepName": names} | ({"AgentName": agents} if agents is not None else {})

    def _finished(self, found: Found, calls: Mask, entries: Entries, *, has_tool: Mask, has_agent: Mask) -> Indices:
        kinds = found.kinds.copy()
        models = (kinds == MODEL) | (kinds == EMBEDDING)
        kinds[models & ~calls] = CHAIN
        unknown = kinds == UNKNOWN
        kinds[unknown & found.summaries] = CHAIN
        kinds[unknown & found.summaries & has_agent] = AGENT
        kinds[unknown & has_tool] = TOOL
        kinds[unknown & calls] = MODEL
        for key, kind in _BY_MODEL_KEY.items():
            rows = entries.rows[entries.of(key)]
            kinds[rows[(unknown & calls)[rows]]] = kind
        kinds[kinds == UNKNOWN] = OTHER
        return kinds

    def _told(self, entries: Entries, keys: Sequence[str]) -> tuple[Indices, Indices, Mask]:
        """Of each row: the first kind of step that is known under one of the keys; whether it is a call, 1 or 0 by the
        first value of which that is known, else `UNKNOWN`; and whether it has any of the keys."""
        kinds, call = np.full(entries.length, UNKNOWN), np.full(entries.length, UNKNOWN)
        has = np.zeros(entries.length, np.bool_)
        for key in reversed([key for key in keys if entries.has(key)]):
            part = entries.of(key)
            rows, texts = entries.rows[part], entries.values.take(pa.array(entries.places[part])).dictionary_encode()
            fates = np.array([self._fate(text) for text in texts.dictionary.to_pylist()], np.int64)
            kind, calling = fates[texts.indices.to_numpy()].T
            has[rows] = True
            kinds[rows[kind != UNKNOWN]] = kind[kind != UNKNOWN]
            call[rows[calling != UNKNOWN]] = calling[calling != UNKNOWN]
        return kinds, call, has

    def _decide(self, text: str) -> tuple[int, int]:
        """The kind of step of a value, and whether it is a call."""
        value = text.strip().strip('"').lower()[:_MAX_KIND]
        kind = next((place for place, patterns in self._kinds if fits(value, patterns)), UNKNOWN)
        if fits(value, self._calls):
            return (MODEL if kind == UNKNOWN else kind), 1
        return kind, 0 if fits(value, self._no_calls) else UNKNOWN


_BY_MODEL_KEY: Final[Mapping[str, int]] = {"embedding.model_name": EMBEDDING, "reranker.model_name": RETRIEVAL}
"""OpenInference: what a step is that names its model so, and says nothing else."""


def _filled(texts: pa.StringArray | None, length: int) -> Mask:
    if texts is None:
        return np.zeros(length, np.bool_)
    filled: Mask = pc.binary_length(texts).to_numpy() > 0
    return filled


def _named(batch: SpanBatch, rows: Mask, pattern: str) -> Mask:
    """Which of the rows have a name that fits the pattern."""
    places = np.flatnonzero(rows)
    if not len(places):
        return rows
    names = batch["SpanName"].take(pa.array(places)).dictionary_encode()
    fitting = np.array([fits(name, [pattern]) for name in names.dictionary.to_pylist()], np.bool_)
    kept = rows.copy()
    kept[places] = fitting[names.indices.to_numpy()]
    return kept


def _written_by(batch: SpanBatch, scopes: Scopes, span: SummarySpan) -> Mask:
    found = _named(batch, scopes.rows([span.scope]), span.name)
    rows = np.flatnonzero(found)
    if not len(rows):
        return found
    taken = pa.array(rows)
    if span.language:
        languages = pc.map_lookup(batch["ResourceAttributes"].take(taken), SDK_LANGUAGE, "first")
        found[rows] &= pc.fill_null(pc.equal(languages, span.language), False).to_numpy(zero_copy_only=False)
    if span.since:
        versions = batch["ScopeVersion"].take(taken).to_pylist()
        found[rows] &= np.array([_release(version) >= _release(span.since) for version in versions], np.bool_)
    return found


def _release(version: str) -> list[int]:
    """The numbers that a version begins with; none, the oldest, where it does not."""
    matched = _RELEASE.match(version)
    return [int(part) for part in matched[0].split(".")] if matched else []
