"""Redacts the columns of a batch: attributes by their keys, text by what it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa

from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import ends_of
from otel_sessions.processors.redaction.config import RedactionConfig
from otel_sessions.processors.redaction.keys import DROP, HIDE, SEARCH, KeyRules
from otel_sessions.processors.redaction.masked import with_masked
from otel_sessions.processors.redaction.values import ValueRules

_MAPS: Final = ("ResourceAttributes", "ScopeAttributes", "SpanAttributes")
_NOT_IDS: Final = (("ResourceCompositeKeys", "ResourceAttributes"), ("SpanCompositeKeys", "SpanAttributes"))
_LISTS: Final = ("Events.Attributes", "Links.Attributes")
_TEXTS: Final = ("StatusMessage", "UserId", "Input", "Output", "TraceInput", "TraceOutput")


class RedactionProcessor:
    """Works on the attributes of spans, their resources, scopes, events and links, and on status messages and previews.

    Names of spans and ids are left alone. Of a value that was masked whole no id is made. `count` is told of each value
    that was replaced or dropped.
    """

    def __init__(self, config: RedactionConfig, count: Callable[[int], None] = lambda _: None) -> None:
        self._keys = KeyRules(config)
        self._values = ValueRules(config, count)
        self._count = count
        self._mask = config.mask

    def process(self, batch: SpanBatch) -> SpanBatch:
        columns = {name: self._map(batch[name]) for name in _MAPS}
        columns |= {keys: with_masked(batch[keys], columns[name], self._mask) for keys, name in _NOT_IDS}
        columns |= {name: self._list(batch[name]) for name in _LISTS}
        columns |= {name: self._values.search(batch[name]) for name in _TEXTS}
        return batch.with_columns(columns)

    def _list(self, lists: pa.ListArray) -> pa.ListArray:
        offsets = lists.offsets
        start, stop = offsets[0].as_py(), offsets[-1].as_py()
        inner = self._map(lists.values.slice(start, stop - start))
        shifted = pa.array(offsets.to_numpy() - start, pa.int32())
        return pa.ListArray.from_arrays(shifted, inner, type=lists.type)

    def _map(self, maps: pa.MapArray) -> pa.MapArray:
        offsets = maps.offsets.to_numpy()
        start, stop = int(offsets[0]), int(offsets[-1])
        keys, items = maps.keys.slice(start, stop - start), maps.items.slice(start, stop - start)
        fates = self._keys.fates(keys)
        items = self._values.hide(items, fates == HIDE)
        items = self._values.search(items, fates == SEARCH)
        kept = fates != DROP
        if not kept.all():
            self._count(int((~kept).sum()))
            keys, items = keys.filter(pa.array(kept)), items.filter(pa.array(kept))
        return pa.MapArray.from_arrays(ends_of(offsets, kept), keys, items, type=maps.type)
