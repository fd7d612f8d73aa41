"""The best claim of each span's trace as far as it is known, and the session that follows from it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata import NO_CLAIM, SpanBatch
from otel_sessions.pdata.attributes import Indices, Mask
from otel_sessions.processors.session.claims import Claims
from otel_sessions.processors.session.memory import Claim, TraceKey, TraceMemory

_NONE: Final = Claim(NO_CLAIM, 1, 0, "")
_SCHEMA: Final = pa.schema(
    [("BestLevel", pa.uint8()), ("BestNotRoot", pa.uint8()), ("BestStart", pa.uint64()), ("BestId", pa.string())]
)


def best_claims(batch: SpanBatch, claims: Claims, is_root: Mask, memory: TraceMemory) -> dict[str, pa.Array]:
    """The columns of the best claim, from the spans of the batch and from what the memory holds of their traces."""
    if not memory and not (claims.level < NO_CLAIM).any():
        return {}
    trace, keys = _traces(batch)
    own = _best(batch, claims, is_root, trace, len(keys))
    best = [memory.improve(key, claim) or _NONE for key, claim in zip(keys, own, strict=True)]
    levels, not_roots, starts, ids = zip(*best, strict=True)
    per_trace = [
        pa.array(column, type_) for column, type_ in zip((levels, not_roots, starts, ids), _SCHEMA.types, strict=True)
    ]
    columns = {name: column.take(pa.array(trace)) for name, column in zip(_SCHEMA.names, per_trace, strict=True)}
    return columns | {"SessionHint": _hint(claims, columns)}


def _hint(claims: Claims, best: dict[str, pa.Array]) -> pa.StringArray:
    """A span's own session where its claim is at the best level, else that of the best claim; empty without any."""
    own = claims.level == best["BestLevel"].to_numpy()
    return pc.if_else(pa.array(own), claims.id, best["BestId"])


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
    for number, claim in zip(trace[rows].tolist(), map(Claim._make, zip(*columns, strict=True)), strict=True):
        best[number] = claim
    return best


def _smallest(rows: Indices, trace: Indices, count: int, key: Any) -> Indices:
    """Those of the rows that have the smallest key of their trace."""
    least = np.full(count, np.iinfo(key.dtype).max, key.dtype)
    np.minimum.at(least, trace[rows], key[rows])
    kept: Indices = rows[key[rows] == least[trace[rows]]]
    return kept
