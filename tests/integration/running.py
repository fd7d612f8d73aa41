"""The service in processes of its own, as users have it: spans in over OTLP/gRPC, SQL out over HTTP."""

from __future__ import annotations

import atexit
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import Any, TypeVar
from urllib.parse import urlencode

import grpc
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.integration.forking import Forked, fork

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROGRAM = [sys.executable, "-m", "otel_sessions"]
VIEWS = ("sessions", "session_traces", "session_timeline")
ANY = "127.0.0.1:0"
ANSWER_S = 60.0
"""How long a slow machine may take for what no bound is promised for."""

T = TypeVar("T")


MEMORY = {"storage": "memory"}
WAL = {"storage": "wal"}


def config(
    endpoint: str,
    *,
    grpc: str = ANY,
    sql: str | None = ANY,
    read_only: bool = True,
    metrics: str | None = None,
    claim_wait: str = "20s",
    **exporter: Any,
) -> str:
    """As YAML: spans to `endpoint`, SQL and metrics unless they are None; `exporter` has more keys of the exporter.

    By default spans are stored when they are answered, so that a test can read what it has just sent.
    """
    exporter = {"sending_queue": MEMORY, **exporter}
    extensions: dict[str, Any] = {"health_check": {"endpoint": ANY}}
    if sql is not None:
        extensions["clickhouse_http"] = {"endpoint": sql, "read_only": read_only}
    parts = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": grpc}}}},
        "processors": {"session": {"claim_wait": claim_wait}},
        "exporters": {"clickhouse": {"endpoint": endpoint, **exporter}},
        "extensions": extensions,
        "service": {
            "extensions": list(extensions),
            "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["session"], "exporters": ["clickhouse"]}},
            "telemetry": {"metrics": {"endpoint": metrics} if metrics else {"level": "none"}},
        },
    }
    return yaml.safe_dump(parts)


def free_port() -> int:
    """A port that nobody listens on, for a service that has to come back under the same one.

    It is below those that systems hand out themselves, so that no connection of anybody else is given it meanwhile.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(read: Callable[[], T], timeout: float = ANSWER_S, wanted: Callable[[T], bool] = bool) -> T:
    """What `read` gives as soon as it is `wanted`; AssertionError with the last it gave after `timeout` seconds."""
    end, pause = time.monotonic() + timeout, 0.002
    while True:
        began = time.monotonic()
        if wanted(value := read()):
            return value
        now = time.monotonic()
        assert now < end, f"after {timeout:g} s still {value!r}"
        del value  # whoever waits for an object to go must not be who keeps it
        time.sleep(max(pause, min(3 * (now - began), 0.5)))  # a view costs 50 ms: looking is a quarter of it
        pause = min(pause * 2, 0.05)


def eventually(read: Callable[[], T], value: T) -> None:
    """Waits until `read` gives this value."""
    wait_until(read, wanted=lambda found: found == value)


def command(*arguments: str, cwd: Path | None = None, timeout: float = ANSWER_S) -> subprocess.CompletedProcess[str]:
    """What `otel-sessions` with these arguments says and how it ends: a process of its own, without any input."""
    with TemporaryFile("w+", encoding="utf-8") as errors:
        process = fork([*arguments], cwd or Path.cwd(), errors)
        if process is None:
            return subprocess.run(
                [*PROGRAM, *arguments], check=False, capture_output=True, text=True, timeout=timeout, cwd=cwd
            )
        late = threading.Timer(timeout, process.kill)
        late.start()
        with process.stdout:
            told = process.stdout.read()
        status = process.wait(timeout)
        late.cancel()
        errors.seek(0)
        return subprocess.CompletedProcess([*arguments], status, told, errors.read())


@cache
def migrated() -> Path:
    """A data directory with the schema and nothing in it, as `otel-sessions migrate` makes it."""
    directory = Path(mkdtemp())
    atexit.register(shutil.rmtree, directory)
    (directory / "config.yaml").write_text(config(f"chdb://{directory / 'data'}"))
    ended = command("migrate", "--config", str(directory / "config.yaml"))
    assert ended.returncode == 0, ended.stderr
    return directory / "data"


@dataclass
class Running:
    """A service; it has `endpoints` when it has said `ready`."""

    process: subprocess.Popen[str] | Forked
    log: Path
    endpoints: dict[str, str] = field(default_factory=dict)
    _channel: grpc.Channel | None = None

    def wait_ready(self) -> None:
        """AssertionError with the service's log if it does not get ready."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "ready\n":
                return
            _, name, address = line.split()
            self.endpoints[name] = address
        raise AssertionError(f"exit status {self.stop()}\n{self.log.read_text()}")

    def send(self, body: bytes | ExportTraceServiceRequest, **call: Any) -> ExportTraceServiceResponse:
        """The answer to one OTLP/gRPC export of these bytes; raises `grpc.RpcError`."""
        if not isinstance(body, bytes):
            body = body.SerializeToString()
        answer: bytes = self.channel.unary_unary(EXPORT)(body, **{"timeout": ANSWER_S, **call})
        return ExportTraceServiceResponse.FromString(answer)

    @property
    def channel(self) -> grpc.Channel:
        if self._channel is None:
            options = {"max_send_message_length": -1, "use_local_subchannel_pool": 1, "enable_http_proxy": 0}
            named = [(f"grpc.{name}", value) for name, value in options.items()]
            self._channel = grpc.insecure_channel(self.endpoints["otlp/grpc"], options=named)
        return self._channel

    def get(self, name: str, path: str, body: str | None = None) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of an HTTP request to the endpoint of this name; a POST if there is a body."""
        connection = HTTPConnection(self.endpoints[name], timeout=ANSWER_S)
        try:
            connection.request("GET" if body is None else "POST", path, None if body is None else body.encode())
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def text(self, query: str, format_: str = "TSV", **parameters: str) -> bytes:
        """The result of a query in a format of ClickHouse; `{name:Type}` in it are bound to `parameters` as they are.

        A backslash, tab or line end in one must be escaped, as ClickHouse wants it.
        """
        named = {f"param_{name}": value for name, value in parameters.items()}
        status, body, _ = self.get("clickhouse_http", f"/?{urlencode({'default_format': format_, **named})}", query)
        assert status == 200, body.decode()
        return body

    def sql(self, query: str, **parameters: str) -> list[list[Any]]:
        """The rows of a query."""
        rows: list[list[Any]] = json.loads(self.text(query, "JSONCompact", **parameters))["data"]
        return rows

    def read_rows(self, query: str, **parameters: str) -> int:
        """How many rows ClickHouse read to answer a query."""
        statistics = json.loads(self.text(query, "JSONCompact", **parameters))["statistics"]
        return int(statistics["rows_read"])

    def sessions_of(self, *span_ids: str) -> list[Any]:
        """The session of each span: None where it has none, a list in the moment of a move, when it has two."""
        rows = self.sql(
            "SELECT SpanId, groupArray(SessionId) FROM session_spans "
            "WHERE SpanId IN {ids:Array(String)} GROUP BY SpanId",
            ids=str(list(span_ids)),
        )
        found = {span_id: sessions[0] if len(sessions) == 1 else sessions for span_id, sessions in rows}
        return [found.get(span_id) for span_id in span_ids]

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 for one without samples."""
        lines = self.get("metrics", "/metrics")[1].decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if re.match(rf"{name}(_total)?({{|\s)", line))

    def problems(self) -> dict[str, str]:
        """What `health_check` says is wrong, by component."""
        found: dict[str, str] = json.loads(self.get("health_check", "/")[1]).get("problems", {})
        return found

    def health(self) -> int:
        """The status that `health_check` answers with."""
        return self.get("health_check", "/")[0]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.terminate()
        return self._ended()

    def kill(self) -> None:
        """As a crash does, in the midst of whatever it is doing."""
        self.process.kill()
        self._ended()

    def dump(self) -> None:
        """Ends it, its log says what each of its threads was doing."""
        self.process.send_signal(signal.SIGABRT)
        time.sleep(1.0)
        self.kill()  # the embedded engine may not let it end

    def _ended(self) -> int:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        try:
            return self.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()


class Directory:
    """Starts services; `close` ends those that still run, and lets go of all. Their files are below `path`.

    Their engines compile expressions, as those of users do, only where they are asked to.
    """

    def __init__(self, path: Path, *, compiles: bool = False) -> None:
        self.path = path
        self._compiles = compiles
        self._running: list[Running] = []

    def data(self, name: str = "data") -> str:
        """An endpoint of embedded data in this directory."""
        return f"chdb://{self.path / name}"

    def write(self, text: str) -> Path:
        """A configuration file."""
        file = self.path / f"config-{len(list(self.path.glob('config-*')))}.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    def start(self, text: str) -> Running:
        """A service of this configuration; AssertionError with its log if it does not get ready."""
        running = self.launch(text)
        running.wait_ready()
        return running

    def launch(self, text: str) -> Running:
        """The same, without waiting for it."""
        file = self.write(text)
        log = file.with_suffix(".log")
        arguments = ["serve", "--config", str(file)]
        if not self._compiles:
            self._migrate(text)
        with log.open("w") as errors:
            process = fork(arguments, self.path, errors, compiles=self._compiles) or subprocess.Popen(
                [*PROGRAM, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=self.path,
                env={**os.environ, "PYTHONFAULTHANDLER": "1"},
            )
        running = Running(process, log)
        self._running.append(running)
        return running

    def _migrate(self, text: str) -> None:
        """Puts empty data where the embedded data of a configuration are to be: copies take a twelfth of the CPU."""
        for path in map(Path, re.findall(rf"chdb://({re.escape(str(self.path))}/[\w-]+)\s", text)):
            if not path.exists():
                shutil.copytree(migrated(), path, symlinks=True)

    def refused(self, text: str) -> tuple[int, str]:
        """Exit status and standard error of a service that must not start."""
        ended = command("serve", "--config", str(self.write(text)), cwd=self.path)
        return ended.returncode, ended.stderr

    def close(self) -> None:
        for running in self._running:
            running.kill()
