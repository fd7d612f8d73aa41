# SPDX-License-Identifier: Apache-2.0
"""The traces of an insert, and which of them are in order by themselves: what a look at them would find is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata import NO_CLAIM, SpanBatch
from otel_sessions.sessions.attribution import TraceKey
from otel_sessions.sessions.attribution.hashes import SPAN_ID_CHARS, TRACE_ID_CHARS, Hashes, id_hashes, words

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
_NAMES: Final = ("Project", "TraceId", "SpanId", "SessionHint", "ClaimLevel", "ClaimId", "Timestamp")
_MAY_PAUSE_NS: Final = 3600 * 10**9
_OF_PROJECTS: Final = np.uint64(0x27D4EB2F165667C5)
_OF_SPANS: Final = np.uint64(0x85EBCA77C2B2AE63)


@dataclass(frozen=True, slots=True)
class Traces:
    """The traces of an insert: of each a hash of its id, and whether its spans alone are in order."""

    _ids: tuple[pa.Array, pa.Array]
    _first: Rows
    hashes: Hashes
    in_order: Mask

    def keys(self, chosen: Mask | None = None) -> set[TraceKey]:
        """Those of a mask; without one, all."""
        rows = pa.array(self._first if chosen is None else self._first[chosen])
        return set(zip(*(column.take(rows).to_pylist() for column in self._ids), strict=True))


def traces_of(batches: Sequence[SpanBatch]) -> Traces:
    """The traces of the batches of one insert.

    One is in order when no span of it comes twice, all of it is stored under one session, and that is the one of its
    best claim, or none where it has no claim: every span whose claim is of the best level there claims that session.
    Nor is there an hour in which it may pause: its spans do not start more than one apart.
    """
    columns = [pa.chunked_array([batch[name] for batch in batches]).combine_chunks() for name in _NAMES]
    projects, traces, spans, hints, levels, claims, times = columns
    ids = words(traces, TRACE_ID_CHARS)
    span_ids = words(spans, SPAN_ID_CHARS)
    if ids is None or span_ids is None or not len(ids):  # ids that a processor of somebody's own has made
        # Each row as a trace of its own, none of them in order.
        rows = len(traces)
        return Traces((projects, traces), np.arange(rows), np.zeros(rows, np.uint64), np.zeros(rows, np.bool_))
    hashes = id_hashes(ids)
    places = [column.dictionary_encode().indices.to_numpy() for column in (projects, hints)]
    keys = hashes + places[0].astype(np.uint64) * _OF_PROJECTS
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]))
    sizes = np.diff(starts, append=len(order))
    first = np.repeat(order[starts], sizes)
    level = levels.to_numpy()[order]
    is_best = level == np.repeat(np.minimum.reduceat(level, starts), sizes)
    claims_hint, has_none = (
        found.to_numpy(zero_copy_only=False)[order] for found in (pc.equal(claims, hints), pc.equal(hints, ""))
    )
    is_good = ~is_best | np.where(level < NO_CLAIM, claims_hint, has_none)
    for column in (*ids.T, *places):  # rows of one key are of one trace, and lie under one session
        is_good &= column[order] == column[first]
    is_good &= ~_repeated(id_hashes(span_ids) * _OF_SPANS + keys)[order]
    began = times.cast(pa.int64()).to_numpy()[order]
    is_short = np.maximum.reduceat(began, starts) - np.minimum.reduceat(began, starts) <= _MAY_PAUSE_NS
    in_order = np.logical_and.reduceat(is_good, starts) & is_short
    return Traces((projects, traces), order[starts], hashes[order[starts]], in_order)


def _repeated(keys: Hashes) -> Mask:
    """Which of these come more than once."""
    ordered = np.sort(keys)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.isin(keys, again) if len(again) else np.zeros(len(keys), np.bool_)
