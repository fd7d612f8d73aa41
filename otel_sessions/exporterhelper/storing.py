"""Storing parts of the log, and finding the spans that will never be stored."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from errno import ENOSPC
from typing import Final

from otel_sessions.component import Host, Request
from otel_sessions.errors import Retryable, TooLarge
from otel_sessions.exporterhelper.processing import Processing
from otel_sessions.exporterhelper.sender import Outlet, Sender
from otel_sessions.exporterhelper.wal import Log, Segment
from otel_sessions.exporterhelper.wal.dead_letters import Quarantine, SpanKey
from otel_sessions.exporterhelper.wal.parts import Part
from otel_sessions.pdata import SpanBatch, decode

logger = logging.getLogger("otel_sessions.wal")
BATCH_BYTES: Final = 16 * 2**20
"""Of requests that are decoded together."""
PATIENCE: Final = 64
"""Refusals without a success in between from which on the exporter is to blame, and not the spans."""
TRIES: Final = 3
"""How often a span is refused, with nothing else to store meanwhile, before it is set aside."""
BLAMED: Final = 1000
"""Spans that are set aside on the strength of one success; the others wait for the next."""
LONGEST_WAIT_S: Final = 30.0


class Storing:
    """Stores parts; a segment is removed when all its parts are done.

    What is refused for good is halved until the spans to blame stand alone. These are set aside, provided that other
    spans are taken: an exporter that refuses everything is waited for. `doubtful` are the parts to try again.
    """

    def __init__(self, outlet: Outlet, host: Host, log: Log, processing: Processing) -> None:
        self._outlet = outlet
        self._log = log
        self._processing = processing
        self._sender = Sender(outlet, host.metrics)
        self._retry_after = outlet.settings.retry_on_failure.max_interval
        self._quarantine = Quarantine(log.directory / "quarantine")
        self._log.grow(self._quarantine.nbytes)
        self._quarantined_spans = host.metrics.quarantined_spans.labels(str(outlet.id))
        self._failed_spans = host.metrics.send_failed_spans.labels(str(outlet.id))
        self._open: Counter[str] = Counter()  # parts of a segment beside its first, by its name
        self._blamed: defaultdict[str, dict[SpanKey, str]] = defaultdict(dict)  # and what is to be set aside of it, why
        self._stored = 0
        self._refused_in_a_row = 0
        self._blamed_in_a_row = 0
        self.doubtful: deque[Part] = deque()

    def store(self, part: Part) -> None:
        """Stores it, sets it aside, or keeps it, or its halves, among the `doubtful`.

        Raises `Retryable` after `stop`, when it could not be stored.
        """
        try:
            batches = self._decoded(part.segment) if part.batches is None else part.batches
        except FileNotFoundError as error:
            logger.error("a segment of the write-ahead log has vanished, with its spans: %s", error)  # noqa: TRY400
            self._done(part)
        except Exception as error:
            logger.exception("%s of the write-ahead log cannot be read", part.segment.path)
            self._again_later(part, error)
        else:
            self._store(part, batches)

    def _store(self, part: Part, batches: Sequence[SpanBatch]) -> None:
        try:
            if any(map(len, batches)):
                self._sender.send(batches, part.token)
                self._stored += 1
                self._refused_in_a_row = self._blamed_in_a_row = 0
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001 - each span is stored or set aside
            self._refused(part, batches, error)
        else:
            self._done(part)

    def due(self, now: float) -> Part | None:
        """A doubtful part whose time has come."""
        for part in self.doubtful:
            if part.not_before <= now:
                self.doubtful.remove(part)
                return part
        return None

    def stop(self) -> None:
        """Attempts that fail are not repeated any more."""
        self._sender.stop()

    def _done(self, part: Part) -> None:
        """The segment is removed after its last part, when what is to blame in it is set aside."""
        name = part.segment.name
        self._open[name] -= 1
        if self._open[name] >= 0:
            return
        del self._open[name]
        try:
            self._set_aside(part.segment)
        except OSError as error:
            self._again_later(replace(part, batches=[]), error)
        else:
            self._log.remove(part.segment)

    def _refused(self, part: Part, batches: Sequence[SpanBatch], error: Exception) -> None:
        spans = sum(map(len, batches))
        if part.stored_before is None:
            part.stored_before = self._stored
        part.refusals += 1
        self._refused_in_a_row += 1
        if spans > 1 and self._may_halve(part):
            logger.warning("%d spans are refused, looking for those to blame: %s", spans, error)
            self._open[part.segment.name] += 1
            self.doubtful.extendleft(reversed(part.halves(batches)))
        elif spans == 1 and self._is_to_blame(part):
            self._blame(part, batches, error)
        else:
            self._again_later(part, error)

    def _may_halve(self, part: Part) -> bool:
        """One segment at a time is in pieces, as these are in memory."""
        in_pieces = (other.segment for other in self.doubtful if not other.is_whole)
        return self._refused_in_a_row < PATIENCE and all(segment is part.segment for segment in in_pieces)

    def _is_to_blame(self, part: Part) -> bool:
        assert part.stored_before is not None
        return self._stored > part.stored_before or (part.refusals >= TRIES and self._refused_in_a_row < PATIENCE)

    def _blame(self, part: Part, batches: Sequence[SpanBatch], error: Exception) -> None:
        (batch,) = (batch for batch in batches if len(batch))
        project, trace_id, span_id = (batch[name][0].as_py() for name in ("Project", "TraceId", "SpanId"))
        self._blamed[part.segment.name][project, trace_id, span_id] = str(error)
        self._blamed_in_a_row += 1
        if self._blamed_in_a_row < BLAMED:
            self._refused_in_a_row = 0
        self._processing.distrust()
        self._done(part)

    def _set_aside(self, segment: Segment) -> None:
        """Writes the spans to blame to the quarantine; raises OSError, also where that has no room."""
        blamed = self._blamed.get(segment.name)
        if not blamed:
            return
        if self._log.is_full:
            raise OSError(ENOSPC, "the write-ahead log is full")
        self._log.grow(self._quarantine.set_aside(segment, blamed))
        del self._blamed[segment.name]
        reason = next(iter(blamed.values()))
        where = self._quarantine.directory
        logger.error("%d spans are refused and set aside in %s, one of them: %s", len(blamed), where, reason)
        self._quarantined_spans.inc(len(blamed))
        self._failed_spans.inc(len(blamed))

    def _again_later(self, part: Part, error: Exception) -> None:
        wait = min(LONGEST_WAIT_S, self._retry_after * 2 ** min(max(0, part.refusals - 1), 10))
        logger.warning("%s of the write-ahead log waits for %g s: %s", part.token, wait, error)
        part.not_before = time.monotonic() + wait
        if part.is_whole:
            part.batches = None
        self.doubtful.append(part)

    def _decoded(self, segment: Segment) -> list[SpanBatch]:
        """The spans of a segment; raises OSError."""
        batches = list[SpanBatch]()
        waiting = deque(segment.read().requests)
        while waiting:
            requests = [waiting.popleft()]
            nbytes = len(requests[0].body)
            while waiting and nbytes + len(waiting[0].body) <= BATCH_BYTES:
                nbytes += len(waiting[0].body)
                requests.append(waiting.popleft())
            batches += self._processed(requests)
        return batches

    def _processed(self, requests: Sequence[Request]) -> list[SpanBatch]:
        try:
            decoded = decode([request.body for request in requests], [request.project for request in requests])
        except TooLarge:
            if len(requests) == 1:
                raise
            return [batch for request in requests for batch in self._processed([request])]
        return [self._outlet.batch(self._processing.process(decoded.batch), requests)]
