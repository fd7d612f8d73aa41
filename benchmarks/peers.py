"""Other ways from OTLP into ClickHouse, on an engine of the same kind in a process of its own.

Rotel is taken from the package index: `pip install rotel`. Its table is that of this product without views, so that
sessions are worked out by nobody. So is that of a Collector, a binary that somebody has built with `otlpreceiver`,
`batchprocessor`, `clickhouseexporter` and `filestorage`, once answering from memory and once from a queue on disk.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
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
    with serve("wal", read_only=False) as engine:
        sql, address = engine.endpoints["clickhouse_http"], f"127.0.0.1:{_free_port()}"
        arguments = {
            "otlp-grpc-endpoint": address,
            "otlp-http-endpoint": f"127.0.0.1:{_free_port()}",
            "exporter": "clickhouse",
            "clickhouse-exporter-endpoint": f"http://{sql}",
            "clickhouse-exporter-database": DATABASE,
            "batch-max-size": str(batch),
        }
        named = [text for name, value in arguments.items() for text in (f"--{name}", value)]
        with _running([binary, "start", *named], address, engine) as agent:
            yield Peer(f"rotel, batches of {batch}", address, (agent, engine), sql, DATABASE)


COLLECTOR = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "{address}"}}}}}}}}
processors: {{batch: {{timeout: 1s, send_batch_size: 8192}}}}
exporters:
  clickhouse:
    endpoint: "http://{sql}"
    database: {database}
    create_schema: false
    async_insert: false
    sending_queue: {queue}
extensions: {{file_storage: {{directory: "{directory}", fsync: true}}}}
service:
  extensions: [file_storage]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], processors: {processors}, exporters: [clickhouse]}}}}
"""
_DURABLE = "{storage: file_storage, batch: {flush_timeout: 1s, min_size: 8192, sizer: items}}"


@contextmanager
def collector(binary: Path, *, durable: bool) -> Iterator[Peer]:
    """A Collector that answers from memory, or, `durable`, when the request is in its queue on disk, with fsync."""
    with serve("wal", read_only=False) as engine, tempfile.TemporaryDirectory() as directory:
        sql, address = engine.endpoints["clickhouse_http"], f"127.0.0.1:{_free_port()}"
        queue, processors = (_DURABLE, "[]") if durable else ("{enabled: true}", "[batch]")
        places = {"address": address, "sql": sql, "database": DATABASE, "directory": directory}
        config = Path(directory, "config.yaml")
        config.write_text(COLLECTOR.format(queue=queue, processors=processors, **places))
        with _running([binary, "--config", config], address, engine) as agent:
            yield Peer(f"collector{', durable' * durable}", address, (agent, engine), sql, DATABASE)


@contextmanager
def _running(command: Sequence[str | Path], address: str, engine: Server) -> Iterator[Server]:
    """The peer's process, once it listens, beside an engine with its table."""
    sql = engine.endpoints["clickhouse_http"]
    ask(sql, f"CREATE DATABASE {DATABASE}")
    ask(sql, f"CREATE TABLE {DATABASE}.otel_traces AS otel.otel_traces")
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(address)
            yield Server(process.pid, {})
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
