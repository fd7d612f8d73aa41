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
from otel_sessions.sessions.attribution import CLOCKS_DIFFER_NS
from otel_sessions.sessions.deletion import Away, SessionKey

_LOOK_S: Final = 1.0
"""How often to ask which sessions were deleted; what is stored in between is deleted soon after, see `Strays`."""
_WHOLE_LOOK_S: Final = 600.0
"""How often to ask for all of them and not for new ones: those whose time is over leave the memory."""


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
            self._sessions[project, session] = Away((), away.until_ns, away.updated_ns)
            self.known_ns = max(self.known_ns, away.updated_ns)
            of_projects.setdefault(project, []).append(away)
        for project, found in of_projects.items():
            self._traces.setdefault(project, _Traces()).add(found)

    def without(self, batches: Sequence[SpanBatch]) -> Sequence[SpanBatch]:
        """The spans that may be stored; the others are counted."""
        if not self._sessions:
            return batches
        now_ns = self._now_ns()
        kept = []
        for batch in batches:
            stays = np.ones(len(batch), np.bool_)
            for project, traces in self._traces.items():
                here = pc.equal(batch["Project"], project).to_numpy(zero_copy_only=False)
                if here.any():
                    stays &= ~(
                        here
                        & (self._gone(project, batch["SessionHint"], now_ns) | traces.gone(batch["TraceId"], now_ns))
                    )
            kept.append(batch if stays.all() else batch.filter(pa.array(stays)))
        dropped = sum(map(len, batches)) - sum(map(len, kept))
        if dropped:
            self._count(dropped)
        return [batch for batch in kept if len(batch)]

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
    """The traces of sessions of one project that were deleted, in order of their ids, and until when each stays away.

    They may be a million, so they lie in arrays, and are asked for by what is stored and not the other way round.
    """

    def __init__(self) -> None:
        self._ids = np.array([], "S")
        self._until = np.array([], np.int64)

    def add(self, sessions: Sequence[Away]) -> None:
        ids = np.array([trace.encode() for away in sessions for trace in away.traces], "S")
        until = np.repeat([away.until_ns for away in sessions], [len(away.traces) for away in sessions])
        ids, until = np.concatenate([self._ids, ids]), np.concatenate([self._until, until.astype(np.int64)])
        order = np.argsort(ids, kind="stable")
        self._ids, self._until = ids[order], until[order]

    def gone(self, ids: pa.Array, now_ns: int) -> npt.NDArray[np.bool_]:
        """Which of these traces have to stay away."""
        found = ids.dictionary_encode()
        asked = np.array([trace.encode() for trace in found.dictionary.to_pylist()], "S")
        first, end = (np.searchsorted(self._ids, asked, side) for side in ("left", "right"))
        gone = np.zeros(len(asked), np.bool_)
        for place in np.flatnonzero(first < end):
            gone[place] = self._until[first[place] : end[place]].max() > now_ns
        stays_away: npt.NDArray[np.bool_] = gone[found.indices.to_numpy()]
        return stays_away
