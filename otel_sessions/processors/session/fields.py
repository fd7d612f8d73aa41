"""Which column comes from which attributes: one table. A dialect adds a key to a list of `semconv`, a new column a row.

The columns of model calls and their content are in `otel_sessions.genai`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai import Keys
from otel_sessions.genai.texts import unwrapped
from otel_sessions.pdata.attributes import Entries, Indices
from otel_sessions.processors.session.config import SessionConfig
from otel_sessions.processors.session.tags import tag_lists


@dataclass(frozen=True, slots=True)
class Field:
    """A column: the keys it comes from, first match first, and what is made of the text found (empty without any)."""

    column: str
    keys: Callable[[SessionConfig], Keys]
    make: Callable[[pa.StringArray, SessionConfig], pa.Array] = lambda texts, config: texts
    resource: bool = False
    """Whether the resource's attributes count where the span has none."""


def _tags(texts: pa.StringArray, config: SessionConfig) -> pa.Array:
    return tag_lists(texts, config.max_tags)


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
