"""How long is waited between attempts."""

from __future__ import annotations

import itertools

from otel_sessions.exporterhelper.config import Retry
from otel_sessions.exporterhelper.retry import delays


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def waits(jitter: float, **settings: float) -> list[float]:
    """All the waits there are when an attempt itself takes no time."""
    clock, found = Clock(), list[float]()
    for wait in itertools.islice(delays(Retry(**settings), settings["max_elapsed_time"], clock, lambda: jitter), 100):
        found.append(round(wait, 6))
        clock.now += wait
    return found


def test_waits_double_up_to_the_longest_and_end_with_the_time() -> None:
    assert waits(1.0, initial_interval=1, max_interval=4, max_elapsed_time=12) == [1, 2, 4, 4, 1]


def test_jitter_takes_up_to_half_of_a_wait() -> None:
    assert waits(0.0, initial_interval=1, max_interval=4, max_elapsed_time=5) == [0.5, 1, 2, 1.5]


def test_attempts_that_take_all_the_time_are_not_repeated() -> None:
    clock = Clock()
    left = delays(Retry(), 8, clock)
    clock.now += 1  # the time counts from the first wait that is asked for
    assert next(left, None) is not None
    clock.now += 9
    assert next(left, None) is None
