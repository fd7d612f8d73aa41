# SPDX-License-Identifier: Apache-2.0
"""Drops spans that arrive for sessions which were deleted within `forget_for`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from otel_sessions.pdata import SpanBatch
from otel_sessions.sessions import deletion
from otel_sessions.sessions.attribution import CLOCKS_DIFFER_NS, NO_CLAIM
from otel_sessions.sessions.deletion import KEEPS_APART, Away, SessionKey

_LOOK_S: Final = 1.0
"""How often to ask which sessions were deleted; what is stored in between is deleted soon after, see `Strays`."""
_WHOLE_LOOK_S: Final = 600.0
"""How often to ask for all of them and not for new ones: those whose time is over leave the memory."""

_NOT_KNOWN: Final = 255
"""Of what level the best claim is of a trace that no deleted session had."""


class Forgotten:
    """The sessions that were deleted, as ClickHouse said at the last look. Used by one thread."""

    def __init__(
        self,
        count: Callable[[int], object],
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._count = count
        self._clock = clock
        self._now_ns = now_ns
        self._looked_at = self._looked_whole_at = float("-inf")
        self._asked_ns = 0
        self._sessions: dict[SessionKey, Away] = {}
        self._traces: dict[str, _Traces] = {}
        self.known_ns = 0
        """When the last deletion was that is known here, ns since 1970."""

    def look(self, client: Client) -> None:
        """Asks ClickHouse what is new, if that is due; raises as `deletion.forgotten` does."""
        now = self._clock()
        if now - self._looked_at < _LOOK_S:
            return
        asked_ns, is_whole = self._now_ns(), now - self._looked_whole_at >= _WHOLE_LOOK_S
        if not is_whole:
            said = deletion.forgotten(client, self._asked_ns - CLOCKS_DIFFER_NS)
            new = {key: away for key, away in said.items() if self._updated(key) < away.updated_ns}
            is_whole = any(
                key in self._sessions and away.until_ns < self._sessions[key].until_ns for key, away in new.items()
            )
        if is_whole:
            new = deletion.forgotten(client)
            self._sessions, self._traces, self._looked_whole_at = {}, {}, now
        self._take(new)
        self._looked_at, self._asked_ns = now, asked_ns

    def _updated(self, key: SessionKey) -> int:
        return self._sessions[key].updated_ns if key in self._sessions else 0

    def _take(self, new: Mapping[SessionKey, Away]) -> None:
        of_projects = dict[str, list[Away]]()
        for (project, session), away in new.items():
            self._sessions[project, session] = Away((), (), away.until_ns, away.updated_ns)
            self.known_ns = max(self.known_ns, away.updated_ns)
            of_projects.setdefault(project, []).append(away)
        for project, found in of_projects.items():
            self._traces.setdefault(project, _Traces()).add(found)

    def without(self, client: Client, batches: Sequence[SpanBatch]) -> Sequence[SpanBatch]:
        """The spans that may be stored; the others are counted. Raises as `deletion.best_claims` does."""
        if not self._sessions:
            return batches
        now_ns = self._now_ns()
        kept = [self._of_batch(client, batch, now_ns) for batch in batches]
        dropped = sum(map(len, batches)) - sum(map(len, kept))
        if dropped:
            self._count(dropped)
        return [batch for batch in kept if len(batch)]

    def _of_batch(self, client: Client, batch: SpanBatch, now_ns: int) -> SpanBatch:
        """The spans of a batch that may be stored. Those that name a session for themselves, in a trace of one that was
        deleted, are in the one that they name, whatever is known of the trace."""
        stays, hints, claimed = np.ones(len(batch), np.bool_), batch["SessionHint"], batch["ClaimLevel"].to_numpy()
        for project, traces in self._traces.items():
            here = pc.equal(batch["Project"], project).to_numpy(zero_copy_only=False)
            if not here.any():
                continue
            levels = traces.levels(batch["TraceId"], now_ns)
            is_known = here & (levels < _NOT_KNOWN)
            names = is_known & (claimed <= np.minimum(levels, KEEPS_APART))
            if names.any():
                hints = pc.if_else(pa.array(names), batch["ClaimId"], hints)
            gone = here & self._gone(project, hints, now_ns)
            if (doubtful := gone & ~is_known & (claimed > 1)).any():
                hints = self._by_what_is_stored(client, project, batch, hints, doubtful)
                gone = here & self._gone(project, hints, now_ns)
            stays &= ~(gone | (is_known & ~names))
        if hints is not batch["SessionHint"]:
            batch = batch.with_columns({"SessionHint": hints})
        return batch if stays.all() else batch.filter(pa.array(stays))

    def _by_what_is_stored(
        self, client: Client, project: str, batch: SpanBatch, hints: pa.Array, doubtful: npt.NDArray[np.bool_]
    ) -> pa.Array:
        """The sessions of spans, of which some seem to be of deleted ones: of these as the rule has it of what is
        stored of their traces and of the batch. Nobody here may know their session, as after a restart."""
        traces = pc.unique(batch["TraceId"].filter(pa.array(doubtful))).to_pylist()
        best = {
            trace: claim for (_, trace), claim in deletion.best_claims(client, [(project, t) for t in traces]).items()
        }
        if not best:
            return hints
        theirs = pc.and_(pc.equal(batch["Project"], project), pc.is_in(batch["TraceId"], pa.array([*best])))
        rows = np.flatnonzero(theirs.to_numpy(zero_copy_only=False))
        columns = ("TraceId", "ClaimLevel", "IsRoot", "StartTimeUnixNano", "ClaimId")
        of_rows = [*zip(*(batch[name].take(pa.array(rows)).to_pylist() for name in columns), strict=True)]
        for trace, level, is_root, start, id_ in of_rows:
            if level < NO_CLAIM:
                best[trace] = min(best[trace], (level, 1 - is_root, start, id_))
        found = hints.to_pylist()
        for row, (trace, level, _, _, id_) in zip(rows.tolist(), of_rows, strict=True):
            if doubtful[row]:
                found[row] = id_ if level == best[trace][0] <= KEEPS_APART else best[trace][3]
        return pa.array(found, hints.type)

    def _gone(self, project: str, hints: pa.Array, now_ns: int) -> npt.NDArray[np.bool_]:
        """Which of these sessions have to stay away."""
        found = hints.dictionary_encode()
        gone = [
            (project, hint) in self._sessions and self._sessions[project, hint].until_ns > now_ns
            for hint in found.dictionary.to_pylist()
        ]
        stays_away: npt.NDArray[np.bool_] = np.array(gone, np.bool_)[found.indices.to_numpy()]
        return stays_away


class _Traces:
    """The traces of sessions of one project that were deleted, in order of their ids: until when each stays away, and
    of what level its best claim was.

    They may be a million, so they lie in arrays, and are asked for by what is stored and not the other way round.
    """

    def __init__(self) -> None:
        self._ids = np.array([], "S")
        self._until = np.array([], np.int64)
        self._levels = np.array([], np.uint8)

    def add(self, sessions: Sequence[Away]) -> None:
        ids = np.array([trace.encode() for away in sessions for trace in away.traces], "S")
        until = np.repeat([away.until_ns for away in sessions], [len(away.traces) for away in sessions])
        levels = np.array([level for away in sessions for level in away.levels], np.uint8)
        ids, until = np.concatenate([self._ids, ids]), np.concatenate([self._until, until.astype(np.int64)])
        order = np.argsort(ids, kind="stable")
        self._ids, self._until = ids[order], until[order]
        self._levels = np.concatenate([self._levels, levels])[order]

    def levels(self, ids: pa.Array, now_ns: int) -> npt.NDArray[np.uint8]:
        """Of each of these traces the best level by which a deleted session had it; `_NOT_KNOWN` of those that none had
        of which anything stays away now."""
        found = ids.dictionary_encode()
        asked = np.array([trace.encode() for trace in found.dictionary.to_pylist()], "S")
        first, end = (np.searchsorted(self._ids, asked, side) for side in ("left", "right"))
        best = np.full(len(asked), _NOT_KNOWN, np.uint8)
        for place in np.flatnonzero(first < end):
            those = slice(first[place], end[place])
            stays_away = self._until[those] > now_ns
            best[place] = self._levels[those][stays_away].min(initial=_NOT_KNOWN)
        levels: npt.NDArray[np.uint8] = best[found.indices.to_numpy()]
        return levels
