# SPDX-License-Identifier: Apache-2.0
"""Storing parts of the log, and finding the spans that will never be stored."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from errno import ENOSPC
from typing import Final

from otel_sessions.component import Host, Request, Syncing
from otel_sessions.errors import OtelSessionsError, Retryable
from otel_sessions.exporterhelper.bisect import Bisection, bisect
from otel_sessions.exporterhelper.holding import Holding
from otel_sessions.exporterhelper.processing import Processing
from otel_sessions.exporterhelper.queue import Outlet
from otel_sessions.exporterhelper.retry import Sender
from otel_sessions.exporterhelper.wal import Log, Segment
from otel_sessions.exporterhelper.wal.quarantine import Quarantine, SpanKey, span_keys
from otel_sessions.exporterhelper.wal.segment import Part
from otel_sessions.pdata import SpanBatch

logger = logging.getLogger("otel_sessions.wal")
BATCH_BYTES: Final = 16 * 2**20
"""Of requests that are decoded together."""
TRIES: Final = 3
"""How often a span is refused, with nothing else to store meanwhile, before it is set aside."""
BLAMED: Final = 1000
"""Spans that are set aside on the strength of one success; the others wait for the next."""
LONGEST_WAIT_S: Final = 30.0


class Storing:
    """Stores parts, one at a time; what is to become of a segment is decided when all its parts are done.

    What is refused for good is halved until the spans to blame stand alone. These are set aside, provided that other
    spans are taken: an exporter that refuses everything is waited for. `doubtful` are the parts to try again.
    """

    def __init__(self, outlet: Outlet, host: Host, log: Log, processing: Processing, *, counted: bool = True) -> None:
        self._outlet = outlet
        self._host = host
        self._component = f"{outlet.id}/queue"
        self._log = log
        self._processing = processing
        self._counted = counted
        self._keeps = isinstance(outlet.exporter, Syncing) and outlet.exporter.needs_sync
        self._sender = Sender(outlet, host)
        self._retry_after = outlet.settings.retry_on_failure.max_interval
        self._quarantine = Quarantine(log.directory / "quarantine")
        self._quarantined_spans = host.metrics.quarantined_spans.labels(str(outlet.id))
        self._failed_spans = host.metrics.send_failed_spans.labels(str(outlet.id))
        self._open: Counter[str] = Counter()  # parts of a segment beside its first, by its name
        self._blamed: defaultdict[str, dict[SpanKey, str]] = defaultdict(dict)  # and what is to be set aside of it, why
        self._search = Bisection(Part.halves)
        self._holding = Holding(outlet, processing, host.metrics.held_spans.labels(str(outlet.id)))
        self._stored = 0
        self._blamed_in_a_row = 0
        self.doubtful: deque[Part] = deque()

    def start(self) -> None:
        """Counts what was set aside before; the log is open."""
        self._log.count(self._quarantine.nbytes)
        self._sender.start()
        self._holding.start()
        self._open.clear()
        self.doubtful.clear()

    def stop(self) -> None:
        """Attempts that fail are not repeated any more, and no spans wait for their session."""
        self._holding.stop()
        self._sender.stop()

    def store(self, part: Part) -> None:
        """Stores it, sets it aside, or keeps it, or its halves, among the `doubtful`.

        Raises `Retryable` after `stop`, when it could not be stored.
        """
        try:
            if part.batches is None:
                part.batches = self._read(part)
                # what had better wait for its session becomes a part of its own
                before = sum(map(len, part.batches or ()))
                part.batches = self._holding.hold(part, part.batches or (), time.monotonic())
                if sum(map(len, part.batches)) < before:
                    self._open[part.segment.name] += 1
            elif part.held:
                part.batches = self._holding.claim(part)
        except FileNotFoundError as error:
            logger.error("a segment of the write-ahead log has vanished, with its spans: %s", error)  # noqa: TRY400
            self._finish(part)
        except Exception as error:  # noqa: BLE001 - it stays in the log
            self.put_off(part, error)
        else:
            self._store(part, part.batches)

    def due(self, now: float) -> Part | None:
        """A doubtful part whose time has come, or one that has waited for its session long enough."""
        for part in self.doubtful:
            if part.not_before <= now:
                self.doubtful.remove(part)
                return part
        return self._holding.due(now)

    @property
    def next_due(self) -> float | None:
        """When `due` has something, if nothing else happens before."""
        times = [part.not_before for part in self.doubtful]
        held = self._holding.next_due
        return min(times if held is None else [*times, held], default=None)

    def put_off(self, part: Part, error: Exception, *, well: bool = False) -> None:
        """The part is tried again later; unless all is `well`, health tells of it until something is stored."""
        wait = min(LONGEST_WAIT_S, self._retry_after * 2 ** min(part.waits, 10))
        unexpected = error if not part.waits and not isinstance(error, OtelSessionsError | OSError) else None
        logger.warning("%s of the write-ahead log waits for %g s: %s", part.token, wait, error, exc_info=unexpected)
        if not well:
            self._host.report(self._component, f"{part.token} cannot be stored: {error}")
        part.waits += 1
        part.not_before = time.monotonic() + wait
        if part.is_whole:  # it is read again, with what waits of it
            part.batches = None
            held = self._holding.part_of(part.segment)
            if held is not None:
                self._holding.drop(held)
                self._open[part.segment.name] -= 1
        self.doubtful.append(part)

    def _store(self, part: Part, batches: Sequence[SpanBatch]) -> None:
        released = self._holding.release(batches) if part.is_whole else ()
        joined = [*batches, *(batch for each in released for batch in each.batches)]
        try:
            if any(map(len, joined)):
                self._sender.send(joined, part.token)
                self._stored += 1
                self._search.accept()
                self._blamed_in_a_row = 0
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001 - each span is stored or set aside
            if released:  # none is to blame for what another segment holds
                self.doubtful.append(part)
                for number, each in enumerate(released):
                    token = f"{each.part.token}.{self._stored}.{number}"
                    self.doubtful.append(Part(each.part.segment, token, each.batches))
                    if not each.last:
                        self._open[each.part.segment.name] += 1
            else:
                self._refuse(part, batches, error)
        else:
            for done in (part, *(each.part for each in released if each.last)):
                self._finish(done)
            if not self.doubtful:
                self._host.report(self._component, None)

    def _finish(self, part: Part) -> None:
        """After the last part of a segment what is to blame in it is set aside, and it is not stored again."""
        name = part.segment.name
        self._open[name] -= 1
        if self._open[name] >= 0:
            return
        del self._open[name]
        try:
            self._set_aside(part.segment)
        except OSError as error:
            self.put_off(replace(part, batches=[], token=f"{name}.set-aside"), error)
        else:
            (self._log.keep if self._keeps else self._log.remove)(part.segment)

    def _refuse(self, part: Part, batches: Sequence[SpanBatch], error: Exception) -> None:
        spans = sum(map(len, batches))
        self._note_refusal(part)
        parts = self._search.refuse(part)
        if parts and all(other.segment is part.segment for other in self.doubtful if not other.is_whole):
            logger.warning("%d spans are refused, looking for those to blame: %s", spans, error)
            self._open[part.segment.name] += 1
            self.doubtful.extendleft(reversed(parts))
        elif spans == 1 and self._is_to_blame(part):
            (batch,) = (batch for batch in batches if len(batch))
            project, trace_id, span_id = (batch[name][0].as_py() for name in ("Project", "TraceId", "SpanId"))
            self._blame(part.segment, [(project, trace_id, span_id)], error)
            self._finish(part)
        else:
            self.put_off(part, error, well=spans == 1 or self._search.is_patient)

    def _note_refusal(self, part: Part) -> None:
        if part.stored_before is None:
            part.stored_before = self._stored
        part.refusals += 1

    def _is_to_blame(self, part: Part) -> bool:
        assert part.stored_before is not None
        return self._stored > part.stored_before or (part.refusals >= TRIES and self._search.is_patient)

    def _blame(self, segment: Segment, spans: Sequence[SpanKey], error: Exception) -> None:
        self._blamed[segment.name].update(dict.fromkeys(spans, str(error)))
        self._blamed_in_a_row += len(spans)
        if self._blamed_in_a_row < BLAMED:
            self._search.accept()
        self._processing.distrust()

    def _set_aside(self, segment: Segment) -> None:
        """Writes the spans to blame to the dead letters; raises OSError, also where these have no room."""
        blamed = self._blamed.get(segment.name)
        if not blamed:
            return
        if self._log.is_full:
            raise OSError(ENOSPC, "the write-ahead log is full")
        self._log.count(self._quarantine.set_aside(segment, blamed))
        del self._blamed[segment.name]
        reason = next(iter(blamed.values()))
        where = self._quarantine.directory
        logger.error("%d spans are refused and set aside in %s, one of them: %s", len(blamed), where, reason)
        self._quarantined_spans.inc(len(blamed))
        self._failed_spans.inc(len(blamed))

    def _read(self, part: Part) -> list[SpanBatch]:
        """The spans of a segment as the exporter is to have them.

        Raises OSError, and the error of a processor that needs time. Requests that a processor will never take, as
        others show that it takes them, are blamed.
        """
        found, refused = list[SpanBatch](), list[tuple[Sequence[Request], Exception]]()

        def attempt(requests: Sequence[Request]) -> None:
            batch = self._processing.batch(requests, counted=self._counted)
            found.extend([self._outlet.batch(batch, requests)] if len(batch) else [])

        for requests in _groups(part.segment.read().requests):
            bisect(requests, attempt, lambda blamed, error: refused.append((blamed, error)))
        if refused:
            self._note_refusal(part)
        for requests, error in refused:
            if isinstance(error, Retryable) or not (found or self._is_to_blame(part)):
                raise error
            self._blame(part.segment, [key for request in requests for key in span_keys(request)], error)
        return found


def _groups(requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
    """The requests in order, in groups of at most `BATCH_BYTES`, or of one that is larger."""
    first = nbytes = 0
    for place, request in enumerate(requests):
        if place > first and nbytes + len(request.body) > BATCH_BYTES:
            yield requests[first:place]
            first, nbytes = place, 0
        nbytes += len(request.body)
    if first < len(requests):
        yield requests[first:]
