"""All figures of the way in, in rounds that take turns, and what reads cost; kept as JSON a commit.

`python -m benchmarks.suite --help` says how.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from bisect import bisect_left
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.load import Load, Shape
from benchmarks.peers import Peer, collector, ours, rotel, rotel_binary
from benchmarks.reads import opened, report
from benchmarks.sdk import stamps_us
from benchmarks.stages import Stages
from benchmarks.transports import Grpc

RESULTS = Path(__file__).with_name("results")
SIZES = {10: (2000, 16), 512: (160, 8), 8192: (16, 4)}
"""Requests and senders by spans a request."""
Found = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), help="spans a request (10 512 8192)")
    parser.add_argument("--share", type=float, default=1.0, help="of the requests of each size")
    parser.add_argument("--rotel", type=Path, default=rotel_binary(), help="the agent, if the package is not installed")
    parser.add_argument("--rotel-batches", type=int, nargs="*", default=[8192, 65_536])
    parser.add_argument("--collector", type=Path, help="a Collector's binary, see benchmarks/peers.py")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--reads", type=int, default=1_000_000, help="spans of the store that is read; 0 reads none")
    arguments = parser.parse_args()
    begun = datetime.now(UTC)
    found: Found = {f"stage {name}": values for name, values in Stages().rounds(arguments.rounds).items()}
    found |= {f"SDK {name}, us": values for name, values in stamps_us(arguments.rounds).items()}
    with ExitStack() as stack:
        peers = [stack.enter_context(ours())]
        if arguments.rotel:
            peers += [stack.enter_context(rotel(arguments.rotel, size)) for size in arguments.rotel_batches]
        if arguments.collector:
            peers += [stack.enter_context(collector(arguments.collector, durable=each)) for each in (False, True)]
        for peer in peers:
            found[f"{peer.name}: idle, MiB"] = [peer.rss_mib()]
        for _ in range(arguments.rounds):
            for spans in arguments.sizes:
                for peer in peers:
                    _measure(peer, spans, arguments.share, found)
                    _note(found, peer, spans, {"answered to queryable p99, s": _lag_s(peer, spans, arguments.share)})
    if arguments.reads:
        found |= {f"read {name}, x raw GROUP BY": [times] for name, times in _reads(arguments.reads).items()}
    _keep(found, begun, arguments.out)


def _reads(spans: int) -> dict[str, float]:
    """By read how many times the CPU of a raw GROUP BY of all spans by session it takes."""
    with tempfile.TemporaryDirectory() as directory:
        client = opened(Path(directory) / "store", spans, doubtful=1)
        found = report(client, times=10)
        client.close()
    return found


def _measure(peer: Peer, spans: int, share: float, found: Found) -> None:
    """One run: CPU of all processes until all is stored and two seconds longer, latency of the answers, memory.

    Requests that are refused are counted and not sent again; the rest must be stored.
    """
    requests, senders = SIZES[spans]
    requests = max(senders, int(requests * share))
    load = Load(Grpc(peer.address), senders, Shape(spans=spans))
    before, cpu = peer.stored(), peer.cpu_s()
    load.run(requests)
    taken = (requests - load.failed) * spans
    end = time.monotonic() + 120
    while peer.stored() < before + taken and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(2)  # merges and attribution that the load has caused count too
    if not taken or peer.stored() != before + taken:
        raise RuntimeError(f"{peer.name}: {taken} spans were taken, {peer.stored() - before} are stored")
    figures = {
        "us CPU a span": (peer.cpu_s() - cpu) / taken * 1e6,
        "requests refused": load.failed,
        "ack p50, ms": statistics.median(load.latencies_s) * 1e3,
        "MiB": peer.rss_mib(),
    }
    _note(found, peer, spans, figures)


def _lag_s(peer: Peer, spans: int, share: float) -> float:
    """From the answer to a request until as many spans as were sent up to it can be queried, p99 of the requests.

    A run of its own, as it asks for the number every 20 ms.
    """
    requests, senders = SIZES[spans]
    requests = max(senders, int(requests * share))
    load = Load(Grpc(peer.address), senders, Shape(spans=spans))
    before, end = peer.stored(), time.monotonic() + 120
    sending = threading.Thread(target=load.run, args=(requests,))
    sending.start()
    times, counts = [0.0], [0]
    while sending.is_alive() or counts[-1] < len(load.answered_at) * spans:
        if time.monotonic() > end:
            raise RuntimeError(f"{peer.name}: {counts[-1]} spans of {requests} requests are stored after 120 s")
        time.sleep(0.02)
        counts.append(peer.stored() - before)
        times.append(time.monotonic())
    sending.join()
    answers = enumerate(sorted(load.answered_at), 1)
    lags = sorted(times[bisect_left(counts, number * spans)] - at for number, at in answers)
    return lags[int(len(lags) * 0.99)]


def _note(found: Found, peer: Peer, spans: int, figures: dict[str, float]) -> None:
    for name, value in figures.items():
        found.setdefault(f"{peer.name}, {spans} spans a request: {name}", []).append(value)
        print(f"{peer.name}, {spans} spans a request: {name} {value:.1f}", flush=True)


def _keep(found: Found, begun: datetime, folder: Path) -> None:
    """Prints the medians, and writes all values to `COMMIT.json`."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    kept = {
        "commit": commit.stdout.strip(),
        "begun": begun.isoformat(timespec="seconds"),
        "load_average": os.getloadavg(),
        "cores": os.cpu_count(),
        "medians": {name: round(statistics.median(values), 3) for name, values in found.items()},
        "values": {name: [round(value, 3) for value in values] for name, values in found.items()},
    }
    for name, value in kept["medians"].items():
        print(f"{value:10.2f}  {name}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{kept['commit']}.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
