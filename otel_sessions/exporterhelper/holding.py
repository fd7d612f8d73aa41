# SPDX-License-Identifier: Apache-2.0
"""Spans that wait in the log for the claim of their trace, to be stored together with it, or alone in the end.

The commonest delivery is the dearest: the session id stands on the root alone, which ends last, and what was stored
without its session before has to be moved. See "Spans that wait for their session" in docs/sending_queue.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow.compute as pc
from prometheus_client import Gauge

from otel_sessions.component import AwaitingClaims
from otel_sessions.exporterhelper.processing import Processing
from otel_sessions.exporterhelper.queue import Outlet
from otel_sessions.exporterhelper.wal import Segment
from otel_sessions.exporterhelper.wal.segment import Part
from otel_sessions.pdata import SpanBatch

HELD_BYTES: Final = 64 * 2**20
"""Of decoded spans that wait; beyond that those that have waited longest are stored."""


@dataclass(frozen=True, slots=True)
class Released:
    """Spans of a part that was held, which can be stored now; `last` says whether it holds no more."""

    part: Part
    batches: Sequence[SpanBatch]
    last: bool


class Holding:
    """The parts that wait, each of a segment of its own, which stays in the log for it. Used by one thread."""

    def __init__(self, outlet: Outlet, processing: Processing, held: Gauge) -> None:
        """`held` counts the spans that wait here, beside those of other queues of the exporter."""
        self._processing = processing
        self._held = held
        exporter, max_age = outlet.exporter, outlet.settings.sending_queue.max_age
        awaited = isinstance(exporter, AwaitingClaims) and exporter.awaits_claims
        self._wait = processing.claim_wait if awaited else 0.0
        if max_age is not None:  # what waits here is no reason to refuse requests
            self._wait = min(self._wait, max_age / 2)
        self._parts: dict[Part, set[str]] = {}  # and the ids of their traces
        self._nbytes = 0
        self._open = True

    def start(self) -> None:
        for part in list(self._parts):
            self.drop(part)
        self._open = True

    def stop(self) -> None:
        """Makes all that waits due at once, and lets nothing wait from now on."""
        self._open = False

    def hold(self, part: Part, batches: Sequence[SpanBatch], now: float) -> Sequence[SpanBatch]:
        """The spans of a part that can be stored; the others wait, as a part of their own."""
        if not self._wait or not self._open:
            return batches
        pairs = [self._processing.part(batch) for batch in batches]
        held = [waits for _, waits in pairs if len(waits)]
        if held:
            until = now + self._wait
            self._keep(Part(part.segment, f"{part.token}.held", held, not_before=until, held=True))
        return [ready for ready, _ in pairs if len(ready)]

    def release(self, batches: Sequence[SpanBatch]) -> Sequence[Released]:
        """The spans that wait and whose traces have a claim in these batches; they do not wait any more."""
        claimed = set[str]()
        for batch in batches:
            has = pc.not_equal(batch["SessionHint"], "")
            claimed.update(pc.unique(batch["TraceId"].filter(has)).to_pylist() if self._parts else ())
        found = []
        for part in [part for part, traces in self._parts.items() if not claimed.isdisjoint(traces)]:
            now_known = self.claim(part)
            masks = [pc.not_equal(batch["SessionHint"], "") for batch in now_known]
            going = [batch.filter(mask) for batch, mask in zip(now_known, masks, strict=True)]
            left = [batch.filter(pc.invert(mask)) for batch, mask in zip(now_known, masks, strict=True)]
            self.drop(part)
            part.batches = [batch for batch in left if len(batch)]
            if part.batches:
                self._keep(part)
            found.append(Released(part, [batch for batch in going if len(batch)], last=not part.batches))
        return found

    def claim(self, part: Part) -> Sequence[SpanBatch]:
        """The spans of a part that has waited, with what is known of them now."""
        return [self._processing.claim(batch) for batch in part.batches or ()]

    def due(self, now: float) -> Part | None:
        """A part that has waited long enough, or for which there is no room."""
        part = min(self._parts, key=lambda part: part.not_before, default=None)
        if part is None or (self._open and self._nbytes <= HELD_BYTES and part.not_before > now):
            return None
        self.drop(part)
        return part

    def part_of(self, segment: Segment) -> Part | None:
        """What waits of a segment."""
        return next((part for part in self._parts if part.segment is segment), None)

    def drop(self, part: Part) -> None:
        """Takes a part out of those that wait."""
        del self._parts[part]
        self._nbytes -= _nbytes(part)
        self._held.dec(_count(part))

    def _keep(self, part: Part) -> None:
        self._parts[part] = {trace for batch in part.batches or () for trace in pc.unique(batch["TraceId"]).to_pylist()}
        self._nbytes += _nbytes(part)
        self._held.inc(_count(part))

    @property
    def next_due(self) -> float | None:
        """When the first part will have waited long enough."""
        return min((part.not_before for part in self._parts), default=None)


def _count(part: Part) -> int:
    return sum(len(batch) for batch in part.batches or ())


def _nbytes(part: Part) -> int:
    return sum(batch.nbytes for batch in part.batches or ())
