"""The traces of this process: their local roots while these are open, and what has been claimed for whole traces."""

from __future__ import annotations

import threading
from typing import Final

from opentelemetry.trace import Span

from otel_sessions.sdk.state import Attributes, Stamp, stamp

MAX_TRACES: Final = 10_000
"""Of the open ones, and of the claimed ones: the oldest are forgotten first."""


class Traces:
    """Any thread may call it."""

    def __init__(self, limit: int = MAX_TRACES) -> None:
        self.claims: dict[int, Stamp] = {}
        self._roots: dict[int, tuple[Span, ...]] = {}
        self._limit = limit
        self._lock = threading.Lock()

    def opened(self, trace_id: int, root: Span) -> None:
        """A span without parent, or whose parent is in another process, has started."""
        with self._lock:
            known = self._roots.get(trace_id, ())
            if root not in known:
                self._roots[trace_id] = (*known, root)
                _bound(self._roots, self._limit)

    def ended(self, trace_id: int, span_id: int) -> None:
        """Such a span has ended."""
        with self._lock:
            left = tuple(root for root in self._roots.pop(trace_id, ()) if _span_id(root) != span_id)
            if left:
                self._roots[trace_id] = left

    def roots(self, trace_id: int) -> tuple[Span, ...]:
        """The open local roots of a trace; most often one."""
        return self._roots.get(trace_id, ())

    def claim(self, trace_id: int, attributes: Attributes) -> None:
        """Later spans of this trace get these attributes, and those that were claimed before."""
        with self._lock:
            before = self.claims.pop(trace_id, None)
            self.claims[trace_id] = stamp({**before.attributes, **attributes} if before else attributes)
            _bound(self.claims, self._limit)


def _span_id(span: Span) -> int:
    return span.get_span_context().span_id


def _bound(entries: dict[int, Stamp] | dict[int, tuple[Span, ...]], limit: int) -> None:
    while len(entries) > limit:
        del entries[next(iter(entries))]


TRACES: Final = Traces()
"""One for the process: a trace goes through whatever tracer providers there are."""
