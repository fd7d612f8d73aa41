# SPDX-License-Identifier: Apache-2.0
"""Which rows of a table have been read, without a column that says when they were stored.

A part of a MergeTree is made of blocks, one an insert, whose numbers only ever grow in a partition; merges keep them.
So a row is new when its part is made of blocks of which not all were read. Nothing is asked of clocks or of the times
of spans, and a late row is a new one. What is merged of old and new blocks is read once more: spans count once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A part, and its first and last block."""

    name: str
    partition: str
    low: int
    high: int
    rows: int


class Covered:
    """The blocks that were read, by partition, in runs of (first, last) that do not touch."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)

    def has(self, part: Part) -> bool:
        """Whether every block of the part was read: also such as may come between two that were."""
        return any(low <= part.low and part.high <= high for low, high in self._runs[part.partition])

    def add(self, partition: str, low: int, high: int) -> tuple[int, int]:
        """The run that these blocks are now in."""
        apart = []
        for run in self._runs[partition]:
            if run[1] + 1 < low or high + 1 < run[0]:
                apart.append(run)
            else:
                low, high = min(low, run[0]), max(high, run[1])
        self._runs[partition] = [*apart, (low, high)]
        return low, high
