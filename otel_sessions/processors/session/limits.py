# SPDX-License-Identifier: Apache-2.0
"""Bounds on what one span may hold: the first so many attributes, events and links are kept, the rest is counted.

The counts go where OTLP has them, with what the SDK had dropped already, and the sender is told.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
from pydantic import NonNegativeInt

from otel_sessions.component import Settings
from otel_sessions.pdata import Note, SpanBatch
from otel_sessions.pdata.attributes import Mask, ends_of

_EVENTS: Final = ("Events.Timestamp", "Events.Name", "Events.Attributes", "Events.DroppedAttributesCount")
_LINKS: Final = (
    "Links.TraceId",
    "Links.SpanId",
    "Links.TraceState",
    "Links.Attributes",
    "Links.DroppedAttributesCount",
    "Links.Flags",
)


class SpanLimits(Settings):
    """How many a span may have; 0 is no limit. What is beyond still counts for the session: it is read before."""

    attributes: NonNegativeInt = 2_000
    events: NonNegativeInt = 10_000
    links: NonNegativeInt = 10_000


def limited(batch: SpanBatch, limits: SpanLimits) -> SpanBatch:
    """The batch within the limits, with a note to each request of which something was left out."""
    for what, limit, columns, count in (
        ("attributes", limits.attributes, ("SpanAttributes",), "DroppedAttributesCount"),
        ("events", limits.events, _EVENTS, "DroppedEventsCount"),
        ("links", limits.links, _LINKS, "DroppedLinksCount"),
    ):
        if not limit:
            continue
        lengths = np.diff(batch[columns[0]].offsets.to_numpy())
        over = np.maximum(lengths.astype(np.int64) - limit, 0)
        if over.any():
            places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            cut = {name: _cut(batch[name], places < limit) for name in columns}
            dropped = np.minimum(batch[count].to_numpy().astype(np.int64) + over, 2**32 - 1)
            requests = np.unique(batch["Request"].to_numpy()[over > 0])
            message = f"Spans were stored with their first {limit} {what}; the others were left out."
            batch = batch.with_columns(cut | {count: pa.array(dropped, pa.uint32())})
            batch = batch.with_note(Note(tuple(requests.tolist()), message))
    return batch


def _cut(lists: pa.Array, kept: Mask) -> pa.Array:
    """The lists, or maps, of the entries that are kept."""
    offsets = lists.offsets.to_numpy()
    start, size = int(offsets[0]), len(kept)
    ends = ends_of(offsets, kept)
    mask = pa.array(kept)
    if pa.types.is_map(lists.type):
        keys, items = (part.slice(start, size).filter(mask) for part in (lists.keys, lists.items))
        return pa.MapArray.from_arrays(ends, keys, items, type=lists.type)
    return pa.ListArray.from_arrays(ends, lists.values.slice(start, size).filter(mask), type=lists.type)
