"""What it costs that only roots name the session and come last: `python -m benchmarks.late_roots`.

Three services in turns get the same load: the session id on all spans; on the roots alone; on the roots alone with
`claim_wait: 0`, so that each trace is corrected. Children of a wave of traces are sent at once, its roots 5 to 15 s
later.
CPU is that of the service until all spans are in their sessions and ten seconds longer, for merges.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

from benchmarks.load import EPOCH, SPANS_A_TRACE, Shape, trace_of
from benchmarks.peers import ask
from benchmarks.server import Server, serve
from benchmarks.transports import Export, Grpc
from otel_sessions.testing import otlp

DELAY_S = (5.0, 15.0)
EVERY_S = 0.5
"""Between two waves."""
REST_S = 10
COUNT = "SELECT sum(SpanCount) FROM otel.sessions"
MODES = {"ids on all spans": (True, "20s"), "ids on roots": (False, "20s"), "the same, claim_wait: 0": (False, "0s")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waves", type=int, default=60, help="one each half second (default 60)")
    parser.add_argument("--traces", type=int, default=512, help="of eight spans, a wave (default 512)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each service has its turn (default 2)")
    chosen = parser.parse_args()
    found: dict[str, list[float]] = {mode: [] for mode in MODES}
    for _ in range(chosen.rounds):
        for mode, (everywhere, wait) in MODES.items():
            with serve("wal", claim_wait=wait) as server:
                used = run(server, everywhere, chosen.waves, chosen.traces)
            found[mode].append(used)
            print(f"{mode}: {used:.1f} us of CPU a span", flush=True)
    first = statistics.median(found["ids on all spans"])
    for mode, values in found.items():
        print(f"{mode:26}{statistics.median(values):8.1f} us a span{statistics.median(values) / first:7.2f}x")


def run(server: Server, everywhere: bool, waves: int, traces: int) -> float:
    """Microseconds of the service's CPU a span."""
    rnd = random.Random(7)
    due = []
    for number in range(waves):
        children, roots = wave(rnd, number, traces, everywhere)
        due += [(number * EVERY_S, children), (number * EVERY_S + rnd.uniform(*DELAY_S), roots)]
    due.sort(key=lambda each: each[0])
    before = server.cpu_s()
    with Grpc(server.endpoints["otlp/grpc"]).connected() as export:
        send(export, due)
    spans, sql = waves * traces * SPANS_A_TRACE, server.endpoints["clickhouse_http"]
    end = time.monotonic() + 600
    while (right := int(ask(sql, COUNT))) < spans and time.monotonic() < end:
        time.sleep(2)
    if right != spans:
        raise RuntimeError(f"{right} spans are in their sessions, {spans} were sent")
    time.sleep(REST_S)
    return (server.cpu_s() - before) / spans * 1e6


def wave(rnd: random.Random, number: int, traces: int, everywhere: bool) -> tuple[bytes, bytes]:
    """A request with the children of so many traces, and one with their roots."""
    shape, start = Shape(root_only=not everywhere), EPOCH + number * 1_000_000_000
    children, roots = list[otlp.Span](), list[otlp.Span]()
    for _ in range(traces):
        *others, root = trace_of(shape, rnd, start)
        children += others
        roots.append(root)
    resource: dict[str, otlp.Value] = {"service.name": "chat-api"}
    return (
        otlp.request(*children, resource=resource).SerializeToString(),
        otlp.request(*roots, resource=resource).SerializeToString(),
    )


def send(export: Export, due: list[tuple[float, bytes]]) -> None:
    """Each body at its second; RuntimeError where one is refused."""
    begin = time.monotonic()
    for second, body in due:
        time.sleep(max(0.0, begin + second - time.monotonic()))
        if not export(body):
            raise RuntimeError("a request was refused")


if __name__ == "__main__":
    main()
