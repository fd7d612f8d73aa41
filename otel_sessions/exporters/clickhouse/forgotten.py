# SPDX-License-Identifier: Apache-2.0
"""Drops spans that arrive for sessions which were deleted within `forget_for`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from otel_sessions.pdata import SpanBatch
from otel_sessions.sessions import deletion

_LOOK_S: Final = 1.0
"""How often to ask which sessions were deleted; what is stored in between is deleted soon after, see `Strays`."""


class Forgotten:
    """The sessions that were deleted, as ClickHouse said at the last look. Used by one thread."""

    def __init__(self, count: Callable[[int], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._clock = clock
        self._looked_at = float("-inf")
        self._sessions: dict[str, pa.Array] = {}
        self._traces: dict[str, pa.Array] = {}
        self.known_ns = 0
        """When the last deletion was that is known here, ns since 1970."""

    def look(self, client: Client) -> None:
        """Asks ClickHouse, if that is due; raises as `deletion.forgotten` does."""
        if self._clock() - self._looked_at < _LOOK_S:
            return
        sessions, traces = dict[str, list[str]](), dict[str, list[str]]()
        forgotten, known_ns = deletion.forgotten(client)
        for (project, session), of_session in forgotten.items():
            sessions.setdefault(project, []).append(session)
            traces.setdefault(project, []).extend(of_session)
        self._sessions = {project: pa.array(ids, pa.string()) for project, ids in sessions.items()}
        self._traces = {project: pa.array(ids, pa.string()) for project, ids in traces.items()}
        self._looked_at, self.known_ns = self._clock(), known_ns

    def without(self, batches: Sequence[SpanBatch]) -> Sequence[SpanBatch]:
        """The spans that may be stored; the others are counted."""
        if not self._sessions:
            return batches
        kept = []
        for batch in batches:
            stays = pa.array([True] * len(batch), pa.bool_())
            for project, sessions in self._sessions.items():
                here = pc.equal(batch["Project"], project)
                gone = pc.or_(
                    pc.is_in(batch["SessionHint"], value_set=sessions),
                    pc.is_in(batch["TraceId"], value_set=self._traces[project]),
                )
                stays = pc.and_(stays, pc.invert(pc.and_(here, gone)))
            kept.append(batch.filter(stays))
        dropped = sum(map(len, batches)) - sum(map(len, kept))
        if dropped:
            self._count(dropped)
        return [batch for batch in kept if len(batch)]
