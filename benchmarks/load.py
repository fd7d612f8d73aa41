"""Requests as an instrumented chat application sends them, and senders that send one after another."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.transports import Transport
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


def bodies(shape: Shape, seed: int, count: int, start: int = EPOCH) -> list[bytes]:
    """Different requests of about 500 bytes and nine attributes a span, one a second from `start` (ns) on."""
    rnd = random.Random(seed)
    return [_request(shape, rnd, start + number * 1_000_000_000) for number in range(count)]


def _request(shape: Shape, rnd: random.Random, start: int) -> bytes:
    spans = [span for _ in range(-(-shape.spans // SPANS_A_TRACE)) for span in trace_of(shape, rnd, start)][
        -shape.spans :
    ]
    resource = {"service.name": "chat-api", "host.name": "host-1", "telemetry.sdk.language": "python"}
    return otlp.request(*spans, resource=resource, scope=("benchmark", "1")).SerializeToString()


def trace_of(shape: Shape, rnd: random.Random, start: int) -> Iterator[otlp.Span]:
    """The spans of a trace, its root last; `start` in ns."""
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
    """Senders that each send their next request when the last one was answered."""

    transport: Transport
    senders: int
    shape: Shape
    latencies_s: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)
    """Seconds of the monotonic clock, a request each that was taken, as `latencies_s`."""
    failed: int = 0
    """Requests that were refused, and are not sent again."""

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
        plain = bodies(self.shape, seed, 4)
        pool = [bytearray(self.transport.body(body)) for body in plain]
        marks = [
            [_places(bytes(body), self.transport.id(trace)) for trace in _trace_ids(original)]
            for body, original in zip(pool, plain, strict=True)
        ]
        rnd = random.Random()
        with self.transport.connected() as export:
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                body = pool[number % len(pool)]
                for places in marks[number % len(pool)]:
                    new = self.transport.id(rnd.randbytes(16))
                    for place in places:
                        body[place : place + len(new)] = new
                begin = time.monotonic()
                taken = export(bytes(body))
                end = time.monotonic()
                with lock:
                    self.failed += not taken
                if taken:
                    self.answered_at.append(end)
                    self.latencies_s.append(end - begin)


def _trace_ids(body: bytes) -> set[bytes]:
    groups = otlp.ExportTraceServiceRequest.FromString(body).resource_spans
    return {span.trace_id for group in groups for scope in group.scope_spans for span in scope.spans}


def _places(body: bytes, id_: bytes) -> list[int]:
    """Where an id stands in a body."""
    found, start = [], -1
    while (start := body.find(id_, start + 1)) >= 0:
        found.append(start)
    return found
