"""Requests of random sessions, and what is known of them."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from otel_sessions.component import DEFAULT_PROJECT
from otel_sessions.testing.oracle import NO_CLAIM, Identity, OracleSpan
from tests.integration.delivery import EPOCH

WAITING: Final = 400
"""Spans that wait to be sent, in no order: so many lie between the spans of a trace, and kills between them."""
LEVELS: Final = [1, 1, 2, 3, 4, *[NO_CLAIM] * 6]
SESSIONS: Final = [f"s-{number}" for number in range(400)] + ["a/b c", "\u4f60\u597d \U0001f600", "it's", "50%_\\n"]


class Workload:
    """Any thread may take requests. The seed decides the spans; who takes which, the threads."""

    def __init__(self, seed: object) -> None:
        self._random = random.Random(str(seed))
        self._lock = threading.Lock()
        self._waiting: list[OracleSpan] = []
        self._late: list[OracleSpan] = []
        self._traces = 0
        self._requests: list[Sequence[OracleSpan]] = []
        self.sent: dict[Identity, OracleSpan] = {}
        self.acked: set[Identity] = set()

    def request(self) -> Sequence[OracleSpan]:
        """Spans to send together: new ones for the most part, now and then some that were sent before."""
        with self._lock:
            spans = self._again() if self._requests and self._random.random() < 0.1 else self._new()
            self._requests.append(spans)
            self.sent.update((span.identity, span) for span in spans)
            return spans

    def took(self, spans: Iterable[OracleSpan]) -> None:
        """The service has said yes to these."""
        with self._lock:
            self.acked.update(span.identity for span in spans)

    def _again(self) -> list[OracleSpan]:
        """Some spans of some earlier requests: a batch that was taken apart and put together anew."""
        chosen = self._random.choices(self._requests, k=self._random.randint(1, 4))
        spans = {span.identity: span for group in chosen for span in group if self._random.random() < 0.7}
        return list(spans.values()) or list(chosen[0])

    def _new(self) -> list[OracleSpan]:
        while len(self._waiting) < WAITING:
            for span in self._trace():
                (self._late if self._random.random() < 0.04 else self._waiting).append(span)
        spans = [self._taken(self._waiting) for _ in range(self._random.choice([1, 1, 3, 8, 8, 20, 150]))]
        if self._late and self._random.random() < 0.05:
            spans.append(self._taken(self._late))
        return spans

    def _taken(self, pool: list[OracleSpan]) -> OracleSpan:
        place = self._random.randrange(len(pool))
        pool[place], pool[-1] = pool[-1], pool[place]
        return pool.pop()

    def _trace(self) -> list[OracleSpan]:
        self._traces += 1
        rnd = self._random
        sessions = rnd.choices(SESSIONS, k=2)
        levels = rnd.choices(LEVELS, k=rnd.randint(1, 9))
        if rnd.random() < 0.5:
            levels = [1] + [NO_CLAIM] * (len(levels) - 1)  # the common case: only the root knows
        return [self._span(number, level, rnd.choice(sessions)) for number, level in enumerate(levels)]

    def _span(self, number: int, level: int, session: str) -> OracleSpan:
        rnd = self._random
        start = EPOCH + rnd.randrange(6) * 40_000_000_000
        return OracleSpan(
            project=DEFAULT_PROJECT,
            trace_id=f"{self._traces:032x}",
            span_id=f"{self._traces * 100 + number + 1:016x}",
            is_root=number == 0,
            start=start,
            end=start + rnd.randrange(4) * 1_000_000_000,
            level=level,
            claim_id="" if level == NO_CLAIM else session,
            error=rnd.random() < 0.3,
            input_tokens=rnd.randrange(50),
            output_tokens=rnd.randrange(50),
            cost=Decimal(rnd.randrange(1000)) / 1000,
        )
