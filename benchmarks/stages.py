"""What each stage of a span's way in costs by itself, beside the floor that ClickHouse sets."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from benchmarks.load import EPOCH, TEXT, Shape, bodies
from benchmarks.log import logging_us
from otel_sessions.clickhouse import inserts, rows
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.pdata import SpanBatch, check, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import migrations
from otel_sessions.testing import otlp

LONG_BYTES = 8192
FLOOR = "floor"
LONG_TEXT = TEXT * 200
"""Of a prompt: some 9 kB."""


def cpu_s() -> float:
    """User and system seconds of this process, all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass
class Stages:
    """CPU us a span of requests of `spans` spans, `segment` of them at once, as a segment of the log has them.

    `insert` is with all views, `floor` the same rows as Arrow into the same table without any.
    """

    spans: int = 512
    segment: int = 16_384
    _seeds: Iterator[int] = field(default_factory=count)

    def rounds(self, number: int) -> dict[str, list[float]]:
        """Each stage in turn, so many times, after one round that does not count; and what follows from them."""
        found: dict[str, list[float]] = {}
        with tempfile.TemporaryDirectory() as directory:
            client = connect(Endpoint.parse(f"chdb://{directory}/data"))
            list(migrations.apply(client, "otel"))
            client.database = "otel"
            client.command(f"CREATE TABLE {FLOOR} AS {rows.TABLE}")
            processor = SessionProcessor(SessionConfig())

            def insert(table: str, block: memoryview, token: str) -> None:
                rows.insert(client, table, block, inserts.settings(client, token))

            for round_ in range(number + 1):
                us = dict(self._round(processor, insert))
                figures = {f"{name}, us a span": value for name, value in us.items()}
                floor = us["arrow"] + us[FLOOR]
                figures["all, x the floor with its stream"] = (sum(us.values()) - us[FLOOR]) / floor
                figures["decode of long texts, MB/s"] = _long_texts_mb_s()
                for name, value in figures.items() if round_ else ():
                    found.setdefault(name, []).append(value)
            client.close()
        return found

    def _round(
        self, processor: SessionProcessor, insert: Callable[[str, memoryview, str], None]
    ) -> Iterator[tuple[str, float]]:
        seed = next(self._seeds)
        requests = bodies(Shape(spans=self.spans), seed, max(1, self.segment // self.spans))
        spans = len(requests) * self.spans
        kept: list[object] = []

        def timed(name: str, work: Callable[[], object]) -> tuple[str, float]:
            before = cpu_s()
            kept.append(work())
            return name, (cpu_s() - before) / spans * 1e6

        yield timed("check", lambda: check(requests, LONG_BYTES))
        yield "log", logging_us(Shape(spans=self.spans), rounds=5)
        yield timed("decode", lambda: decode(requests, ["default"] * len(requests)).batch)
        batch = kept[-1]
        assert isinstance(batch, SpanBatch)
        yield timed("processors", lambda: processor.process(batch))
        processed = kept[-1]
        assert isinstance(processed, SpanBatch)
        yield timed("arrow", lambda: rows.arrow_stream([processed], "lz4"))
        block = kept[-1]
        assert isinstance(block, memoryview)
        yield timed(FLOOR, lambda: insert(FLOOR, block, f"floor-{seed}"))
        yield timed("insert", lambda: insert(rows.TABLE, block, f"insert-{seed}"))


def _long_texts_mb_s() -> float:
    """Megabytes of request a second of CPU, of spans with prompt and answer."""
    texts = {"gen_ai.input.messages": LONG_TEXT, "gen_ai.output.messages": LONG_TEXT}
    spans = [otlp.span(f"chat {number}", start=EPOCH, end=EPOCH + 1, attributes=texts) for number in range(64)]
    requests = [otlp.request(*spans).SerializeToString()] * 16
    before = cpu_s()
    decode(requests, ["default"] * len(requests))
    return sum(map(len, requests)) / (cpu_s() - before) / 1e6
