# SPDX-License-Identifier: Apache-2.0
"""A queue in memory: a thread stores all that came meanwhile, then the senders are answered."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from otel_sessions.component import Host, Worker
from otel_sessions.errors import Retryable
from otel_sessions.exporterhelper.bisect import bisect
from otel_sessions.exporterhelper.config import EXPORT_SPANS
from otel_sessions.exporterhelper.processing import Processing, messages
from otel_sessions.exporterhelper.queue import INTERNAL_RETRY_AFTER_S, Ledger, Outlet, Ticket, answerable_error
from otel_sessions.exporterhelper.retry import Sender

EXPORT_BYTES: Final = 64 * 2**20
"""The most bytes of requests whose spans are stored together."""
GATHER_S: Final = 0.01
"""How long senders that were just answered together may take to send again."""


class MemoryQueue:
    """Decodes requests in the order they came, hands their spans to the exporter, and settles their tickets when these
    are stored. Requests wait as bytes, which the ledger bounds."""

    def __init__(
        self, pipeline: str, outlet: Outlet, host: Host, *, ledger: Ledger, processing: Processing, counted: bool = True
    ) -> None:
        self.name = str(outlet.id)
        self._outlet = outlet
        self._ledger = ledger
        self._processing = processing
        self._counted = counted
        self._sender = Sender(outlet, host)
        self._max_elapsed = outlet.settings.retry_on_failure.max_elapsed_time
        self._failed_spans = host.metrics.send_failed_spans.labels(self.name)
        self._waiting: deque[Ticket] = deque()
        self._at_work: Sequence[Ticket] = ()
        self._waiting_spans = 0
        self._last_requests = 0
        self._changed = threading.Condition()
        self._closed: Retryable | None = None
        self._worker = Worker(f"{pipeline}-{self.name}", "store", self._run, host, self._settle_all)

    def start(self) -> None:
        self._closed = None
        self._sender.start()
        self._worker.start()

    def check_room(self, nbytes: int) -> None:
        """Never raises: the ledger bounds what is on its way."""

    def offer(self, tickets: Sequence[Ticket]) -> None:
        with self._changed:
            closed = self._closed
            if closed is None:
                self._waiting.extend(tickets)
                self._waiting_spans += _spans(tickets)
                self._changed.notify_all()
        if closed is not None:
            self._ledger.settle(tickets, closed)

    def shutdown(self, timeout: float) -> None:
        """Forgets what waits, as the ledger has ended all tickets; an export that is running is waited for."""
        self._sender.stop()
        self._close(Retryable("shutting down", retry_after=INTERNAL_RETRY_AFTER_S))
        self._worker.join(timeout)

    def _close(self, reason: Retryable) -> None:
        with self._changed:
            self._closed = reason
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        self._ledger.settle(left, reason)

    def _settle_all(self, _: BaseException) -> None:
        self._close(Retryable(f"{self.name} does not store any more", retry_after=INTERNAL_RETRY_AFTER_S))
        self._ledger.settle(self._at_work, self._closed)

    def _run(self) -> None:
        while tickets := self._take():
            self._at_work = tickets
            bisect(tickets, self._store, self._fail)
            self._at_work = tickets = ()

    def _take(self) -> Sequence[Ticket]:
        """All that waits, up to the bounds of one export; nothing when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            # Under load, waits for the requests that are being checked: an insert has a price, whatever its size.
            # Never longer than the last insert took, and not at all for an only sender.
            if self._last_requests > 1 or len(self._ledger) > 1:
                self._changed.wait_for(self._is_enough, min(GATHER_S, self._sender.last_seconds))
                self._changed.wait_for(self._has_all, self._sender.last_seconds)
            taken: list[Ticket] = []
            spans = nbytes = 0
            while self._waiting:
                spans += self._waiting[0].outcome.accepted_spans
                nbytes += len(self._waiting[0].request.body)
                if taken and (spans > EXPORT_SPANS or nbytes > EXPORT_BYTES):
                    break
                taken.append(self._waiting.popleft())
            self._waiting_spans -= _spans(taken)
            self._last_requests = len(taken)
        return taken

    def _is_enough(self) -> bool:
        return bool(self._closed) or self._waiting_spans >= EXPORT_SPANS

    def _has_all(self) -> bool:
        return self._is_enough() or len(self._waiting) >= len(self._ledger)

    def _store(self, tickets: Sequence[Ticket]) -> None:
        requests = [ticket.request for ticket in tickets]
        batch = self._processing.batch(requests, counted=self._counted)
        if len(batch):
            self._sender.send([self._outlet.batch(batch, requests)], secrets.token_hex(16), self._max_elapsed)
        for number, texts in messages(batch).items():
            tickets[number].notes.update(dict.fromkeys(texts))
        self._ledger.settle(tickets, by=self.name)

    def _fail(self, tickets: Sequence[Ticket], error: Exception) -> None:
        self._failed_spans.inc(_spans(tickets))
        self._processing.distrust()
        self._ledger.settle(tickets, answerable_error(error))


def _spans(tickets: Sequence[Ticket]) -> int:
    return sum(ticket.outcome.accepted_spans for ticket in tickets)
