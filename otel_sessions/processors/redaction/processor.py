# SPDX-License-Identifier: Apache-2.0
"""Redacts the columns of a batch: attributes by their keys, text by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.attributes import unwrap
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Indices, Named, ends_of
from otel_sessions.processors.redaction.config import RedactionConfig
from otel_sessions.processors.redaction.members import IdMembers
from otel_sessions.processors.redaction.values import ValueRules
from otel_sessions.semconv.sessions import JSON_ENCODED_PREFIXES

_MAPS: Final = ("ResourceAttributes", "ScopeAttributes", "SpanAttributes", "Metadata")
_NOT_IDS: Final = {"ResourceAttributes": "ResourceCompositeKeys", "SpanAttributes": "SpanCompositeKeys"}
_LISTS: Final = ("Events.Attributes", "Links.Attributes")
_TEXTS: Final = ("StatusMessage", "Input", "Output", "TraceInput", "TraceOutput")
_REMEMBERED: Final = 10_000


class Fate(NamedTuple):
    """What is to become of an attribute, by its key."""

    drop: bool = False
    hide: bool = False
    """Its value is secret."""
    search: bool = False
    """Its value may hold something secret."""
    is_id: bool = False
    encoded: bool = False
    """Its value may be JSON-encoded."""


class RedactionProcessor:
    """Works on the attributes of spans, their resources, scopes, events and links, and on status messages, tags,
    metadata, users and previews.

    Names of spans and ids are left alone. Of a value that was masked, whole or in part, no id is made: two people may
    have the same left. `count` is told of each value that was replaced or dropped.
    """

    def __init__(self, config: RedactionConfig, count: Callable[[int], None] = lambda _: None) -> None:
        self._config = config
        self._values = ValueRules(config, count)
        self._members = IdMembers(config.id_keys, self._values)
        self._count = count
        self._fate = lru_cache(_REMEMBERED)(self._decide)

    def process(self, batch: SpanBatch) -> SpanBatch:
        columns: dict[str, pa.Array] = {}
        for name in _MAPS:
            columns[name], masked = self._map(batch[name], batch.named(name))
            if name in _NOT_IDS and masked is not None:
                columns[_NOT_IDS[name]] = _with_keys(batch[_NOT_IDS[name]], *masked)
        for name in (*_LISTS, "Tags"):
            lists = batch[name]
            start, stop = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
            inner = lists.values.slice(start, stop - start)
            inner = self._values.search(inner)[0] if name == "Tags" else self._map(inner, Named.of(inner))[0]
            shifted = pa.array(lists.offsets.to_numpy() - start, pa.int32())
            columns[name] = pa.ListArray.from_arrays(shifted, inner, type=lists.type)
        columns |= {name: self._values.search(batch[name])[0] for name in _TEXTS}
        users = batch["UserId"]
        _, changed = self._values.search(users)
        if changed.any():  # ids that `session` made before: hashed whole, or none, where something in them is secret
            hidden = self._values.hide(users, changed) if self._values.hashes else ""
            users = pc.if_else(pa.array(changed), hidden, users)
        return batch.with_columns(columns | {"UserId": users})

    def _map(self, maps: pa.MapArray, named: Named) -> tuple[pa.MapArray, tuple[Indices, pa.StringArray] | None]:
        """The maps without what is secret; and the rows and keys, if any, whose value is no longer what it was."""
        if not len(named.codes):
            return maps, None
        fates = np.array([self._fate(key) for key in named.names.to_pylist()], np.bool_)[named.codes]
        drop, hide, search, is_id, encoded = fates.T
        items = self._values.hide(named.values, hide, is_id & encoded)
        objects = self._members.redact(named, items, search)
        items, search = objects.values, search & ~objects.where
        found, changed = self._values.search(unwrap(items, is_id & encoded & search), search)
        found = pc.if_else(pa.array(changed), found, items)
        whole = changed & is_id if self._values.hashes else np.zeros(len(items), np.bool_)
        if whole.any():
            found = pc.if_else(pa.array(whole), self._values.hide(items, whole, encoded), found)
        masked = np.flatnonzero((changed & ~whole) | pc.equal(found, self._config.mask).to_numpy(zero_copy_only=False))
        keys = named.names.take(pa.array(named.codes))
        rows = np.concatenate((named.rows_of(masked), objects.rows))
        masked_keys = (rows, pa.concat_arrays([keys.take(pa.array(masked)), objects.keys])) if len(rows) else None
        if drop.any():
            self._count(int(drop.sum()))
            keys, found = keys.filter(pa.array(~drop)), found.filter(pa.array(~drop))
        ends = ends_of(named.offsets, ~drop)
        return pa.MapArray.from_arrays(ends, keys, found, type=maps.type), masked_keys

    def _decide(self, key: str) -> Fate:
        config = self._config
        if key in config.ignored_keys:
            return Fate()
        if (not config.keeps_all_keys and key not in config.allowed_keys) or _matches(key, config.dropped_key_patterns):
            return Fate(drop=True)
        is_id, encoded = key in config.id_keys, key.startswith(JSON_ENCODED_PREFIXES)
        if _matches(key, config.blocked_key_patterns):
            return Fate(hide=True, is_id=is_id, encoded=encoded)
        return Fate(search=bool(config.blocked_values), is_id=is_id, encoded=encoded)


def _matches(key: str, patterns: Sequence[str]) -> bool:
    text = pa.array([key])
    return any(pc.match_substring_regex(text, pattern)[0].as_py() for pattern in patterns)


def _with_keys(lists: pa.ListArray, owners: Indices, keys: pa.StringArray) -> pa.ListArray:
    """The lists, each with these keys added that are of its row."""
    rows = np.concatenate((pc.list_parent_indices(lists).to_numpy(), owners))
    order = pa.array(np.argsort(rows, kind="stable"))
    values = pa.concat_arrays([lists.flatten(), keys]).take(order)
    ends = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(lists)))))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values, type=lists.type)
