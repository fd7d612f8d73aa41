# SPDX-License-Identifier: Apache-2.0
"""Large tables in pieces of bounded size, cut where their rows lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")

MAX_PIECES = 1000
SAMPLES_A_PIECE = 20


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, at most `size` at a time: as many as one statement takes."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def bounded(items: Iterable[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """The items in order, in lists whose sizes together are at most `most`, or of one item that is larger."""
    found: list[T] = []
    total = 0
    for item in items:
        if found and total + size(item) > most:
            yield found
            found, total = [], 0
        found.append(item)
        total += size(item)
    if found:
        yield found


@dataclass(frozen=True, slots=True)
class Piece(Generic[K]):
    """The keys from `low` on and below `high`; without a `high` all from `low` on."""

    low: K
    high: K | None


@dataclass(frozen=True, slots=True)
class Period:
    """A period of `otel_traces.ReceivedAt`, from `start` to `end`, both inclusive."""

    start: datetime
    end: datetime

    @property
    def parameters(self) -> dict[str, str]:
        """The period as the parameters `from` and `to` of a statement, of type DateTime64(9, 'UTC')."""
        return {"from": _text(self.start), "to": _text(self.end)}


@dataclass(frozen=True, slots=True)
class Progress:
    """How many rows of how many have been worked on, and what is being done."""

    done: int
    total: int
    doing: str


def sample_size(pieces: int) -> int:
    """How many keys to draw as the sample from which so many pieces are cut."""
    return pieces * SAMPLES_A_PIECE


def count(rows: int, rows_a_piece: int) -> int:
    """How many pieces to make of so many rows."""
    return max(1, min(MAX_PIECES, -(-rows // rows_a_piece)))


def cut(sample: Sequence[K], pieces: int, least: K) -> list[Piece[K]]:
    """About equal pieces of the keys that the sample was drawn from, from `least` on; together they hold every key."""
    ordered: list[Any] = sorted(sample)
    step = max(1, len(ordered) // pieces)
    bounds = sorted({key for key in ordered[step::step][: pieces - 1] if key > least})
    return [Piece(low, high) for low, high in pairwise([least, *bounds, None])]


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
