"""What `otel-sessions verify` costs: `python -m benchmarks.verify --spans 1000000`.

Fills an embedded database through decoder, processor, insert and attribution, about one trace in ten with its claim in
a later request than its other spans, or opens one that an earlier run has left. Then it verifies what is there.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from secrets import token_bytes

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from benchmarks.load import Shape, bodies
from otel_sessions.clickhouse import inserts, rows
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.component import DEFAULT_PROJECT
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import attribution, migrations
from otel_sessions.sessions.verify import Report, verify

REQUESTS_AN_INSERT = 64
TRACES_A_LOOK = 5000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--spans", type=int, default=1_000_000)
    arguments.add_argument("--data", type=Path, required=True, help="a directory; filled where it is not there yet")
    chosen = arguments.parse_args()
    new = not chosen.data.exists()
    client = connect(Endpoint.parse(f"chdb://{chosen.data}"))
    migrations.apply(client, "otel")
    if new:
        fill(client, chosen.spans)
    report, wall_s, cpu_s = timed(client)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{report.spans:,} spans, {'equal' if report.clean else report.differences[:3]}")
    print(f"{wall_s:.1f} s, {cpu_s:.1f} s of CPU, {peak} MiB at most, filling included")


def timed(client: Client) -> tuple[Report, float, float]:
    """What a verify says, and its seconds on the clock and of CPU."""
    wall, cpu = time.monotonic(), time.process_time()
    steps = verify(client)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, time.monotonic() - wall, time.process_time() - cpu


def fill(client: Client, spans: int) -> None:
    shape = Shape(root_only=True)
    inserted = 0
    while inserted < spans:
        requests = bodies(shape, int.from_bytes(token_bytes(8), "big"), REQUESTS_AN_INSERT)
        tenth = len(requests) // 10
        late = decode(requests[:tenth], [DEFAULT_PROJECT] * tenth).batch.record
        others = decode(requests[tenth:], [DEFAULT_PROJECT] * (len(requests) - tenth)).batch.record
        roots = pa.compute.equal(late.column("ParentSpanId"), "")
        for part in (late.filter(pa.compute.invert(roots)), others, late.filter(roots)):
            insert(client, SessionProcessor(SessionConfig()).process(SpanBatch(part)))
            inserted += part.num_rows
    move(client)


def move(client: Client) -> None:
    """Puts the late claims into force."""
    left = attribution.left_behind(client)
    for start in range(0, len(left), TRACES_A_LOOK):
        doubts = attribution.doubtful(client, left[start : start + TRACES_A_LOOK])
        attribution.correct(client, [doubt.trace for doubt in doubts])


def insert(client: Client, batch: SpanBatch) -> None:
    rows.insert(client, rows.TABLE, rows.arrow_stream([batch]), inserts.settings(client))


if __name__ == "__main__":
    main()
