# SPDX-License-Identifier: Apache-2.0
"""What every queue has: the exporter behind it, and the tickets of requests that are on their way, answered here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from prometheus_client import Gauge

from otel_sessions.component import ComponentId, Exporter, Forwarding, Outcome, Request
from otel_sessions.errors import Permanent, Retryable, TooLarge
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.pdata import SpanBatch

logger = logging.getLogger(__name__)
TICKET_BYTES: Final = 1024  # what a request costs beside its body, so that empty ones are bounded too
FULL_RETRY_AFTER_S: Final = 1.0
INTERNAL_RETRY_AFTER_S: Final = 5.0


@dataclass(eq=False, slots=True)
class Ticket:
    """A request on its way. `outcome` is its answer if all goes well, with the `notes` that processors made.

    `awaited` is how many queues have yet to settle it, `taken_by` the names of those that have its spans safe.
    """

    request: Request
    nbytes: int
    taken_by: set[str] = field(default_factory=set)
    future: Future[Outcome] = field(default_factory=Future)
    outcome: Outcome = field(default_factory=Outcome)
    notes: dict[str, None] = field(default_factory=dict)
    awaited: int = 1
    error: Exception | None = None

    def end(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        elif self.notes:
            message = "; ".join(filter(None, [self.outcome.message, *self.notes]))
            self.future.set_result(replace(self.outcome, message=message))
        else:
            self.future.set_result(self.outcome)


class Ledger:
    """The open tickets, at most `max_bytes` of them; `gauges` show how many.

    The future of every ticket ends exactly once.
    """

    def __init__(self, max_bytes: int, gauges: Sequence[Gauge] = ()) -> None:
        self._max_bytes = max_bytes
        self._gauges = gauges
        self._open: set[Ticket] = set()
        self._nbytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def open(self, request: Request, taken_by: Iterable[str] = ()) -> Ticket:
        """Raises `Retryable` when there is no room or no more time, `TooLarge` when there never will be room."""
        nbytes = len(request.body) + TICKET_BYTES
        if nbytes > self._max_bytes:
            size, room = len(request.body), self._max_bytes
            raise TooLarge(f"a request of {size} bytes is more than the queue of {room} bytes holds")
        with self._changed:
            if self._closed:
                raise Retryable("shutting down", retry_after=INTERNAL_RETRY_AFTER_S)
            if self._nbytes + nbytes > self._max_bytes:
                raise Retryable("the queue is full", retry_after=FULL_RETRY_AFTER_S)
            self._hold(nbytes)
            ticket = Ticket(request, nbytes, set(taken_by))
            self._open.add(ticket)
        ticket.future.set_running_or_notify_cancel()  # the caller cannot cancel what is on its way
        return ticket

    def __len__(self) -> int:
        """How many tickets are open."""
        return len(self._open)

    def settle(self, tickets: Iterable[Ticket], error: Exception | None = None, by: str = "") -> None:
        """One of those awaited is done with these tickets, or failed; after the last one the future ends.

        If several fail, a retryable error wins: the sender comes back, and those `by` whom it was taken are not asked
        again. A ticket that has ended already stays as it is.
        """
        ended: list[Ticket] = []
        for ticket in tickets:
            with self._changed:
                if error is None and by:
                    ticket.taken_by.add(by)
                if ticket not in self._open:
                    continue
                if error is not None and not isinstance(ticket.error, Retryable):
                    ticket.error = error
                ticket.awaited -= 1
                if ticket.awaited <= 0:
                    self._forget(ticket)
                    ended.append(ticket)
        for ticket in ended:
            ticket.end()

    def fail(self, tickets: Iterable[Ticket], error: Exception) -> None:
        """Ends those of the tickets that are open, whoever else is awaited."""
        with self._changed:
            left = [ticket for ticket in tickets if ticket in self._open]
            for ticket in left:
                ticket.error = error
                self._forget(ticket)
        for ticket in left:
            ticket.end()

    def close(self, timeout: float) -> None:
        """Opens no more tickets, waits `timeout` seconds for those that are open, then ends them as `Retryable`."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._open, timeout)
            left = list(self._open)
        self.fail(left, Retryable("shutting down before the spans were stored", retry_after=FULL_RETRY_AFTER_S))

    def _forget(self, ticket: Ticket) -> None:
        self._open.remove(ticket)
        self._hold(-ticket.nbytes)
        if not self._open:
            self._changed.notify_all()

    def _hold(self, nbytes: int) -> None:
        self._nbytes += nbytes
        for gauge in self._gauges:
            gauge.inc(nbytes)


def answerable_error(error: Exception) -> Permanent | Retryable:
    """The error itself if its class says what the sender should do; any other is logged, and retryable."""
    if isinstance(error, Permanent | Retryable):
        return error
    logger.error("unexpected error, the sender is asked to try again", exc_info=error)
    again = Retryable("internal error, try again", retry_after=INTERNAL_RETRY_AFTER_S)
    again.__cause__ = error
    return again


@dataclass(frozen=True, slots=True)
class Outlet:
    """An exporter, and how its spans wait and are tried again; pipelines that share the exporter share this.

    Whoever calls the exporter holds `turn`.
    """

    id: ComponentId
    exporter: Exporter
    settings: SendingSettings
    turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def batch(self, batch: SpanBatch, requests: Iterable[Request]) -> SpanBatch:
        """The batch as the exporter wants it: with the bytes of its requests, which the column `Request` counts, or
        without.
        """
        if not isinstance(self.exporter, Forwarding) or not self.exporter.wants_requests:
            return batch
        return replace(batch, requests=tuple(request.body for request in requests))


class Queue(Protocol):
    """What stands before one exporter of a pipeline: makes requests safe, settles their tickets, stores their spans.

    `name` is the exporter's.
    """

    name: str

    def start(self) -> None:
        """Raises `Permanent` when it cannot work, and then nothing is left behind."""
        ...

    def check_room(self, nbytes: int) -> None:
        """Raises `Retryable` when a request of so many bytes would not be taken."""
        ...

    def offer(self, tickets: Sequence[Ticket]) -> None:
        """Takes the requests of these tickets at once, without waiting; each is settled sooner or later."""
        ...

    def shutdown(self, timeout: float) -> None:
        """Nothing more is offered; stores what it has, within `timeout` seconds, and ends."""
        ...
