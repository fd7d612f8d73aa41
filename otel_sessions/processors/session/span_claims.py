# SPDX-License-Identifier: Apache-2.0
"""A span's own claim: which session id it carries, at which level (docs/architecture.md, "What a session is")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.attributes import unwrap
from otel_sessions.pdata import NO_CLAIM, Note, SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, Mask, empty_text, take_text
from otel_sessions.processors.session.config import SessionConfig


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that stand among the attributes of spans or of resources.

    An id is text that is not only white space, not what a scrubber left, not an array, map or bytes, and not too long.
    """

    entries: Entries
    texts: pa.StringArray
    valid: Mask
    too_long: Mask
    """Would be ids if they were shorter."""

    def first(self, keys: Sequence[str]) -> Indices:
        """The entry of each row under the first of these keys that holds an id, -1 without one."""
        return self.entries.first(keys, self.valid)


def find_ids(entries: Entries, composite: pa.ListArray, config: SessionConfig) -> Ids:
    """The ids under the session, conversation and user keys; `composite` lists the keys of each row that hold none."""
    keys = (*config.session_keys, *config.conversation_keys, *config.user_keys)
    entries = entries.only(filter(entries.has, keys))
    if not entries.parts:
        none = np.zeros(0, np.bool_)
        return Ids(entries, empty_text(0), none, none)
    texts = unwrap(entries.all_text(), entries.beginning(config.json_encoded_prefixes))
    length = pc.binary_length(texts).to_numpy()
    candidate = (length > 0) & ~_mask(pc.utf8_is_space(texts)) & ~entries.listed(composite)
    for prefix in config.scrubbed_prefixes:
        candidate &= ~_mask(pc.starts_with(texts, prefix))
    short = length <= config.max_session_id_bytes
    return Ids(entries, texts, candidate & short, candidate & ~short)


@dataclass(frozen=True, slots=True)
class Claims:
    """The own claim of each span: `NO_CLAIM` and empty text where there is none."""

    level: Indices
    id: pa.StringArray
    key: pa.StringArray

    def columns(self) -> dict[str, pa.Array]:
        return {"ClaimLevel": pa.array(self.level.astype(np.uint8)), "ClaimId": self.id, "ClaimKey": self.key}


def own_claims(span: Ids, resource: Ids, config: SessionConfig) -> Claims:
    """The claim of each span at its lowest level; within a level, that under the first key that holds an id."""
    levels = (
        (1, span, config.session_keys),
        (2, resource, config.session_keys),
        (3, span, config.conversation_keys),
        (4, resource, config.conversation_keys),
    )
    level = np.full(span.entries.length, NO_CLAIM, np.int64)
    place = np.full(span.entries.length, -1, np.int64)
    for number, ids, keys in reversed(levels):
        if not ids.entries.parts:
            continue
        chosen = ids.first(keys)
        has = chosen >= 0
        level[has] = number
        place[has] = chosen[has] + (len(span.valid) if ids is resource else 0)
    texts = pa.concat_arrays([span.texts, resource.texts])
    codes = np.concatenate((span.entries.codes, resource.entries.codes, [-1]))
    return Claims(level, take_text(texts, place), span.entries.keys.names(codes[place]))


def first_id(span: Ids, resource: Ids, keys: Sequence[str]) -> pa.StringArray:
    """The id under the first of these keys that holds one, the span's own before its resource's; else empty."""
    if not any(ids.entries.has(key) for ids in (span, resource) for key in keys):
        return empty_text(span.entries.length)
    own, inherited = span.first(keys), resource.first(keys)
    place = np.where(own >= 0, own, np.where(inherited >= 0, inherited + len(span.valid), -1))
    return take_text(pa.concat_arrays([span.texts, resource.texts]), place)


def note_too_long(batch: SpanBatch, span: Ids, resource: Ids, config: SessionConfig) -> SpanBatch:
    """The batch with a note to the requests whose spans carry a session id that is too long to be one."""
    keys = {*config.session_keys, *config.conversation_keys}
    rows = []
    for ids in (span, resource):
        if ids.too_long.any():
            claiming = np.array([key in keys for key in ids.entries.keys.keys], np.bool_)
            rows.append(ids.entries.rows[ids.too_long & claiming[ids.entries.codes]])
    if not any(map(len, rows)):
        return batch
    requests = np.unique(batch["Request"].to_numpy()[np.concatenate(rows)])
    limit = config.max_session_id_bytes
    message = f"Spans were stored without a session id that is longer than {limit} bytes."
    return batch.with_note(Note(tuple(requests.tolist()), message))


def _mask(values: Any) -> Mask:
    mask: Mask = values.to_numpy(zero_copy_only=False)
    return mask
