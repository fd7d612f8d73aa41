"""Waiting between attempts: exponential, with jitter, until a time is up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from otel_sessions.exporterhelper.config import Retry


def delays(
    config: Retry, max_elapsed: float, clock: Callable[[], float], jitter: Callable[[], float] = random.random
) -> Iterator[float]:
    """Seconds to wait before each further attempt; ends when `max_elapsed` seconds since the first call are used up."""
    end = clock() + max_elapsed
    interval = config.initial_interval
    while (left := end - clock()) > 0:
        yield min(left, interval * (0.5 + jitter() / 2))
        interval = min(interval * 2, config.max_interval)
