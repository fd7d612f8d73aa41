"""Hostile requests, good ones among them: every answer must be one of the decided ones, every good span stored once,
the process alive and its memory flat.

    .venv/bin/python -m benchmarks.hostile --requests 100000
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import sys
import threading
import time
import urllib.parse
import urllib.request
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import grpc

from benchmarks.load import Shape, bodies
from benchmarks.server import Server, serve
from benchmarks.transports import Json
from otel_sessions.receivers.otlp.grpc_export import METHOD
from otel_sessions.testing import otlp

HTTP = {200, 400, 404, 405, 413, 415, 503}
GRPC = {"OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNIMPLEMENTED"}
BOMB = gzip.compress(bytes(80 << 20), 9)
TYPES = ["application/x-protobuf", "application/json", "application/json; charset=utf-16", "text/plain", "", "a" * 3000]


@dataclass
class Attack:
    server: Server
    answers: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    good: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, seed: int, left: Iterator[int]) -> None:
        rnd = random.Random(seed)
        plain = bodies(Shape(spans=8), seed, 20)
        json = Json("").body(plain[0])
        with grpc.insecure_channel(self.server.endpoints["otlp/grpc"]) as channel:
            call = channel.unary_unary(METHOD)
            for number in left:
                if number % 100 == 0:
                    self._good(call, rnd)
                elif rnd.random() < 0.4:
                    self._tell("grpc", _grpc(call, _mutated(rnd, rnd.choice(plain))), GRPC)
                else:
                    self._tell("http", self._http(rnd, rnd.choice(plain), json), {str(code) for code in HTTP})

    def _good(self, call: grpc.UnaryUnaryMultiCallable, rnd: random.Random) -> None:
        trace, span = rnd.randbytes(16), rnd.randbytes(8)
        body = otlp.request(otlp.span("good", trace_id=trace, span_id=span, attributes={"session.id": "good"}))
        answer = _grpc(call, body.SerializeToString())
        self._tell("good", answer, {"OK"})
        if answer == "OK":
            with self.lock:
                self.good += 1

    def _http(self, rnd: random.Random, plain: bytes, json: bytes) -> str:
        kind = rnd.choice(TYPES)
        body = _mutated(rnd, json if "json" in kind else plain)
        headers = {"Content-Type": kind}
        match rnd.randrange(8):
            case 0:
                body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
            case 1:
                body, headers["Content-Encoding"] = zlib.compress(body, 1)[: rnd.randrange(20)], "deflate"
            case 2:
                headers["Content-Encoding"] = rnd.choice(["br", "gzip", "zstd", "x" * 100])
            case 3 if rnd.random() < 0.02:
                body, headers["Content-Encoding"] = BOMB, "gzip"
        method = rnd.choice(["POST"] * 8 + ["GET", "PUT"])
        path = rnd.choice(["/v1/traces"] * 6 + ["/v1/logs", "/", "/v1/traces/../../x", "/%00"])
        connection = HTTPConnection(self.server.endpoints["otlp/http"], timeout=120)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return str(answer.status)
        except (HTTPException, OSError) as error:
            return "413" if body is BOMB else type(error).__name__  # it may answer before all is sent, and close
        finally:
            connection.close()

    def _tell(self, where: str, answer: str, decided: set[str]) -> None:
        with self.lock:
            self.answers[f"{where} {answer}"] += 1
            if answer not in decided:
                self.undecided[f"{where} {answer}"] += 1


def _grpc(call: grpc.UnaryUnaryMultiCallable, body: bytes) -> str:
    try:
        call(body, timeout=120)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def _mutated(rnd: random.Random, body: bytes) -> bytes:
    """Cut, torn, overwritten, repeated, or nothing but noise."""
    data = bytearray(body)
    match rnd.randrange(6):
        case 0:
            return bytes(data[: rnd.randrange(len(data))])
        case 1:
            return rnd.randbytes(rnd.randrange(2000))
        case 2:
            return b'{"resourceSpans":' + b"[" * rnd.randrange(1, 5000)
        case 3:
            data += bytes(data)
    for _ in range(rnd.randrange(1, 30)):
        data[rnd.randrange(len(data))] = rnd.randrange(256)
    return bytes(data)


def _stored(server: Server) -> int:
    query = urllib.parse.urlencode({"query": "SELECT SpanCount FROM otel.sessions WHERE SessionId = 'good'"})
    with urllib.request.urlopen(f"http://{server.endpoints['clickhouse_http']}/?{query}") as answer:
        return int(answer.read() or 0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2)))
    args = parser.parse_args()
    with serve("wal") as server:
        sys.exit(attack(server, args.requests, args.senders, args.seed))


def attack(server: Server, requests: int, senders: int, seed: int) -> str | None:
    """What is wrong, or None."""
    run = Attack(server)
    left, lock = iter(range(requests)), threading.Lock()

    def numbers() -> Iterator[int]:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            yield number

    threads = [threading.Thread(target=run.run, args=(seed + i, numbers())) for i in range(senders)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(5)
        print(f"{run.answers.total():7} answers, {server.rss_mib():.0f} MiB, seed {seed}", flush=True)
    end = time.monotonic() + 60
    while _stored(server) < run.good and time.monotonic() < end:
        time.sleep(0.2)
    print(dict(sorted(run.answers.items())))
    stored = _stored(server)
    if run.undecided or stored != run.good:
        return f"undecided: {dict(run.undecided)}; {stored} of {run.good} good spans are stored"
    return None


if __name__ == "__main__":
    main()
