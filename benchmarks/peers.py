"""Other ways from OTLP into ClickHouse, on an engine of the same kind in a process of its own.

Rotel is taken from the package index: `pip install rotel`. Its table is that of this product without views, so that
sessions are worked out by nobody. Any other peer that stores into ClickHouse over HTTP is a command.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.server import Server, serve

DATABASE = "peer"


@dataclass(frozen=True)
class Peer:
    """`servers` are all processes that the spans go through."""

    name: str
    address: str
    servers: tuple[Server, ...]
    sql: str
    database: str

    def cpu_s(self) -> float:
        return sum(server.cpu_s() for server in self.servers)

    def rss_mib(self) -> float:
        return sum(server.rss_mib() for server in self.servers)

    def stored(self) -> int:
        return int(ask(self.sql, f"SELECT count() FROM {self.database}.otel_traces"))


def ask(address: str, query: str) -> bytes:
    """The answer of a ClickHouse over HTTP; a POST, so that it may write."""
    with urllib.request.urlopen(f"http://{address}/", data=query.encode()) as answer:
        found: bytes = answer.read()
    return found


@contextmanager
def ours() -> Iterator[Peer]:
    """This service with its embedded engine: one process, durable answers, session tables."""
    with serve("wal") as server:
        yield Peer(
            "otel-sessions", server.endpoints["otlp/grpc"], (server,), server.endpoints["clickhouse_http"], "otel"
        )


def rotel_binary() -> Path | None:
    """Of the package `rotel`, if it is installed."""
    spec = find_spec("rotel")
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else None
    return Path(folder, "rotel-agent") if folder else None


@contextmanager
def rotel(binary: Path, batch: int) -> Iterator[Peer]:
    """Rotel, which answers from memory, with batches of at most so many spans."""
    with serve("wal", read_only=False) as engine, tempfile.TemporaryFile() as log:
        sql = engine.endpoints["clickhouse_http"]
        ask(sql, f"CREATE DATABASE {DATABASE}")
        ask(sql, f"CREATE TABLE {DATABASE}.otel_traces AS otel.otel_traces")
        address = f"127.0.0.1:{_free_port()}"
        arguments = {
            "otlp-grpc-endpoint": address,
            "otlp-http-endpoint": f"127.0.0.1:{_free_port()}",
            "exporter": "clickhouse",
            "clickhouse-exporter-endpoint": f"http://{sql}",
            "clickhouse-exporter-database": DATABASE,
            "batch-max-size": str(batch),
        }
        named = [text for name, value in arguments.items() for text in (f"--{name}", value)]
        process = subprocess.Popen([binary, "start", *named], stdout=log, stderr=log)
        try:
            _wait_for(address)
            agent = Server(process.pid, {})
            yield Peer(f"rotel, batches of {batch}", address, (agent, engine), sql, DATABASE)
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, seconds: float = 30.0) -> None:
    parts = urllib.parse.urlsplit(f"//{address}")
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
