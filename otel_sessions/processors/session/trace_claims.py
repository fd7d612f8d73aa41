# SPDX-License-Identifier: Apache-2.0
"""The session of each span that follows from the best claim of its trace, as far as that is known."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata import NO_CLAIM, SpanBatch
from otel_sessions.pdata.attributes import Indices, Mask
from otel_sessions.processors.session.memory import Claim, TraceKey, TraceMemory
from otel_sessions.processors.session.span_claims import Claims

_NONE: Final[Claim] = (NO_CLAIM, 1, 0, "")
_KEEPS_APART: Final = 2
"""Claims of levels up to this one, session ids, keep spans of one trace apart; conversation ids take a trace whole."""


def session_hints(batch: SpanBatch, claims: Claims, is_root: Mask, memory: TraceMemory) -> dict[str, pa.Array]:
    """The column `SessionHint`, from the spans of the batch and from what the memory holds of their traces.

    A span's own session where its claim is at the level of the best one and that is a session id, else that of the best
    claim; empty without any.
    """
    if not memory and not (claims.level < NO_CLAIM).any():
        return {}
    trace, keys = _traces(batch)
    own = _best(batch, claims, is_root, trace, len(keys))
    best = [memory.improve(key, claim) or _NONE for key, claim in zip(keys, own, strict=True)]
    levels = np.array([claim[0] for claim in best], np.uint8)[trace]
    ids = pa.array([claim[3] for claim in best], pa.string()).take(pa.array(trace))
    keeps = (claims.level == levels) & (levels <= _KEEPS_APART)
    return {"SessionHint": pc.if_else(pa.array(keeps), claims.id, ids)}


def _traces(batch: SpanBatch) -> tuple[Indices, list[TraceKey]]:
    """The number of each span's trace, and the traces by number."""
    projects, traces = batch["Project"].dictionary_encode(), batch["TraceId"].dictionary_encode()
    project_names, trace_ids = projects.dictionary.to_pylist(), traces.dictionary.to_pylist()
    number = traces.indices.to_numpy().astype(np.int64)
    if len(project_names) == 1:
        return number, [(project_names[0], trace_id) for trace_id in trace_ids]
    pairs = projects.indices.to_numpy().astype(np.int64) * len(trace_ids) + number
    distinct, number = np.unique(pairs, return_inverse=True)
    split = zip(*(part.tolist() for part in np.divmod(distinct, len(trace_ids))), strict=True)
    return number, [(project_names[project], trace_ids[trace]) for project, trace in split]


def _best(batch: SpanBatch, claims: Claims, is_root: Mask, trace: Indices, count: int) -> list[Claim | None]:
    """The best claim that the batch holds of each trace, by number."""
    not_root, start = 1 - is_root.astype(np.int64), batch["StartTimeUnixNano"].to_numpy()
    rows = np.flatnonzero(claims.level < NO_CLAIM)
    rows = _smallest(rows, trace, count, 2 * claims.level + not_root)
    rows = _smallest(rows, trace, count, start)
    ids = claims.id.take(pa.array(rows))
    if len(rows) > count or len(np.unique(trace[rows])) < len(rows):
        rank = np.zeros(len(trace), np.int64)
        rank[rows] = pc.rank(ids, tiebreaker="dense").to_numpy()
        rows = _smallest(rows, trace, count, rank)
        ids = claims.id.take(pa.array(rows))
    best: list[Claim | None] = [None] * count
    columns = (claims.level[rows].tolist(), not_root[rows].tolist(), start[rows].tolist(), ids.to_pylist())
    for number, claim in zip(trace[rows].tolist(), zip(*columns, strict=True), strict=True):
        best[number] = claim
    return best


def _smallest(rows: Indices, trace: Indices, count: int, key: Any) -> Indices:
    """The rows that have the smallest key of their trace."""
    least = np.full(count, np.iinfo(key.dtype).max, key.dtype)
    np.minimum.at(least, trace[rows], key[rows])
    kept: Indices = rows[key[rows] == least[trace[rows]]]
    return kept
