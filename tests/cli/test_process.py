"""A service as a process: it ends by a signal, and reads its configuration anew by another."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from otel_sessions.cli import process
from otel_sessions.cli.process import Left, reloaded, run
from otel_sessions.component import Worker
from otel_sessions.config import load
from otel_sessions.exporters.clickhouse.exporter import ClickHouseExporter
from otel_sessions.service import Service
from otel_sessions.testing.otlp import new_span_id, request, span
from tests.integration.running import ANSWER_S, WAL, Directory, Running, config, free_port, wait_until


@pytest.fixture
def signals() -> Any:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_under_load_memory_is_given_back_where_much_is_resident(monkeypatch: pytest.MonkeyPatch) -> None:
    resident, given = iter([500, *[process.CEILING] * 3, *[process.CEILING + 1] * 2]), list[int]()
    signals = process._Signals(heeds_hangup=False)

    def look() -> int:
        now = next(resident, None)
        if now is None:
            os.kill(os.getpid(), signal.SIGTERM)
        return now or 0

    monkeypatch.setattr(process, "_LOOK_INTERVAL_S", 0.001)
    monkeypatch.setattr(process, "resident", look)
    monkeypatch.setattr(process, "give_back", lambda: given.append(1))
    process._wait(signals, lambda: None)
    assert len(given) == 1 + 2, "at the beginning, and each time there was more"


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_tells_where_it_listens_and_ends_by_a_signal_with_status_0(
    tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="otel_sessions")
    file = tmp_path / "config.yaml"
    file.write_text(
        """
        receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
        exporters: {clickhouse: {endpoint: "http://127.0.0.1:1/otel"}}
        extensions: {health_check: {endpoint: "127.0.0.1:0"}}
        service:
          extensions: [health_check]
          pipelines: {traces: {receivers: [otlp], exporters: [clickhouse]}}
          telemetry: {metrics: {endpoint: "127.0.0.1:0"}}
        """
    )

    class Out(io.StringIO):
        def write(self, text: str) -> int:
            if "ready" in text:
                os.kill(os.getpid(), number)
            return super().write(text)

    out = Out()
    assert run(load([file]), out) == 0
    lines = out.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["listening", "health_check"],
        ["listening", "metrics"],
        ["listening", "otlp/grpc"],
    ]
    assert lines[-1] == "ready"
    assert not any(line.endswith(":0") for line in lines)
    for told in ("stored in http://127.0.0.1:1/otel", "requests wait in", "ready after", "stopping", "stopped after"):
        assert told in caplog.text


LEAVES = """
import sys, threading, time
from otel_sessions.cli.process import leave
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.telemetry import configure_logging

configure_logging("INFO", sys.stderr, "console")
client = connect(Endpoint.parse(sys.argv[1]))
slow = "SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1"
threading.Thread(target=client.query, args=(slow,), daemon=True).start()
time.sleep(2)
leave(["clickhouse/attribution-rounds"])
"""


def test_a_process_that_leaves_in_the_middle_of_a_statement_ends_with_status_0(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEAVES, f"chdb://{tmp_path}/data"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "the next start goes on with it: clickhouse/attribution-rounds" in ended.stderr


def brief(directory: Path) -> Path:
    """The configuration of a service that has no ClickHouse and does not wait long at its end."""
    file = directory / "config.yaml"
    file.write_text(
        """
        receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
        exporters: {clickhouse: {endpoint: "http://127.0.0.1:1/otel"}}
        service:
          shutdown_timeout: 1s
          pipelines: {traces: {receivers: [otlp], exporters: [clickhouse]}}
          telemetry: {metrics: {endpoint: "127.0.0.1:0"}}
        """
    )
    return file


def test_a_service_says_which_threads_have_not_ended(tmp_path: Path) -> None:
    service = Service(load([brief(tmp_path)]))
    service.start()
    goes_on = threading.Event()
    stuck = Worker("clickhouse/attribution", "rounds", lambda: assert_set(goes_on), service._host)
    stuck.start()
    assert service.shutdown() == ["clickhouse/attribution-rounds"]
    left = Left()
    left.add(service)
    goes_on.set()
    assert stuck.join(ANSWER_S)
    assert service.shutdown() == left.threads == []


def test_threads_that_a_reload_leaves_are_named_and_what_they_stored_is_looked_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for them: senders would. The end of the process is told of them too."""
    looked: list[str] = []
    monkeypatch.setattr(ClickHouseExporter, "look_back", lambda exporter: looked.append(exporter._id))
    monkeypatch.setattr(process, "configure_logging", lambda *_, **__: None)
    config = load([brief(tmp_path)])
    service = Service(config)
    service.start()
    goes_on = threading.Event()
    stuck = Worker("clickhouse/queue", "store", lambda: assert_set(goes_on), service._host)
    stuck.start()
    new = reloaded(service, lambda: config)
    assert new is not None
    left = Left()
    left.add(service)
    left.look(new)
    assert "without waiting for threads that have not ended: clickhouse/queue-store" in caplog.text
    assert "clickhouse/queue-store" in str(new._host.health()["service/before"])
    assert "service/before" not in new._host.refusing
    assert (looked, left.threads) == ([], ["clickhouse/queue-store"])
    goes_on.set()
    assert stuck.join(ANSWER_S)
    left.look(new)
    assert new._host.health()["service/before"] is None
    left.look(new)
    assert (looked, left.threads) == (["clickhouse"], [])
    assert new.shutdown() == []


def assert_set(event: threading.Event) -> None:
    assert event.wait(ANSWER_S)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    directory = Directory(tmp_path_factory.mktemp("process"))
    yield directory
    directory.close()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def settings(directory: Directory, port: int) -> str:
    return config(directory.data(), grpc=f"127.0.0.1:{port}", sql=f"127.0.0.1:{free_port()}", sending_queue=WAL)


@pytest.fixture(scope="module")
def running(directory: Directory, settings: str) -> Iterator[Running]:
    running = directory.start(settings)
    yield running
    assert running.stop() == 0


def reload(running: Running, text: str, told: str) -> str:
    """Has the service read this text; what it logs from then on, once it has told something."""
    running.log.with_suffix(".yaml").write_text(text)
    before = len(running.log.read_text())
    running.process.send_signal(signal.SIGHUP)
    return wait_until(lambda: running.log.read_text()[before:], ANSWER_S, lambda log: told in log)


def test_a_reload_takes_the_new_configuration_and_loses_nothing_that_was_answered(
    running: Running, settings: str
) -> None:
    answered: list[str] = []
    done = threading.Event()

    def send() -> None:
        while not done.is_set():
            id_ = new_span_id()
            try:
                running.send(request(span(span_id=id_, attributes={"session.id": "reload", "password": "secret"})))
            except grpc.RpcError as error:
                assert error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}  # noqa: PT017
            else:
                answered.append(id_)

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    wait_until(lambda: len(answered), ANSWER_S, lambda count: count > 50)
    text = settings.replace("processors:\n", "processors:\n  redaction: {blocked_key_patterns: [password]}\n", 1)
    reload(running, text.replace("- session", "- session\n      - redaction"), "ready again")
    before = len(answered)
    wait_until(lambda: len(answered), ANSWER_S, lambda count: count > before + 10)
    done.set()
    for sender in senders:
        sender.join(ANSWER_S)
    values = "SELECT SpanId, SpanAttributes['password'] FROM otel_traces"
    found = wait_until(lambda: dict(running.sql(values)), ANSWER_S, lambda found: set(answered) <= found.keys())
    assert found[answered[0]] == "secret"
    assert found[answered[-1]] != "secret"


def test_a_bad_file_is_told_of_and_the_service_goes_on_as_before(running: Running, settings: str) -> None:
    log = reload(running, settings.replace("health_check:", "health_check:\n    nonsense: 1", 1), "not taken")
    assert "extensions.health_check.nonsense: is not a known key" in log
    log = reload(running, settings.replace("/data", "/others"), "not taken")
    assert "exporters.clickhouse.endpoint: embedded data cannot change" in log
    running.send(request(span("after", attributes={"session.id": "after"})))
    assert running.process.poll() is None


def test_a_configuration_that_does_not_start_is_given_up_for_the_one_before(
    running: Running, directory: Directory, settings: str, port: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = f"127.0.0.1:{taken.getsockname()[1]}"
        log = reload(running, settings.replace(f"127.0.0.1:{port}", other), "ready again")
    assert f"{other} is in use" in log
    assert "goes back to the one before" in log
    running.send(request(span("back", attributes={"session.id": "back"})))
