"""Which services claim sessions: of those that do, spans without a claim may wait for the one of their trace."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata import NO_CLAIM, SpanBatch

CLAIMED_S: Final = 3600.0
"""How long after its last claim a service is still expected to make another."""
_SERVICES: Final = 10_000


class Claiming:
    """When each service, of a project, last claimed a session; at most 10,000 of them are remembered."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._claimed: OrderedDict[tuple[str, str], float] = OrderedDict()  # the latest last

    def see(self, batch: SpanBatch) -> None:
        """Takes note of the claims of a processed batch."""
        claiming = batch.record.select(["Project", "ServiceName"]).filter(pc.less(batch["ClaimLevel"], NO_CLAIM))
        for service in _distinct(claiming):
            self._claimed[service] = self._clock()
            self._claimed.move_to_end(service)
        while len(self._claimed) > _SERVICES:
            self._claimed.popitem(last=False)

    def has_claimed(self, project: str, service: str) -> bool:
        """Whether the service has ever claimed a session, as far as is remembered."""
        return (project, service) in self._claimed

    def expects(self, batch: SpanBatch) -> pa.BooleanArray:
        """Of which spans the service has claimed a session within the last hour."""
        end = self._clock() - CLAIMED_S
        services = batch.record.select(["Project", "ServiceName"])
        expected = pa.repeat(pa.scalar(False), len(batch)) if len(batch) else pa.array([], pa.bool_())
        for project, service in _distinct(services):
            if self._claimed.get((project, service), end) > end:
                same = pc.and_(pc.equal(services["Project"], project), pc.equal(services["ServiceName"], service))
                expected = pc.or_(expected, same)
        return expected


def _distinct(services: pa.RecordBatch) -> list[tuple[str, str]]:
    rows = pa.Table.from_batches([services]).group_by(["Project", "ServiceName"]).aggregate([])
    return list(zip(rows["Project"].to_pylist(), rows["ServiceName"].to_pylist(), strict=True))
