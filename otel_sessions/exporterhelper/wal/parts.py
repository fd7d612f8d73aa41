"""What of the log is stored in one insert: the spans of a segment, or a piece of them where ClickHouse refuses some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otel_sessions.exporterhelper.wal.segment import Segment
from otel_sessions.pdata import SpanBatch, split


@dataclass(eq=False, slots=True)
class Part:
    """`batches` is None while the spans are on disk only. `token` names just these spans.

    For those that were refused for good: how many times, and how many other parts had been stored when that
    happened first. `held` are spans that have waited for their session. `waits` is how often it was put off,
    `not_before` when to try again, in seconds of the monotonic clock.
    """

    segment: Segment
    token: str
    batches: Sequence[SpanBatch] | None = None
    refusals: int = 0
    stored_before: int | None = None
    waits: int = 0
    not_before: float = 0.0
    held: bool = False

    @classmethod
    def whole(cls, segment: Segment, batches: Sequence[SpanBatch] | None = None) -> Part:
        return cls(segment, segment.name, batches)

    @property
    def is_whole(self) -> bool:
        """Whether these are all spans of the segment."""
        return self.token == self.segment.name

    def halves(self) -> tuple[Part, Part] | None:
        """The same spans in two; None of a single one. They must be in memory."""
        batches = self.batches or ()
        spans = sum(map(len, batches))
        if spans < 2:
            return None
        first, second = split(batches, spans // 2)
        left = Part(self.segment, f"{self.token}.0", first, stored_before=self.stored_before)
        return left, Part(self.segment, f"{self.token}.1", second, stored_before=self.stored_before)
