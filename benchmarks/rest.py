"""What reads cost through a running service: `python -m benchmarks.rest --data DIRECTORY/10000000-1`.

The store is one that `benchmarks.reads` has filled; the service serves it in a process of its own. Each read is a GET
over one connection. `sessions list` is the whole command, with the start of its interpreter.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.reads import RARE_WORD, SESSION
from benchmarks.server import Server, serve

API = "/api/v1/sessions"
IDLE_S = 0.1
"""Seconds of CPU in two seconds below which a service is at rest."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a store that benchmarks.reads has filled")
    parser.add_argument("--times", type=int, default=40, help="how often each read is timed (default 40)")
    parser.add_argument("--only", default="", help="reads whose name has this in it")
    chosen = parser.parse_args()
    with serve("wal", data=chosen.data) as server:
        rest(server)
        print(f"{'':44}{'first':>8}{'p50 ms':>8}{'p95 ms':>8}{'CPU ms':>8}")
        for name, read in reads(server, chosen.data):
            if chosen.only in name:
                report(server, name, read, chosen.times)
        print(f"resident at the end: {server.rss_mib():.0f} MiB")


def rest(server: Server) -> None:
    """Waits until the service has done what it does at its start, such as to learn which traces are stored."""
    used = -1.0
    while server.cpu_s() - used > IDLE_S:
        used = server.cpu_s()
        time.sleep(2)


def report(server: Server, name: str, read: Callable[[], object], times: int) -> None:
    """Prints ms of the first answer, p50 and p95 of those after it, and the CPU ms that the service took for each."""
    begin = time.perf_counter()
    read()
    first = (time.perf_counter() - begin) * 1000
    walls, used = [], server.cpu_s()
    for _ in range(times):
        begin = time.perf_counter()
        read()
        walls.append((time.perf_counter() - begin) * 1000)
    cpu = (server.cpu_s() - used) / times * 1000
    p95 = sorted(walls)[min(times - 1, int(times * 0.95))]
    print(f"{name:44}{first:8.0f}{statistics.median(walls):8.0f}{p95:8.0f}{cpu:8.0f}", flush=True)


def reads(server: Server, data: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    address = server.endpoints["web"].removeprefix("http://")
    connection = http.client.HTTPConnection(address)
    now = datetime.now(UTC)

    def get(path: str, **query: object) -> Callable[[], object]:
        target = path + (f"?{urlencode(query)}" if query else "")

        def read() -> None:
            connection.request("GET", target)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"{target}: {response.status} {body[:300]!r}")

        return read

    def ago(days: float) -> str:
        return (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    yield "50 sessions by last activity", get(API)
    for sort in ("cost", "tokens", "errors", "duration"):
        yield f"50 sessions by {sort}", get(API, sort=sort)
    yield "50 of a user", get(API, query="user:user-123")
    yield "50 of a model", get(API, query="model:gpt-4o")
    yield "50 with errors", get(API, query="has:error")
    yield "50 of a tag", get(API, query="tag:tag-7")
    yield "50 of metadata", get(API, query="metadata.tenant:tenant-7")
    yield "50 of a window of a day", get(API, **{"from": ago(8), "to": ago(7)})
    yield "50 of a word and a week", get(API, query=RARE_WORD, **{"from": ago(7)})
    yield "50 of a phrase and a week", get(API, query='"the answer is"', **{"from": ago(7)})
    yield "one session", get(f"{API}/{SESSION}")
    yield "its traces", get(f"{API}/{SESSION}/traces")
    yield "its spans", get(f"{API}/{SESSION}/spans", limit=1000)
    yield "its turns, as replayed", get(f"{API}/{SESSION}/turns")
    yield "50 traces of 20,000", get(f"{API}/long/traces", limit=50)
    yield "turns of 20,000, as replayed", get(f"{API}/long/turns")
    yield "users", get("/api/v1/users")
    yield "models", get("/models")
    served = f"exporters.clickhouse.endpoint=chdb://{data}"
    command = [sys.executable, "-m", "otel_sessions", "sessions", "list", "--set", served]
    yield "sessions list", lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
