"""Requests as an instrumented chat application sends them, and senders that send one after another."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import grpc

from otel_sessions.receivers.otlp.export import METHOD
from otel_sessions.testing import otlp

EPOCH = 1_767_225_600_000_000_000
SPANS_A_TRACE = 8
TEXT = "The quick brown fox jumps over the lazy dog. "


@dataclass(frozen=True)
class Shape:
    """`share` of the traces carries a session id, on every span or, with `root_only`, on the root, which comes last."""

    spans: int = 512
    sessions: int = 5000
    share: float = 1.0
    root_only: bool = False


def bodies(shape: Shape, seed: int, count: int) -> list[bytes]:
    """Different requests of about 500 bytes and nine attributes a span."""
    rnd = random.Random(seed)
    return [_request(shape, rnd, EPOCH + number * 1_000_000_000) for number in range(count)]


def _request(shape: Shape, rnd: random.Random, start: int) -> bytes:
    spans = [span for _ in range(shape.spans // SPANS_A_TRACE) for span in _trace(shape, rnd, start)]
    resource = {"service.name": "chat-api", "host.name": "host-1", "telemetry.sdk.language": "python"}
    return otlp.request(*spans, resource=resource, scope=("benchmark", "1")).SerializeToString()


def _trace(shape: Shape, rnd: random.Random, start: int) -> Iterator[otlp.Span]:
    trace, root = rnd.randbytes(16), rnd.randbytes(8)
    session = f"session-{rnd.randrange(shape.sessions)}" if rnd.random() < shape.share else ""
    for number in reversed(range(SPANS_A_TRACE)):
        attributes: dict[str, otlp.Value] = {
            "user.id": f"user-{rnd.randrange(1000)}",
            "gen_ai.operation.name": "chat" if number == 3 else "execute_tool",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": rnd.randrange(2000),
            "gen_ai.usage.output_tokens": rnd.randrange(500),
            "http.request.method": "POST",
            "url.path": "/v1/chat/completions",
            "app.note": TEXT * 2,
        }
        if session and (number == 0 or not shape.root_only):
            attributes["session.id"] = session
        yield otlp.span(
            f"operation {number}",
            trace_id=trace,
            span_id=root if number == 0 else rnd.randbytes(8),
            parent=b"" if number == 0 else root,
            start=start + number,
            end=start + 1_000_000,
            attributes=attributes,
            kind="Client",
        )


@dataclass
class Load:
    """Senders that each send their next request when the last one was answered, for `seconds` or `requests` in all."""

    target: str
    senders: int
    shape: Shape
    latencies_s: list[float] = field(default_factory=list)
    failed: int = 0

    def run(self, requests: int) -> float:
        """Sends this many requests; returns the seconds it took."""
        left = iter(range(requests))
        lock = threading.Lock()
        threads = [threading.Thread(target=self._send, args=(left, lock, seed)) for seed in range(self.senders)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - begin

    def _send(self, left: Iterator[int], lock: threading.Lock, seed: int) -> None:
        # A pool of bodies whose ids are made new for every request, so that no two requests are the same.
        pool = [bytearray(body) for body in bodies(self.shape, seed, 4)]
        marks = [_trace_ids(bytes(body)) for body in pool]
        rnd = random.Random()
        with grpc.insecure_channel(self.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            export = channel.unary_unary(METHOD)
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                index = number % len(pool)
                for places in marks[index].values():
                    new = rnd.randbytes(16)
                    for place in places:
                        pool[index][place : place + 16] = new
                begin = time.monotonic()
                try:
                    export(bytes(pool[index]), timeout=60)
                except grpc.RpcError:
                    self.failed += 1
                self.latencies_s.append(time.monotonic() - begin)


def _trace_ids(body: bytes) -> dict[bytes, list[int]]:
    """Where each trace id stands in a body."""
    found: dict[bytes, list[int]] = {}
    for group in otlp.ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in group.scope_spans:
            for trace in {span.trace_id for span in scope.spans}:
                start = -1
                while (start := body.find(trace, start + 1)) >= 0:
                    found.setdefault(trace, []).append(start)
    return found
