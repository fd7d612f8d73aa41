"""Commands in this process, and a service in another one that owns embedded data with the demo's sessions in them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_sessions import demo
from otel_sessions.cli.app import app
from tests.integration.forking import Forked, fork
from tests.integration.running import wait_until
from tests.queries.test_sessions import ODD_IDS

OWN = [sys.executable, "-c", "from otel_sessions.cli import main; main()"]
"""The program in a process of its own."""
CONFIG = """\
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}}}
processors: {{session: {{}}}}
exporters:
  clickhouse: {{endpoint: "{endpoint}", sending_queue: {{storage: memory}}, attribution: {{interval: 100ms}}}}
extensions: {{clickhouse_http: {{endpoint: "127.0.0.1:0", read_only: false}}}}
service:
  extensions: [clickhouse_http]
  pipelines: {{traces: {{receivers: [otlp], processors: [session], exporters: [clickhouse]}}}}
  telemetry: {{metrics: {{level: none}}}}
"""

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs a command in this process."""

    def run(*arguments: object, **options: Any) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)

    return run


def write_config(directory: Path, endpoint: str) -> Path:
    file = directory / "config.yaml"
    file.write_text(CONFIG.format(endpoint=endpoint), encoding="utf-8")
    return file


@dataclass(frozen=True)
class Served:
    """A running service: its configuration, its addresses, and the sessions in it."""

    config: Path
    data: Path
    endpoints: dict[str, str]
    tallies: tuple[demo.Tally, ...]


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("served")
    config = write_config(directory, f"chdb://{directory / 'data'}")
    with launched("serve", "--config", str(config)) as process:
        assert process.stdout is not None
        endpoints = {}
        for line in process.stdout:
            if line == "ready\n":
                break
            _, name, address = line.split()
            endpoints[name] = address
        tallies = demo.run(f"http://{endpoints['otlp/grpc']}", run_id="test")
        send_odd_ids(f"http://{endpoints['otlp/grpc']}")
        expected = {**{tally.session_id: tally.spans for tally in tallies}, **dict.fromkeys(ODD_IDS, 1)}
        wait_until(
            lambda: expected.items() <= {id_: row["span_count"] for id_, row in listed(run, config).items()}.items()
        )
        yield Served(config, directory / "data", endpoints, tallies)
        process.terminate()
        process.wait()
    assert process.returncode == 0


@contextmanager
def launched(*arguments: str, cwd: Path | None = None) -> Iterator[subprocess.Popen[str] | Forked]:
    """The program in a process of its own, killed at the end if it still runs, so that no failure waits for it."""
    with ExitStack() as stack:
        process: subprocess.Popen[str] | Forked | None = fork([*arguments], cwd or Path.cwd(), sys.__stderr__)
        if process is None:
            process = subprocess.Popen([*OWN, *arguments], stdout=subprocess.PIPE, text=True, cwd=cwd)
        assert process.stdout is not None
        stack.enter_context(process.stdout)
        stack.callback(process.wait)
        stack.callback(process.kill)
        yield process


def send_odd_ids(endpoint: str, ids: Sequence[str] = tuple(ODD_IDS)) -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
    for id_ in ids:
        provider.get_tracer("test").start_span("odd", attributes={"session.id": id_}).end()
    provider.shutdown()


def listed(run: Run, config: Path) -> dict[str, dict[str, object]]:
    """The sessions by id as `sessions list --json` says them."""
    result = run("sessions", "list", "--json", "--limit", 100, "--config", config)
    assert result.exit_code == 0, result.stderr
    return {row["session_id"]: row for row in json.loads(result.stdout)}
