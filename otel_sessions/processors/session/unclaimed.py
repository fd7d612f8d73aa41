# SPDX-License-Identifier: Apache-2.0
"""Spans that no session is known for: counted, and told of in the log, so that nobody waits for them in vain."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata import SpanBatch
from otel_sessions.processors.session.memory import TraceKey
from otel_sessions.telemetry import printable

logger = logging.getLogger("otel_sessions.session")

WAIT_S: Final = 10.0
"""How long a trace may be without a claim: an SDK sends children before the root that has it."""
LONG_WAIT_S: Final = 60.0
"""The same where its service is known to claim sessions: turns of agents take long."""
INTERVAL_S: Final = 60.0
_TRACES: Final = 1_000
_SERVICES: Final = 3


@dataclass(slots=True)
class _Trace:
    service: str
    spans: int
    due: float


class Unclaimed:
    """`count` is told how many spans of a batch have no session yet. The log is told at most once in `INTERVAL_S`, of
    the traces that are still without one after `WAIT_S`; it looks at no more than 1,000 traces at a time.

    `key` is the one to set. Any thread may call.
    """

    def __init__(
        self,
        count: Callable[[int], object],
        key: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._count = count
        self._key = key
        self._clock = clock
        self._call_later = call_later or _call_later
        self._lock = threading.Lock()
        self._traces: dict[TraceKey, _Trace] = {}
        self._called = False
        self._quiet_until = 0.0

    def see(self, batch: SpanBatch, has_claimed: Callable[[str, str], bool] = lambda project, service: False) -> None:
        """Takes note of a batch whose sessions are known; `has_claimed` tells of a project's service."""
        without = pc.equal(batch["SessionHint"], "")
        spans = pc.sum(without).as_py() or 0
        if spans:
            self._count(spans)
        with self._lock:
            if self._traces and spans < len(batch):
                waiting = pa.array([trace for _, trace in self._traces], pa.string())
                found = pc.and_(pc.is_in(batch["TraceId"], waiting), pc.invert(without))
                if pc.any(found).as_py():
                    pairs = (batch[name].filter(found).to_pylist() for name in ("Project", "TraceId"))
                    for key in zip(*pairs, strict=True):
                        self._traces.pop(key, None)
            if spans and len(self._traces) < _TRACES:
                names = ["Project", "TraceId", "ServiceName"]
                rows = pa.table([batch[name].filter(without) for name in names], names=names)
                groups = rows.group_by(names).aggregate([([], "count_all")]).slice(0, _TRACES)
                for project, trace, service, count in zip(
                    *(column.to_pylist() for column in groups.columns), strict=True
                ):
                    known = self._traces.get((project, trace))
                    if known is not None:
                        known.spans += count
                    elif len(self._traces) < _TRACES:
                        wait = LONG_WAIT_S if has_claimed(project, service) else WAIT_S
                        self._traces[project, trace] = _Trace(service, count, self._clock() + wait)
            self._plan()

    def note_claim(self, trace: TraceKey) -> None:
        """Takes note that a trace has a session after all."""
        with self._lock:
            self._traces.pop(trace, None)

    def tell(self) -> None:
        """Writes the line about the traces that have waited long enough, if there are any."""
        with self._lock:
            self._called = False
            now = self._clock()
            ripe = {key: trace for key, trace in self._traces.items() if now >= trace.due}
            for key in ripe:
                del self._traces[key]
            if ripe:
                self._quiet_until = now + INTERVAL_S
            self._plan()
        if not ripe:
            return
        services = Counter(trace.service for trace in ripe.values())
        named = ", ".join(repr(printable(name)) for name, _ in services.most_common(_SERVICES))
        logger.warning(
            "spans are in no session: %d, traces: %d, from the service %s%s; set the attribute %s on a span of each "
            "trace, or name the one it has in session_keys of the processor",
            sum(trace.spans for trace in ripe.values()),
            len(ripe),
            named,
            " and others" if len(services) > _SERVICES else "",
            self._key,
        )

    def _plan(self) -> None:
        if self._traces and not self._called:
            self._called = True
            due = max(min(trace.due for trace in self._traces.values()), self._quiet_until)
            self._call_later(max(0.0, due - self._clock()), self.tell)


def _call_later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.name, timer.daemon = "spans-without-session", True
    timer.start()
