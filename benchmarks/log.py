"""What the write-ahead log costs by itself."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.load import Shape, bodies
from otel_sessions.component import Request
from otel_sessions.exporterhelper.config import SendingQueue
from otel_sessions.exporterhelper.wal import Log
from otel_sessions.pipeline.repeated import digest


def logging_us(shape: Shape, rounds: int = 20) -> float:
    """CPU us a span, user and system, of a request's digest, its frame, its write and its share of an fsync, with eight
    requests an fsync."""
    requests = [Request(body) for body in bodies(shape, 0, 8)]
    times = []
    with tempfile.TemporaryDirectory() as directory:
        log = Log(Path(directory), SendingQueue())
        for _ in range(rounds):
            begin = time.process_time()
            for request in requests:
                digest(request)
            log.append(requests)
            times.append(time.process_time() - begin)
        log.close()
    return statistics.median(times) / len(requests) / shape.spans * 1e6
