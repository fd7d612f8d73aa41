"""Spans that keep arriving at a steady rate, whatever becomes of them."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc

from benchmarks.load import Shape, bodies
from otel_sessions.receivers.otlp.grpc_export import METHOD
from otel_sessions.testing import otlp

SENDERS: Final = 8
ANSWER_S: Final = 60.0


class Fresh:
    """Requests of one shape, each with trace ids that no other has."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self._request = otlp.ExportTraceServiceRequest.FromString(bodies(shape, seed, 1)[0])
        self._traces: defaultdict[bytes, list[otlp.Span]] = defaultdict(list)
        for group in self._request.resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    self._traces[span.trace_id].append(span)
        self._random = random.Random()

    def body(self) -> bytes:
        for spans in self._traces.values():
            trace_id = self._random.randbytes(16)
            for span in spans:
                span.trace_id = trace_id
        return self._request.SerializeToString()


class Arrival:
    """Senders that each send when the clock says so; one that is refused sends the same bytes until they are taken.

    `latencies_s` are those of single answers, from when the request was due.
    """

    def __init__(self, target: str, spans_per_s: float, shape: Shape) -> None:
        self._target = target
        self._shape = shape
        self._interval = SENDERS * shape.spans / spans_per_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.acked_spans = 0
        self.refused = 0
        self.latencies_s: list[float] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """At the end every request that was begun has been taken."""
        threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def answered(self) -> list[float]:
        """The latencies since the last call."""
        with self._lock:
            taken, self.latencies_s = self.latencies_s, []
        return taken

    def _send(self, number: int) -> None:
        fresh = Fresh(self._shape, number)
        due = time.monotonic() + self._interval * number / SENDERS
        with grpc.insecure_channel(self._target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            export = channel.unary_unary(METHOD)
            while not self._stopping.wait(due - time.monotonic()):
                self._deliver(export, fresh.body(), due)
                due += self._interval

    def _deliver(self, export: grpc.UnaryUnaryMultiCallable, body: bytes, due: float) -> None:
        while True:
            try:
                export(body, timeout=ANSWER_S)
            except grpc.RpcError:
                with self._lock:
                    self.refused += 1
                time.sleep(0.5)
                continue
            with self._lock:
                self.acked_spans += self._shape.spans
                self.latencies_s.append(time.monotonic() - due)
            return
