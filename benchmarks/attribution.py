"""What a late claim costs: `python -m benchmarks.attribution --spans 1000000 --traces 100 1000 10000`.

Fills an embedded database with sessions of a week. Then traces of eight spans whose root comes last and alone names
the session, in an insert of its own: the statements that move the others there are timed, one call for all traces.
Before that it prints what the look after an insert costs when no trace is in doubt.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from secrets import randbits

import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from benchmarks.load import EPOCH, SPANS_A_TRACE, Shape, bodies
from benchmarks.verify import REQUESTS_AN_INSERT, insert
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.component import DEFAULT_PROJECT, Host
from otel_sessions.exporters.clickhouse.attributor import Attributor
from otel_sessions.exporters.clickhouse.config import AttributionConfig
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import attribution, migrations
from otel_sessions.sessions.attribution import TraceKey
from otel_sessions.telemetry import Metrics

REQUESTS_A_LOOK = 32
WEEK_NS = 7 * 86_400 * 10**9
LATE = Shape(root_only=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--spans", type=int, default=1_000_000)
    arguments.add_argument("--traces", type=int, nargs="+", default=[100, 1000, 10_000])
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        endpoint = Endpoint.parse(f"chdb://{Path(directory, 'data')}")
        client = connect(endpoint)
        migrations.apply(client, "otel")
        fill(client, chosen.spans)
        looks(client, endpoint)
        for number, traces in enumerate(chosen.traces):
            late(client, traces, EPOCH + WEEK_NS + number * 3600 * 10**9)
        client.close()


def fill(client: Client, spans: int) -> None:
    requests = max(1, spans // Shape().spans)
    for done in range(0, requests, REQUESTS_AN_INSERT):
        start = EPOCH + WEEK_NS * done // requests
        insert(client, spans_of(Shape(), min(REQUESTS_AN_INSERT, requests - done), start))
    print(f"{requests * Shape().spans:,} spans of {Shape().sessions:,} sessions")


def looks(client: Client, endpoint: Endpoint, times: int = 5) -> None:
    """CPU of inserts with all views, of the short look at their traces, of which none is in doubt, and of what tells
    without a look that none is, where one receiver stores alone."""
    attributor, inserting, looking, telling = learned(client, endpoint), 0.0, 0.0, 0.0
    for number in range(times):
        batch = spans_of(Shape(), REQUESTS_A_LOOK, EPOCH + (number + 1) * WEEK_NS)
        traces = sorted({(DEFAULT_PROJECT, trace) for trace in batch.record.column("TraceId").to_pylist()})
        begin = time.process_time()
        insert(client, batch)
        inserted = time.process_time()
        attribution.find(client, traces)
        looked = time.process_time()
        expected = attributor.expect([batch])
        attributor.note_stored(expected)
        telling += time.process_time() - looked
        inserting += inserted - begin
        looking += looked - inserted
        assert expected.is_settled.all()
    attributor.shutdown(10.0)
    rows = REQUESTS_A_LOOK * Shape().spans * times
    us = [f"{seconds / rows * 1e6:.2f}" for seconds in (inserting, looking, telling)]
    print(f"no late claims: insert {us[0]} us of CPU a span, look {us[1]}, told without {us[2]}")


def learned(client: Client, endpoint: Endpoint) -> Attributor:
    """An attributor that knows all traces that are stored, of which none was left behind."""
    attribution.record(client, "benchmark", attribution.server_time(client) + 3600)
    host = Host(Metrics())
    attributor = Attributor("clickhouse", endpoint, AttributionConfig(), host, receiver="benchmark")
    begin = time.process_time()
    attributor.start()
    while host.health().get("clickhouse/attribution", "not yet") is not None or len(host.running) > 1:
        time.sleep(0.01)
    print(f"all trace ids learned: {time.process_time() - begin:.2f} s of CPU")
    return attributor


def late(client: Client, traces: int, start: int) -> None:
    batch = spans_of(LATE, -(-traces * SPANS_A_TRACE // LATE.spans), start).record
    roots = pc.equal(batch.column("ParentSpanId"), "")
    processor = SessionProcessor(SessionConfig())
    for part in (batch.filter(pc.invert(roots)), batch.filter(roots)):
        insert(client, processor.process(SpanBatch(part)))
    keys = sorted({(DEFAULT_PROJECT, trace) for trace in batch.column("TraceId").to_pylist()})[:traces]
    took = [timed(step, client, keys) for step in (attribution.find, attribution.correct)]
    said = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in zip(("find", "correct"), took, strict=True))
    print(f"{traces:,} late claims: {said}; {sum(took) / traces * 1000:.2f} ms each")


def timed(step: Callable[[Client, list[TraceKey]], object], client: Client, keys: list[TraceKey]) -> float:
    begin = time.monotonic()
    step(client, keys)
    return time.monotonic() - begin


def spans_of(shape: Shape, requests: int, start: int) -> SpanBatch:
    decoded = decode(bodies(shape, randbits(64), requests, start), [DEFAULT_PROJECT] * requests).batch
    return SessionProcessor(SessionConfig()).process(decoded)


if __name__ == "__main__":
    main()
