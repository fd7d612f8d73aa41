# SPDX-License-Identifier: Apache-2.0
"""Looks at all sessions piece by piece, and again at those that differ: a late claim takes a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otel_sessions.clickhouse import chunks
from otel_sessions.clickhouse.chunks import Period, Progress
from otel_sessions.sessions.verify import differences
from otel_sessions.sessions.verify.differences import Difference

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ROWS_A_PIECE = 1_000_000
PAUSES_S = (3.0, 6.0)
"""How long to wait before each further look, in seconds."""
_KEPT = 1000
"""Sessions to look at again; further ones are counted."""


@dataclass(frozen=True, slots=True)
class Report:
    """What differs; `more` further sessions did at the first look, at which nobody looked again. `spans` were read."""

    spans: int
    differences: tuple[Difference, ...] = ()
    more: int = 0

    @property
    def clean(self) -> bool:
        return not self.differences and not self.more


def verify(
    client: Client,
    period: Period | None = None,
    *,
    rows_a_piece: int = ROWS_A_PIECE,
    pauses_s: Sequence[float] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Progress, None, Report]:
    """Compares the sessions with `otel_traces`; with a `period`, the traces of which spans were stored in it.

    Says how far it is, and in the end what differs. Changes nothing. Raises `Retryable` when ClickHouse is not reached,
    `QueryError` when it refuses. Waits `pauses_s`, or `PAUSES_S`, before each further look at what differs.
    """
    rows, sample = differences.sample(client, chunks.sample_size(chunks.MAX_PIECES))
    pieces = chunks.cut(sample, chunks.count(rows, rows_a_piece), "")
    found: list[Difference] = []
    for number, piece in enumerate(pieces):
        yield Progress(rows * number // len(pieces), rows, "comparing")
        found += differences.find(client, piece, period=period)
    kept, more = found[:_KEPT], max(0, len(found) - _KEPT)
    for pause in PAUSES_S if pauses_s is None else pauses_s:
        if kept:
            yield Progress(rows, rows, f"looking again at {len(kept):,} sessions")
            sleep(pause)
            keys = [difference.key for difference in kept]
            kept = [
                difference
                for sessions in chunks.bounded(keys, differences.size, differences.BYTES_A_STATEMENT)
                for difference in differences.find_among(client, sessions, period=period)
            ]
    return Report(rows, tuple(kept), more if kept else 0)
