# SPDX-License-Identifier: Apache-2.0
"""Which column comes from which attributes: one table. A dialect adds a key to a list of `semconv`, a new column a row.

The columns of model calls and their content are in `otel_sessions.genai`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import Keys
from otel_sessions.genai.texts import unwrapped
from otel_sessions.genai.wrapped import MAX_JSON_BYTES, NOT_JSON, encodable, parse_json
from otel_sessions.pdata.attributes import Entries, Indices
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
    # the tags in each text: a JSON array, or comma separated; distinct, in order, `limit` at most
    distinct = texts.dictionary_encode()
    lists = [_tags_in(text, config.max_tags) for text in distinct.dictionary.to_pylist()]
    return pa.array(lists, pa.list_(pa.string())).take(distinct.indices)


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
        inherited = resource.first(keys) if field.resource else np.full(span.length, -1, np.int64)
        found[field.column] = field.make(_text(span, own, resource, inherited, config), config)
    return found


def _text(span: Entries, own: Indices, resource: Entries, inherited: Indices, config: SessionConfig) -> pa.StringArray:
    texts = unwrapped(span, own, config.json_encoded_prefixes)
    use = (own < 0) & (inherited >= 0)
    if not use.any():
        return texts
    mask = pa.array(use)
    return pc.replace_with_mask(texts, mask, unwrapped(resource, inherited, config.json_encoded_prefixes).filter(mask))


def _tags_in(text: str, limit: int) -> list[str]:
    value = parse_json(text) if text.lstrip()[:1] in ("[", '"') else NOT_JSON
    if isinstance(value, list):
        tags = [_scalar(item) for item in value]
    elif isinstance(value, str):
        tags = [value]
    else:
        tags = text[:MAX_JSON_BYTES].split(",")
    return list(dict.fromkeys(tag for tag in map(str.strip, map(encodable, tags)) if tag))[:limit]


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
