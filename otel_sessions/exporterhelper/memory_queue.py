"""Delivery from memory: a thread stores all that was decoded meanwhile, then the senders are answered."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from otel_sessions.errors import Permanent
from otel_sessions.exporterhelper.config import EXPORT_SPANS
from otel_sessions.exporterhelper.ledger import Ledger, answerable
from otel_sessions.exporterhelper.parcel import Parcel
from otel_sessions.exporterhelper.sender import Outlet, Sender
from otel_sessions.telemetry import Metrics

EXPORT_BYTES: Final = 128 * 2**20
WAITING_SPANS: Final = 2 * EXPORT_SPANS
"""Decoded spans that may wait; beyond that requests wait as bytes, which are smaller."""
GATHER_S: Final = 0.01
"""How long senders that were just answered together may take to send again."""


class MemoryDelivery:
    """Hands parcels to the exporter in the order they came, and settles their tickets when they are stored.

    `lost` is called when spans were not, by its thread.
    """

    def __init__(self, name: str, outlet: Outlet, metrics: Metrics, ledger: Ledger, lost: Callable[[], None]) -> None:
        self._outlet = outlet
        self._sender = Sender(outlet, metrics)
        self._max_elapsed = outlet.settings.retry_on_failure.max_elapsed_time
        self._ledger = ledger
        self._lost = lost
        self._failed_spans = metrics.send_failed_spans.labels(str(outlet.id))
        self._waiting: deque[Parcel] = deque()
        self._waiting_spans = 0
        self._last_requests = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"{name}-{outlet.id}", daemon=True)
        self._thread.start()

    def room(self, nbytes: int) -> None:
        """Always: the ledger bounds what is on its way."""

    def put(self, parcel: Parcel) -> None:
        """Returns when there is room for the parcel; after `drain` it is forgotten."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting_spans < WAITING_SPANS)
            if not self._closed:
                batch = self._outlet.batch(parcel.batch, parcel.requests.values())
                self._waiting.append(replace(parcel, batch=batch))
                self._waiting_spans += len(parcel.batch)
                self._changed.notify_all()

    def drain(self, timeout: float) -> None:
        """Forgets what waits, as the ledger has ended all tickets; an export that is running is waited for."""
        self._sender.stop()
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
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
            self._changed.wait_for(self._is_enough, min(GATHER_S, self._sender.last_seconds))
            self._changed.wait_for(self._has_all, self._sender.last_seconds)

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
            parts = _parts(parcels) if isinstance(error, Permanent) else ()
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
            self._sender.send(batches, secrets.token_hex(16), self._max_elapsed)

    def _fail(self, parcels: Sequence[Parcel], error: Exception) -> None:
        self._failed_spans.inc(sum(len(parcel.batch) for parcel in parcels))
        self._lost()
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
