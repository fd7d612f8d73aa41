# SPDX-License-Identifier: Apache-2.0
"""Which column comes from which attributes: one table. A dialect adds a key to a list of `semconv`, a new column a row.

The columns of model calls and their content are in `otel_sessions.genai`. The one thing that events tell beside, the
session that a session goes on from, is `told_by_events`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions import semconv
from otel_sessions.genai.attributes import MetadataEntries, unwrapped
from otel_sessions.genai.config import Keys
from otel_sessions.genai.json_text import MAX_JSON_BYTES, NOT_JSON, encodable, parse_json
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, KeySet
from otel_sessions.processors.session.config import SessionConfig


@dataclass(frozen=True, slots=True)
class Field:
    """A column: the keys it comes from, first match first, and what is made of the text found (empty without any)."""

    column: str
    keys: Callable[[SessionConfig], Keys]
    make: Callable[[pa.StringArray, SessionConfig], pa.Array] = lambda texts, config: texts
    resource: bool = False
    """Whether the resource's attributes count where the span has none."""


def _tags(texts: pa.StringArray, config: SessionConfig) -> pa.Array:
    """The tags in each text, a JSON array or comma separated: distinct, in order, at most `max_tags`."""
    distinct, lists = texts.dictionary_encode(), list[list[str]]()
    for text in distinct.dictionary.to_pylist():
        value = parse_json(text) if text.lstrip()[:1] in ("[", '"') else NOT_JSON
        if isinstance(value, list):
            given = ["" if item is None else item for item in value]
            tags = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in given]
        else:
            tags = [value] if isinstance(value, str) else text[:MAX_JSON_BYTES].split(",")
        different = dict.fromkeys(tag for tag in map(str.strip, map(encodable, tags)) if tag)
        lists.append(list(different)[: config.max_tags])
    return pa.array(lists, pa.list_(pa.string())).take(distinct.indices)


_SESSION_START: Final = pa.scalar(semconv.SESSION_START)
FIELDS: Final = (
    Field("Environment", lambda config: config.environment_keys, resource=True),
    Field("TraceName", lambda config: config.trace_name_keys),
    Field("Tags", lambda config: config.tag_keys, _tags),
)


def span_keys(config: SessionConfig) -> list[str]:
    """The span attributes that the table reads."""
    return [key for field in FIELDS for key in field.keys(config)]


def columns(span: Entries, resource: Entries, config: SessionConfig) -> dict[str, pa.Array]:
    """The columns of the table; one of which no row has a key is left as it is."""
    found = {}
    for field in FIELDS:
        keys = field.keys(config)
        if not any(map(span.has, keys)) and not (field.resource and any(map(resource.has, keys))):
            continue
        own = span.first(keys)
        texts = unwrapped(span, own, config.json_encoded_prefixes)
        if field.resource:
            inherited = resource.first(keys)
            use = (own < 0) & (inherited >= 0)
            if use.any():
                others = unwrapped(resource, inherited, config.json_encoded_prefixes)
                texts = pc.if_else(pa.array(use), others, texts)
        found[field.column] = field.make(texts, config)
    return found


def told_by_events(batch: SpanBatch, claims: pa.StringArray, config: SessionConfig) -> MetadataEntries | None:
    """The previous sessions that events tell of, as metadata of their spans; None without any.

    An event that names another session than the span itself claims says nothing of the span's.
    """
    names = batch["Events.Name"].flatten()
    if not config.previous_session_keys or not len(names) or not pc.any(pc.equal(names, _SESSION_START)).as_py():
        return None
    rows = pc.list_parent_indices(batch["Events.Name"]).to_numpy()
    begins = pc.equal(names, _SESSION_START).to_numpy(zero_copy_only=False)
    keys = KeySet([semconv.SESSION_ID, *config.previous_session_keys])
    entries = keys.entries(batch["Events.Attributes"].flatten())
    previous = entries.text(entries.first(config.previous_session_keys))
    told, own = entries.text(entries.first([semconv.SESSION_ID])), claims.take(pa.array(rows))
    fits = pc.or_(pc.or_(pc.equal(told, own), pc.equal(told, "")), pc.equal(own, ""))
    says = begins & pc.and_(fits, pc.not_equal(previous, "")).to_numpy(zero_copy_only=False)
    # as all metadata, the first of a span; the last event stands
    events = np.flatnonzero(says)[::-1]
    if not len(events):
        return None
    return MetadataEntries(
        rows[events].astype(np.int64),
        np.zeros(len(events), np.int64),
        pa.repeat(pa.scalar(semconv.SESSION_PREVIOUS_ID), len(events)),
        previous.take(pa.array(events)),
    )
