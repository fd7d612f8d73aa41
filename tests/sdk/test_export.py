"""The end of a process: quick where nobody listens, patient where somebody does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_sessions.sdk.export import EndingProcessor, listens

RETRIES_S = 30.0
PROGRAM = """
import sys
from otel_sessions import configure, get_client, observe
configure("shop", sys.argv[1])
observe(len)("x")
get_client().score_session(session_id="s", name="x", value=1)
get_client().flush()
"""


class Stubborn(SpanExporter):
    """Tries again until it is shut down, as OpenTelemetry's exporters do; `answers` makes it succeed."""

    def __init__(self, *, answers: bool) -> None:
        self.exported: list[str] = []
        self._answers = answers
        self._stopped = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if not self._answers and not self._stopped.wait(RETRIES_S):
            raise AssertionError("nobody stopped it")
        time.sleep(0.1)  # slow, but there
        self.exported += [span.name for span in spans if self._answers]
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._stopped.set()


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found: int = server.getsockname()[1]
    return found


def spent(exporter: SpanExporter, endpoint: str) -> float:
    """Seconds that the shutdown of a provider takes with one span that waits."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(EndingProcessor(exporter, endpoint))
    provider.get_tracer("app").start_span("work").end()
    before = time.monotonic()
    provider.shutdown()
    return time.monotonic() - before


def test_what_waits_is_sent_where_somebody_listens(port: int) -> None:
    exporter = Stubborn(answers=True)
    spent(exporter, f"http://127.0.0.1:{port}")
    assert exporter.exported == ["work"]


def test_what_waits_is_dropped_where_nobody_listens(closed_port: int, caplog: pytest.LogCaptureFixture) -> None:
    exporter = Stubborn(answers=False)
    assert spent(exporter, f"http://127.0.0.1:{closed_port}") < RETRIES_S / 2
    assert exporter.exported == []
    assert "nobody listens" in caplog.text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_may_know_the_way(scheme: str, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{scheme}_proxy", "http://proxy:3128")
    assert listens(f"{scheme}://127.0.0.1:{closed_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert not listens(f"{scheme}://127.0.0.1:{closed_port}")


@pytest.mark.parametrize("endpoint", ["unix:///run/otel.sock", "http://[::1", "", "http:"])
def test_what_cannot_be_asked_counts_as_there(endpoint: str) -> None:
    assert listens(endpoint)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_script_ends_at_once_where_nobody_listens(protocol: str, closed_port: int) -> None:
    """The exporters of OpenTelemetry alone try for as long as their timeout says."""
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "no_proxy": "127.0.0.1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "100",
    }
    command = [sys.executable, "-c", PROGRAM, f"http://127.0.0.1:{closed_port}"]
    before = time.monotonic()
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=100)
    assert time.monotonic() - before < 30
    assert "nobody listens" in ended.stderr
    assert "nobody answers" in ended.stderr
