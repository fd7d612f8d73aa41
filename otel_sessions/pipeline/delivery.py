"""The second half of a pipeline: one thread an exporter, which stores all that was decoded meanwhile."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakValueDictionary

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.component import ComponentId, Exporter
from otel_sessions.errors import Permanent, SchemaError
from otel_sessions.pdata import SpanBatch
from otel_sessions.pipeline.ledger import Ledger, Ticket, answerable
from otel_sessions.telemetry import Metrics

EXPORT_SPANS: Final = 65_536
"""Spans that are stored together, if so many wait: large inserts decide the cost of a span."""
EXPORT_BYTES: Final = 128 * 2**20
WAITING_SPANS: Final = 2 * EXPORT_SPANS
"""Decoded spans that may wait; beyond that requests wait as bytes, which are smaller."""
GATHER_S: Final = 0.01
"""How long senders that were just answered together may take to send again."""

_turns: WeakValueDictionary[int, threading.Lock] = WeakValueDictionary()  # by the id of an exporter in use
_turns_lock = threading.Lock()


def _turn(exporter: Exporter) -> threading.Lock:
    """The lock of an exporter, which several pipelines may share."""
    with _turns_lock:
        return _turns.setdefault(id(exporter), threading.Lock())


@dataclass(frozen=True, slots=True)
class Parcel:
    """Decoded spans, and the tickets of their requests by the column `Request`."""

    batch: SpanBatch
    tickets: Mapping[int, Ticket]

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


class Delivery:
    """Hands parcels to `exporter` in the order they came, and settles their tickets."""

    def __init__(self, name: str, id_: ComponentId, exporter: Exporter, metrics: Metrics, ledger: Ledger) -> None:
        self._exporter = exporter
        self._ledger = ledger
        self._sent_spans = metrics.sent_spans.labels(str(id_))
        self._failed_spans = metrics.send_failed_spans.labels(str(id_))
        self._turn = _turn(exporter)
        self._waiting: deque[Parcel] = deque()
        self._waiting_spans = 0
        self._last_requests = 0
        self._last_seconds = 0.0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"{name}-{id_}", daemon=True)
        self._thread.start()

    def put(self, parcel: Parcel) -> None:
        """Returns when there is room for the parcel; after `close` it is forgotten."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting_spans < WAITING_SPANS)
            if not self._closed:
                self._waiting.append(parcel)
                self._waiting_spans += len(parcel.batch)
                self._changed.notify_all()

    def close(self) -> None:
        """Forgets what waits; an export that is running ends by itself."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _run(self) -> None:
        while self._deliver(self._take()):
            pass

    def _take(self) -> list[Parcel]:
        """All that waits, up to the bounds of one export; nothing when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            self._gather()
            taken: list[Parcel] = []
            spans = nbytes = 0
            while self._waiting:
                spans += len(self._waiting[0].batch)
                nbytes += self._waiting[0].batch.nbytes
                if taken and (spans > EXPORT_SPANS or nbytes > EXPORT_BYTES):
                    break
                taken.append(self._waiting.popleft())
            self._waiting_spans -= sum(len(parcel.batch) for parcel in taken)
            self._last_requests = sum(len(parcel.tickets) for parcel in taken)
            self._changed.notify_all()
        return taken

    def _gather(self) -> None:
        """Under load, waits for the requests that are being decoded: an insert has a price, whatever its size.

        Never longer than the last insert took, and not at all for an only sender.
        """
        if self._last_requests > 1 or len(self._ledger) > 1:
            self._changed.wait_for(self._is_enough, min(GATHER_S, self._last_seconds))
            self._changed.wait_for(self._has_all, self._last_seconds)

    def _is_enough(self) -> bool:
        return self._closed or self._waiting_spans >= EXPORT_SPANS

    def _has_all(self) -> bool:
        return self._is_enough() or sum(len(parcel.tickets) for parcel in self._waiting) >= len(self._ledger)

    def _deliver(self, parcels: Sequence[Parcel]) -> bool:
        """Stores the parcels and settles their tickets; False when there are none.

        What the exporter will never take is found by halving, so that one request does not fail its neighbours.
        """
        try:
            self._export(parcels)
        except Exception as error:  # noqa: BLE001 - every ticket is answered
            parts = _parts(parcels) if isinstance(error, Permanent) and not isinstance(error, SchemaError) else ()
            for part in parts:
                self._deliver(part)
            if not parts:
                self._fail(parcels, error)
        else:
            self._settle(parcels)
        return bool(parcels)

    def _export(self, parcels: Sequence[Parcel]) -> None:
        batches = [parcel.batch for parcel in parcels if len(parcel.batch)]
        if batches:
            with self._turn:
                begin = time.monotonic()
                self._exporter.export(batches)
                self._last_seconds = time.monotonic() - begin
            self._sent_spans.inc(sum(map(len, batches)))

    def _fail(self, parcels: Sequence[Parcel], error: Exception) -> None:
        self._failed_spans.inc(sum(len(parcel.batch) for parcel in parcels))
        self._settle(parcels, answerable(error))

    def _settle(self, parcels: Sequence[Parcel], error: Exception | None = None) -> None:
        for parcel in parcels:
            self._ledger.settle(parcel.tickets.values(), error)


def _parts(parcels: Sequence[Parcel]) -> Sequence[Sequence[Parcel]]:
    """The parcels in two; nothing when they are one request."""
    if len(parcels) > 1:
        return parcels[: len(parcels) // 2], parcels[len(parcels) // 2 :]
    if parcels and len(parcels[0].tickets) > 1:
        return [[half] for half in parcels[0].halves()]
    return ()
