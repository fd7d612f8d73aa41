"""What ordinary reads take while others read texts of megabytes, and how much is resident then: `python -m
benchmarks.starved --help`.

The store is new: one session of spans with long texts, and many of an ordinary size. Ordinary reads (a list, a session,
its turns) are timed alone, then beside clients that page through the long session or export it, and a sender.
"""

from __future__ import annotations

import argparse
import base64
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count, cycle
from urllib.parse import quote

from benchmarks.peers import ask
from benchmarks.server import Server, serve
from otel_sessions.testing import otlp

API = "/api/v1/sessions"
SESSIONS, SPANS = 400, 10
ORDINARY = (API, f"{API}/s-{{}}", f"{API}/s-{{}}/turns")
WIDE = ("spans", "turns", "export?format=jsonl", "spans?preview=100", "export?format=md", "turns?preview=100")
COUNTED = "SELECT count() FROM otel.otel_traces"


class Tally:
    """Seconds of the answers of each status, of several threads."""

    def __init__(self) -> None:
        self.seconds: dict[int, list[float]] = {}
        self._using = threading.Lock()

    def note(self, status: int, seconds: float) -> None:
        with self._using:
            self.seconds.setdefault(status, []).append(seconds)

    def __str__(self) -> str:
        counts = Counter({status: len(each) for status, each in self.seconds.items()})
        good = sorted(self.seconds.get(200, [0.0]))
        p50, p95 = (1000 * good[len(good) * part // 100] for part in (50, 95))
        return f"p50 {p50:.0f} ms, p95 {p95:.0f}, at most {1000 * good[-1]:.0f}; by status {dict(counts)}"


def request_of(session: str, texts: Sequence[str]) -> bytes:
    """A turn whose spans have these texts."""
    trace = os.urandom(16)
    spans = (
        otlp.span(
            trace_id=trace,
            span_id=os.urandom(8),
            start=time.time_ns(),
            attributes={"session.id": session, "gen_ai.operation.name": "chat", "input.value": text},
        )
        for text in texts
    )
    return otlp.request(*spans).SerializeToString()


def send(server: Server, body: bytes) -> None:
    """Sends until it is taken."""
    for _ in range(100):
        connection = HTTPConnection(server.endpoints["otlp/http"], timeout=300)
        connection.request("POST", "/v1/traces", body, {"content-type": "application/x-protobuf"})
        status = connection.getresponse().status
        connection.close()
        if status == 200:
            return
        time.sleep(0.5)
    raise RuntimeError(f"not taken: {status}")


def read(server: Server, path: str) -> int:
    connection = HTTPConnection(server.endpoints["web"].removeprefix("http://"), timeout=300)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        while response.read(1 << 20):
            pass
        return response.status
    finally:
        connection.close()


@contextmanager
def at_work(*works: Callable[[], None]) -> Iterator[None]:
    """Each of these over and over on a thread of its own."""
    over = threading.Event()

    def go(work: Callable[[], None]) -> None:
        while not over.is_set():
            work()

    threads = [threading.Thread(target=go, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def reader(server: Server, paths: Sequence[str], tally: Tally, first: int = 0) -> Callable[[], None]:
    numbers, places = count(first), cycle([*paths[first % len(paths) :], *paths[: first % len(paths)]])

    def work() -> None:
        begin = time.perf_counter()
        status = read(server, next(places).format(next(numbers) % SESSIONS))
        tally.note(status, time.perf_counter() - begin)
        if status != 200:
            time.sleep(1)

    return work


def dawdler(
    server: Server, paths: Sequence[str], sql: str, kib_s: float, tally: Tally, first: int
) -> Callable[[], None]:
    """Asks for one of these, or the answer to `sql`, and takes so much of it a second; gives it up after a minute."""
    web = server.endpoints["web"].removeprefix("http://")
    asked = [(web, path) for path in paths]
    asked += [(server.endpoints["clickhouse_http"], f"/?query={quote(sql)}")] if sql else []
    places = cycle([*asked[first % len(asked) :], *asked[: first % len(asked)]])

    def work() -> None:
        begin = time.perf_counter()
        address, path = next(places)
        host, _, port = address.removeprefix("http://").rpartition(":")
        with socket.socket() as taking:
            taking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            taking.connect((host, int(port)))
            taking.settimeout(60)
            taking.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            try:
                status = int(taking.recv(12).decode().split()[1])
                while time.perf_counter() - begin < 60 and status == 200:
                    time.sleep(0.5)
                    if kib_s and not taking.recv(int(kib_s * 512)):
                        break
            except (OSError, IndexError):
                status = 0  # cut off
        tally.note(status, time.perf_counter() - begin)
        if status != 200:
            time.sleep(1)

    return work


def sender(server: Server) -> Callable[[], None]:
    numbers = count()

    def work() -> None:
        send(server, b"".join(request_of(f"s-{next(numbers) % SESSIONS}", ["a question"] * 8) for _ in range(64)))
        time.sleep(0.1)

    return work


def fill(server: Server, spans: int, mib: int) -> None:
    for number in range(spans):
        send(
            server, request_of("wide", [base64.b64encode(os.urandom(((mib << 20) + (number << 16)) * 3 // 4)).decode()])
        )
    for number in range(SESSIONS):
        send(server, request_of(f"s-{number}", [f"question {n}" for n in range(SPANS)]))
    while int(ask(server.endpoints["clickhouse_http"], COUNTED)) < spans + SESSIONS * SPANS:
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starved", description=__doc__)
    parser.add_argument("--clients", type=int, default=8, help="who read long texts at a time")
    parser.add_argument("--wide", nargs="+", default=WIDE, help="what they read of the session")
    parser.add_argument("--spans", type=int, default=20, help="of the session of long texts")
    parser.add_argument("--mib", type=int, default=20, help="of each of its texts, about")
    parser.add_argument("--ordinary", type=int, default=2, help="who read other sessions at a time")
    parser.add_argument("--senders", type=int, default=1, help="of 512 short spans, ten times a second")
    parser.add_argument("--dawdlers", type=int, default=0, help="who ask for the same and hardly read")
    parser.add_argument("--kib-s", type=float, default=0.0, help="that each of them takes")
    parser.add_argument("--sql", default="", help="what they ask besides over the SQL endpoint")
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    with serve("wal", claim_wait="1s") as server:
        fill(server, args.spans, args.mib)
        time.sleep(5)
        alone, beside, wide, dawdled = Tally(), Tally(), Tally(), Tally()
        with server.watched() as most, at_work(*(reader(server, ORDINARY, alone, n) for n in range(args.ordinary))):
            time.sleep(args.seconds / 4)
        print(f"ordinary reads alone: {alone}; {most[0]:.0f} MiB at most", flush=True)
        paths = [f"{API}/wide/{each}" for each in args.wide]
        loads = [
            *(reader(server, paths, wide, n) for n in range(args.clients)),
            *(reader(server, ORDINARY, beside, n) for n in range(args.ordinary)),
            *(dawdler(server, paths, args.sql, args.kib_s, dawdled, n) for n in range(args.dawdlers)),
            *(sender(server) for _ in range(args.senders)),
        ]
        used = server.cpu_s()
        with server.watched() as most, at_work(*loads):
            time.sleep(args.seconds)
            used = server.cpu_s() - used
        print(f"beside {args.clients} that read long texts: {beside}")
        print(f"those: {wide}")
        if args.dawdlers:
            print(f"{args.dawdlers} that hardly read: {dawdled}")
        print(f"{most[0]:.0f} MiB at most, {used:.0f} s of CPU in {args.seconds:.0f}")
    if most[0] > 1024:
        raise SystemExit("over 1 GiB")


if __name__ == "__main__":
    main()
