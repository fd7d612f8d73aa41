"""CPU a span, memory and latency of the service under load: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

from benchmarks.load import Load, Shape, bodies
from benchmarks.log import logging_us
from benchmarks.peers import ask
from benchmarks.server import Server, serve
from benchmarks.transports import transport
from otel_sessions.pdata import Decoded, fast, otlp

_DECODERS = {"reference": otlp.decode, fast.decoder(): fast.decode}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="requests a run (default 400)")
    parser.add_argument("--spans", type=int, default=512, help="spans a request (default 512)")
    parser.add_argument("--senders", type=int, nargs="+", default=[1, 8, 32], help="concurrent senders, a run each")
    parser.add_argument("--root-only", action="store_true", help="the session id stands on the root only")
    parser.add_argument("--share", type=float, default=1.0, help="share of traces that have a session id")
    parser.add_argument("--memory-every", type=int, default=0, help="print figures each so many requests")
    parser.add_argument("--queue", choices=["wal", "memory"], default="wal", help="the sending queue (default wal)")
    parser.add_argument("--transport", choices=["grpc", "http", "json"], default="grpc", help="default grpc")
    args = parser.parse_args()
    shape = Shape(spans=args.spans, share=args.share, root_only=args.root_only)
    alone = ", ".join(f"{name} {_decoding(shape, each):.1f}" for name, each in _DECODERS.items())
    print(f"us CPU/span of the decoders alone: {alone}")
    print(f"us CPU/span of the log alone: {logging_us(shape):.2f}")
    print("senders  requests   us CPU/span  x decoder   spans/s   p50 ms   p99 ms   MiB (own, files)  at most   failed")
    for senders in args.senders:
        with serve(args.queue) as server:
            _run(server, args.transport, senders, shape, args.requests, args.memory_every or args.requests)


def _run(server: Server, name: str, senders: int, shape: Shape, requests: int, step: int) -> None:
    sending = transport(name, server.endpoints)
    Load(sending, senders, shape).run(senders * 2)  # warm
    warm = senders * 2 * shape.spans
    _wait_until_stored(server, warm)
    for done in range(0, requests, step):
        load = Load(sending, senders, shape)
        count = min(step, requests - done)
        cpu = server.cpu_s()
        with server.watched() as most:
            seconds = load.run(count)
            _wait_until_stored(server, warm + (done + count) * shape.spans)
            time.sleep(2)  # attribution and merges that the load has caused count too
        used = server.cpu_s() - cpu
        spans = count * shape.spans
        each = used / spans * 1e6
        waits = sorted(load.latencies_s)
        own, files = server.memory_mib()
        ratio = each / _decoding(shape, otlp.decode)
        print(
            f"{senders:7} {done + count:9} {each:13.1f} {ratio:10.1f} {spans / seconds:9.0f}"
            f" {statistics.median(waits) * 1e3:8.0f} {waits[int(len(waits) * 0.99)] * 1e3:8.0f}"
            f" {server.rss_mib():9.0f} ({own:.0f}, {files:.0f}) {most[0]:12.0f} {load.failed:8}",
            flush=True,
        )


def _wait_until_stored(server: Server, spans: int) -> None:
    """Until the log has given ClickHouse just so many; RuntimeError otherwise."""
    end = time.monotonic() + 600
    while (stored := _stored(server)) < spans and time.monotonic() < end:
        time.sleep(0.05)
    if stored != spans:
        raise RuntimeError(f"{stored} spans are stored, {spans} were sent")


def _decoding(shape: Shape, decode: Callable[[Sequence[bytes], Sequence[str]], Decoded]) -> float:
    """CPU us a span of a decoder, eight requests a call: what this machine is worth at this moment."""
    requests = bodies(shape, 0, 8)
    times = []
    for _ in range(5):
        begin = time.process_time()
        decode(requests, ["default"] * len(requests))
        times.append(time.process_time() - begin)
    return statistics.median(times) / len(requests) / shape.spans * 1e6


def _stored(server: Server) -> int:
    return int(ask(server.endpoints["clickhouse_http"], "SELECT count() FROM otel.otel_traces"))


if __name__ == "__main__":
    main()
