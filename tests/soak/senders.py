"""Clients that come back with the same bytes when they do not know what became of a request, as SDKs do."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import grpc

from otel_sessions.testing.oracle import OracleSpan
from tests.integration.delivery import body
from tests.integration.running import EXPORT
from tests.soak.workload import Workload

ANSWER_S: Final = 20.0
RETRIED: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED})
_OPTIONS: Final = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


class Senders:
    """Sends what the workload has, to one address. `errors` are answers that no client would retry."""

    def __init__(self, workload: Workload, target: str, seed: object, count: int) -> None:
        self._workload = workload
        self._target = target
        self._seeds = [f"{seed}-{number}" for number in range(count)]
        self._stopping = threading.Event()
        self.requests = 0
        self.retries = 0
        self.errors: list[grpc.RpcError] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """At the end every request was taken, but for those that clients gave up; the service must be there then."""
        threads = [threading.Thread(target=self._run, args=(random.Random(seed),)) for seed in self._seeds]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def _run(self, rnd: random.Random) -> None:
        with grpc.insecure_channel(self._target, _OPTIONS) as channel:
            export = channel.unary_unary(EXPORT)
            while not self._stopping.is_set():
                self._deliver(export, rnd, self._workload.request())
                self._stopping.wait(rnd.random() * 0.06)

    def _deliver(self, export: grpc.UnaryUnaryMultiCallable, rnd: random.Random, spans: Sequence[OracleSpan]) -> None:
        data = body(spans)
        attempts = 10**6 if rnd.random() < 0.9 else rnd.randint(1, 3)
        self.requests += 1
        for _ in range(attempts):
            if self._taken(export, data):
                self._workload.took(spans)
                if rnd.random() < 0.1:
                    self._taken(export, data)
                return
            self.retries += 1
            time.sleep(rnd.random() * 0.2)

    def _taken(self, export: grpc.UnaryUnaryMultiCallable, data: bytes) -> bool:
        try:
            export(data, timeout=ANSWER_S)
        except grpc.RpcError as error:
            if error.code() not in RETRIED:
                self.errors.append(error)
            return False
        return True
