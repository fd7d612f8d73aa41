"""How long is waited between attempts, and what the log says of them."""

from __future__ import annotations

import itertools
import logging

import pytest

from otel_sessions.errors import Retryable
from otel_sessions.exporterhelper import retry
from otel_sessions.exporterhelper.config import Retry
from otel_sessions.exporterhelper.retry import Trouble, delays
from tests.logged import told_by


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


def test_a_failure_that_lasts_is_told_ever_more_seldom_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    trouble = Trouble("clickhouse", clock)
    trouble.end()
    told = []
    for second in range(601):
        clock.now = 100.0 + second
        before = len(told_by(caplog, retry.logger.name))
        trouble.note(Retryable("away"), 7)
        told += [second] if len(told_by(caplog, retry.logger.name)) > before else []
    assert told == [0, 10, 20, 40, 80, 160, 320]
    trouble.end()
    trouble.end()
    last = next(record for record in reversed(caplog.records) if record.name == retry.logger.name)
    assert (last.levelname, last.getMessage()) == (
        "INFO",
        "clickhouse: storing works again, after 601 failures in 600.0 s",
    )
    assert len(told_by(caplog, retry.logger.name)) == len(told) + 1
    trouble.note(Retryable("away again"), 7)
    assert told_by(caplog, retry.logger.name)[-1] == "clickhouse: storing 7 spans failed, trying again: away again"
