"""Memory of the service while messages of megabytes come from many senders: `python -m benchmarks.large --help`."""

from __future__ import annotations

import argparse
import math
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Protocol

import grpc

from benchmarks.peers import ask
from benchmarks.server import Server, serve
from otel_sessions.testing import otlp

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
TEXT = "The quick brown fox jumps over the lazy dog. "
SMALL_SPAN_BYTES = 420
SMALL_BYTES = 100_000
TRIES = 1000


def body(nbytes: int, *, one: bool) -> tuple[bytes, int]:
    """A request of about so many bytes, and how many spans it has: one of a long text, or many that are short."""
    count = 1 if one else max(1, nbytes // SMALL_SPAN_BYTES)
    text = TEXT * (nbytes // len(TEXT) if one else 6)
    made = otlp.span(trace_id=b"T" * 16, span_id=b"S" * 8, attributes={"session.id": "large", "text": text})
    alone = otlp.request(made).SerializeToString()
    if one:
        return alone.replace(b"T" * 16, os.urandom(16)).replace(b"S" * 8, os.urandom(8)), 1
    # concatenated requests are one valid request
    return b"".join(alone.replace(b"T" * 16, os.urandom(16)) for _ in range(count)), count


class Export(Protocol):
    """Sends a message, `silent_s` after its call is open, and returns what became of it."""

    def __call__(self, message: bytes, silent_s: float = 0.0) -> str: ...


class Senders:
    def __init__(self, server: Server, args: argparse.Namespace) -> None:
        self._server = server
        self._args = args
        self._end = math.inf
        options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        target = server.endpoints["otlp/grpc"]
        count = args.connections or args.senders + args.beside
        self._channels = [grpc.insecure_channel(target, options=options) for _ in range(count)]
        self._lock = threading.Lock()
        self._together = threading.Barrier(args.senders, self._begin)
        self.waits: list[float] = []
        self.outcomes: Counter[str] = Counter()
        self.spans = 0

    def run(self) -> None:
        threads = [threading.Thread(target=self._send, args=(number,)) for number in range(self._args.senders)]
        threads += [threading.Thread(target=self._send_small, args=(number,)) for number in range(self._args.beside)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _begin(self) -> None:
        self._end = time.monotonic() + self._args.seconds

    def _send(self, number: int) -> None:
        rnd, export = random.Random(number), self._export(number)
        for _ in range(self._args.small_first):
            message, spans = body(SMALL_BYTES, one=False)
            self._note(export(message), spans)
        message, spans = self._large(rnd)
        self._together.wait()
        silent_s = self._args.silent_first
        while True:
            for _ in range(TRIES):
                outcome, silent_s = export(message, silent_s), 0.0
                self._note(outcome, spans)
                if outcome == "taken":
                    break
                time.sleep(0.5)
            if time.monotonic() > self._end:
                return
            message, spans = self._large(rnd)

    def _large(self, rnd: random.Random) -> tuple[bytes, int]:
        return body(rnd.choice(self._args.mib) << 20, one=self._args.shape == "one")

    def _send_small(self, number: int) -> None:
        export = self._export(number)
        while time.monotonic() < self._end:
            message, spans = body(SMALL_BYTES, one=False)
            began = time.monotonic()
            while (outcome := export(message)) != "taken":
                self._note(outcome, 0)
                time.sleep(0.1)
            self.waits.append(time.monotonic() - began)
            self._note(outcome, spans)
            time.sleep(0.05)

    def _export(self, number: int) -> Export:
        transports = self._args.transport
        if transports[number % len(transports)] == "http":
            return _http(self._server)
        return _grpc(self._channels[number % len(self._channels)])

    def _note(self, outcome: str, spans: int) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            self.spans += spans if outcome == "taken" else 0


def _grpc(channel: grpc.Channel) -> Export:
    call = channel.stream_unary(METHOD)

    def export(message: bytes, silent_s: float = 0.0) -> str:
        def messages() -> Iterator[bytes]:
            time.sleep(silent_s)  # the headers of the call are sent
            yield message

        try:
            call(messages(), timeout=300)
        except grpc.RpcError as error:
            return str(error.code().name)  # type: ignore[attr-defined]
        return "taken"

    return export


def _http(server: Server) -> Export:
    def export(message: bytes, silent_s: float = 0.0) -> str:
        time.sleep(silent_s)
        connection = HTTPConnection(server.endpoints["otlp/http"], timeout=300)
        try:
            connection.request("POST", "/v1/traces", message, {"content-type": "application/x-protobuf"})
            status = connection.getresponse().status
        except OSError as error:
            return type(error).__name__
        finally:
            connection.close()
        return "taken" if status == 200 else str(status)

    return export


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=40.0, help="no new message is begun after these")
    parser.add_argument("--mib", type=int, nargs="+", default=[1, 2, 5, 10, 20, 40], help="sizes, drawn at random")
    parser.add_argument("--shape", choices=["one", "many"], default="one", help="spans a message")
    parser.add_argument("--transport", choices=["grpc", "http"], nargs="+", default=["grpc"], help="by turns")
    parser.add_argument("--connections", type=int, help="over gRPC, shared by the senders; by default each has its own")
    parser.add_argument("--small-first", type=int, default=0, help="messages of 100 KB before all begin at once")
    parser.add_argument(
        "--silent-first", type=float, default=0.0, help="seconds that first calls are open before they send"
    )
    parser.add_argument("--beside", type=int, default=0, help="senders of messages of 100 KB beside these")
    parser.add_argument("--storing", type=float, default=300.0, help="seconds to wait until all is stored")
    args = parser.parse_args()
    with serve("wal", claim_wait="1s") as server, server.watched() as most:
        senders = Senders(server, args)
        senders.run()
        end = time.monotonic() + args.storing
        sql = "SELECT count() FROM otel.session_spans"
        while (stored := int(ask(server.endpoints["clickhouse_http"], sql))) < senders.spans and time.monotonic() < end:
            time.sleep(1)
        time.sleep(5)  # merges
        print(f"{most[0]:.0f} MiB at most, {dict(senders.outcomes)}, {senders.spans} spans taken, {stored} stored")
        if waits := sorted(senders.waits):
            print(
                f"small ones: {len(waits)}, p50 {waits[len(waits) // 2]:.2f} s, p99 {waits[len(waits) * 99 // 100]:.2f}"
            )
    if stored < senders.spans or most[0] > 1024:
        raise SystemExit("lost, or over 1 GiB")


if __name__ == "__main__":
    main()
