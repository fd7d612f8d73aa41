# SPDX-License-Identifier: Apache-2.0
"""Finds the items that are to blame for a refusal: what is refused is tried again in halves, until one stands alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from otel_sessions.errors import Retryable

T = TypeVar("T")
PATIENCE: Final = 64
"""Refusals without a success in between from which on whoever refuses is to blame, and not what is refused."""


class Bisection(Generic[T]):
    """Halves what is refused, as long as that may lead to an item to blame.

    `halve` gives the two halves of a piece, or None of a piece that stands alone.
    """

    def __init__(self, halve: Callable[[T], tuple[T, T] | None]) -> None:
        self._halve = halve
        self.refused_in_a_row = 0

    @property
    def is_patient(self) -> bool:
        return self.refused_in_a_row < PATIENCE

    def accept(self) -> None:
        """Notes that a piece was taken, so that later refusals are the fault of what is refused."""
        self.refused_in_a_row = 0

    def refuse(self, piece: T) -> tuple[T, T] | None:
        """The halves to try in the place of this piece; None when it stands alone, or when patience is at its end."""
        self.refused_in_a_row += 1
        return self._halve(piece) if self.is_patient else None


def bisect(
    items: Sequence[T], attempt: Callable[[Sequence[T]], None], blame: Callable[[Sequence[T], Exception], None]
) -> None:
    """Attempts all items together, and where that is refused their halves, in order, until each was taken or blamed.

    `blame` is called with an item that stands alone. It is called with several and a `Retryable` where they may be
    innocent: the attempt itself asked for time, or everything is refused.
    """
    search = Bisection[Sequence[T]](halves)
    waiting = deque([items])
    while waiting:
        piece = waiting.popleft()
        try:
            attempt(piece)
        except Retryable as error:
            blame(piece, error)
        except Exception as error:  # noqa: BLE001 - each item is taken or blamed
            parts = search.refuse(piece)
            if parts:
                waiting.extendleft(reversed(parts))
            elif len(piece) > 1:
                again = Retryable(f"everything is refused: {error}")
                again.__cause__ = error
                blame(piece, again)
            else:
                blame(piece, error)
        else:
            search.accept()


def halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]] | None:
    """A sequence in two; None of a single item."""
    middle = len(items) // 2
    return (items[:middle], items[middle:]) if middle else None
