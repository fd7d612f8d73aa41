# SPDX-License-Identifier: Apache-2.0
"""Which session a session goes on from, as OpenTelemetry's event `session.start` tells it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions import semconv
from otel_sessions.genai.columns import MetadataEntries
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import KeySet
from otel_sessions.processors.session.config import SessionConfig

_NAME = pa.scalar(semconv.SESSION_START)


def told_by_events(batch: SpanBatch, claims: pa.StringArray, config: SessionConfig) -> MetadataEntries | None:
    """The previous sessions that events tell of, as metadata of their spans; None without any.

    An event that names another session than the span itself claims says nothing of the span's.
    """
    names = batch["Events.Name"].flatten()
    if not config.previous_session_keys or not len(names) or not pc.any(pc.equal(names, _NAME)).as_py():
        return None
    rows = pc.list_parent_indices(batch["Events.Name"]).to_numpy()
    begins = pc.equal(names, _NAME).to_numpy(zero_copy_only=False)
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
