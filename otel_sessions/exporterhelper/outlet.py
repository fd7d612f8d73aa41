"""An exporter of a pipeline, and what a queue before it does."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from otel_sessions.component import ComponentId, Exporter, Forwarding, Request
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.exporterhelper.tickets import Ticket
from otel_sessions.pdata import SpanBatch


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
        """The batch as the exporter wants it: with the requests that it came in, by their number, or without."""
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
