"""Waiting between attempts: exponential, with jitter, until a time is up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from otel_sessions.exporters.clickhouse.config import Retry


def delays(config: Retry, clock: Callable[[], float], jitter: Callable[[], float] = random.random) -> Iterator[float]:
    """Seconds to wait before each further attempt; ends when `max_elapsed_time` since the first call is used up."""
    end = clock() + config.max_elapsed_time
    interval = config.initial_interval
    while (left := end - clock()) > 0:
        yield min(left, interval * (0.5 + jitter() / 2))
        interval = min(interval * 2, config.max_interval)
