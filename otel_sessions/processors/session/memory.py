# SPDX-License-Identifier: Apache-2.0
"""What is remembered: of recent traces the best claim seen of each, of services when they last claimed a session."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata import NO_CLAIM, SpanBatch

TraceKey: TypeAlias = "tuple[str, str]"
"""Project, trace id."""

Claim: TypeAlias = "tuple[int, int, int, str]"
"""Level, 1 unless the span is a root, start time, session id: a claim of a span in the order in which claims of one
trace compare, the smallest is the best.

Python compares text by code points, which is the order of its UTF-8 bytes. It is a tuple, and no class of its own, as
the garbage collector lets go of tuples of plain values, and there are many.
"""

_ENTRY_BYTES: Final = 400
"""About what an entry takes besides its session id, measured on CPython 3.11."""


class TraceMemory:
    """The best claims of recently seen traces, at most `traces` of them in about `max_bytes`.

    Two generations: when the younger one is half of all that may be kept, the older one is forgotten. A trace that is
    seen again counts as young again.
    """

    def __init__(self, traces: int, max_bytes: int) -> None:
        self._half_traces = traces // 2
        self._half_bytes = max_bytes // 2
        self.clear()

    def clear(self) -> None:
        self._young: dict[TraceKey, Claim] = {}
        self._old: dict[TraceKey, Claim] = {}
        self._young_bytes = 0

    def __len__(self) -> int:
        return len(self._young) + sum(key not in self._young for key in self._old)

    def __bool__(self) -> bool:
        return bool(self._young or self._old)

    def improve(self, trace: TraceKey, claim: Claim | None) -> Claim | None:
        """The better of this claim and the one remembered, which is remembered from now on."""
        young = self._young.get(trace)
        best = young or self._old.get(trace)
        if claim is not None and (best is None or claim < best):
            best = claim
        if best is not None and best is not young:
            added = _size(best) - (_size(young) if young else 0)
            if len(self._young) + (young is None) > self._half_traces or self._young_bytes + added > self._half_bytes:
                self._old, self._young, self._young_bytes = self._young, {}, 0
                added = _size(best)
                self._old.pop(trace, None)
            if self._half_traces and added <= self._half_bytes:
                self._young[trace] = best
                self._young_bytes += added
        return best


def _size(claim: Claim) -> int:
    return _ENTRY_BYTES + 4 * len(claim[3])


CLAIMED_S: Final = 3600.0
"""How long after its last claim a service is still expected to make another."""
_SERVICES: Final = 10_000
_DEAR: Final = 256
"""Of so many spans at once it is worth while to wait for the first claim of a service. Fewer are cheaply corrected, and
whoever tries it by hand sees them at once."""


class Claiming:
    """When each service, of a project, was first seen and last claimed a session; 10,000 at most are remembered."""

    def __init__(self, clock: Callable[[], float], young_s: float) -> None:
        """`young_s` is how long a service that has claimed nothing yet is given for its first claim."""
        self._clock = clock
        self._young_s = young_s
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()  # the first seen first
        self._claimed: OrderedDict[tuple[str, str], float] = OrderedDict()  # the latest last

    def see(self, batch: SpanBatch) -> None:
        """Takes note of the services and claims of a processed batch."""
        services, now = batch.record.select(["Project", "ServiceName"]), self._clock()
        for service in _distinct(services):
            self._seen.setdefault(service, now)
        for service in _distinct(services.filter(pc.less(batch["ClaimLevel"], NO_CLAIM))):
            self._claimed[service] = now
            self._claimed.move_to_end(service)
        for known in (self._seen, self._claimed):
            while len(known) > _SERVICES:
                known.popitem(last=False)

    def has_claimed(self, project: str, service: str) -> bool:
        """Whether the service has ever claimed a session, as far as is remembered."""
        return (project, service) in self._claimed

    def expects(self, batch: SpanBatch) -> pa.BooleanArray:
        """Which spans a claim may come for: their service has made one within the last hour; or it has had no time to
        make its first, the root of the trace, which mostly has it, is not there, and they are many."""
        now = self._clock()
        services = batch.record.select(["Project", "ServiceName"])
        expected = pa.repeat(pa.scalar(False), len(batch)) if len(batch) else pa.array([], pa.bool_())
        for project, service in _distinct(services):
            claimed = self._claimed.get((project, service))
            since = self._seen.get((project, service), now) if claimed is None else claimed
            if now - since < (self._young_s if claimed is None else CLAIMED_S):
                due = pc.and_(pc.equal(services["Project"], project), pc.equal(services["ServiceName"], service))
                if claimed is None:
                    with_root = batch["TraceId"].filter(pc.equal(batch["IsRoot"], 1))
                    due = pc.and_not(due, pc.is_in(batch["TraceId"], with_root))
                if claimed is not None or due.true_count >= _DEAR:
                    expected = pc.or_(expected, due)
        return expected


def _distinct(services: pa.RecordBatch) -> list[tuple[str, str]]:
    rows = pa.Table.from_batches([services]).group_by(["Project", "ServiceName"]).aggregate([])
    return list(zip(rows["Project"].to_pylist(), rows["ServiceName"].to_pylist(), strict=True))
