"""What goes from the first half of a pipeline to its second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.component import Request
from otel_sessions.exporterhelper.ledger import Ticket
from otel_sessions.pdata import SpanBatch


@dataclass(frozen=True, slots=True)
class Parcel:
    """Decoded spans, and by the column `Request` the requests they came in and the tickets of these."""

    batch: SpanBatch
    tickets: Mapping[int, Ticket]
    requests: Mapping[int, Request]

    def halves(self) -> tuple[Parcel, Parcel]:
        """The same in two, no request divided."""
        numbers = sorted(self.tickets)
        middle = pa.scalar(numbers[len(numbers) // 2], pa.uint32())
        low = pc.less(self.batch["Request"], middle)
        first, second = (numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :])
        return self._part(first, low), self._part(second, pc.invert(low))

    def _part(self, numbers: Sequence[int], mask: pa.BooleanArray) -> Parcel:
        tickets = {number: self.tickets[number] for number in numbers}
        return replace(self, batch=self.batch.filter(mask), tickets=tickets)


class Delivery(Protocol):
    """The second half of a pipeline for one exporter: makes spans safe, settles their tickets, and stores them."""

    def room(self, nbytes: int) -> None:
        """Raises `Retryable` when a request of so many bytes would not be taken."""
        ...

    def put(self, parcel: Parcel) -> None:
        """Takes the parcel; may wait for room."""
        ...

    def drain(self, timeout: float) -> None:
        """Nothing more is put; stores what it has, within `timeout` seconds, and ends."""
        ...
