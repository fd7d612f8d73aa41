"""How a service ends, and what it says when it cannot start."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from otel_sessions.lock import DataLock
from otel_sessions.testing.otlp import new_span_id, request, span
from tests.integration.running import ANSWER_S, MEMORY, WAL, Directory, Running, config, wait_until

SENDERS = 6


class Load:
    """Senders that go on until the service is gone; `acked` are the span ids of the requests it said yes to."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self.acked: list[str] = []
        self.refusals: list[grpc.RpcError] = []
        self.lock = threading.Lock()

    def send_until_refused(self, sender: int) -> None:
        while True:
            ids = [new_span_id() for _ in range(20)]
            try:
                self._running.send(
                    request(*(span(span_id=id_, attributes={"session.id": f"load {sender}"}) for id_ in ids))
                )
            except grpc.RpcError as error:
                self.refusals.append(error)
                return
            with self.lock:
                self.acked += ids


def stored(running: Running) -> set[str]:
    return {id_ for (id_,) in running.sql("SELECT SpanId FROM session_spans")}


@pytest.mark.parametrize("queue", [WAL, MEMORY], ids=["wal", "memory"])
@pytest.mark.parametrize("end", ["SIGTERM", "kill -9"])
def test_what_was_acked_under_load_is_there_after_the_end(
    directory: Directory, end: str, queue: dict[str, str]
) -> None:
    settings = config(directory.data(), sending_queue=queue)
    running = directory.start(settings)
    load = Load(running)
    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(load.send_until_refused, sender) for sender in range(SENDERS)]
        wait_until(lambda: len(load.acked), ANSWER_S, lambda acked: acked >= 600)
        if end == "SIGTERM":
            running.terminate()
            assert running.process.wait(ANSWER_S) == 0
        else:
            running.process.kill()
        for each in sending:
            each.result(ANSWER_S)
    # Senders that met the end come back elsewhere: UNAVAILABLE is what every client retries.
    assert {error.code() for error in load.refusals} <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    running.stop()

    again = directory.start(settings)
    found = wait_until(lambda: stored(again), ANSWER_S, lambda found: set(load.acked) <= found)
    # At most the requests that were under way are stored beyond those that were answered.
    assert len(found) <= len(load.acked) + 20 * SENDERS
    # Spans show a moment before the figures that the views of the same insert make of them.
    query = "SELECT sum(SpanCount), (SELECT uniqExact(SpanId) FROM otel_traces) FROM sessions"
    wait_until(lambda: again.sql(query), ANSWER_S, lambda counts: counts[0][0] == counts[0][1] >= len(found))
    assert again.stop() == 0
    assert [file for place in directory.path.rglob("otel-sessions-inserts") for file in place.iterdir()] == []


def test_a_second_service_on_the_same_data_is_refused_and_the_first_unharmed(directory: Directory) -> None:
    settings = config(directory.data())
    running = directory.start(settings)
    status, errors = directory.refused(settings)
    assert status != 0
    assert str(directory.path / "data") in errors
    assert f"process {running.process.pid}" in errors
    assert "Traceback" not in errors
    running.send(request(span("one", attributes={"session.id": "first"})))
    assert running.sql("SELECT SessionId FROM sessions") == [["first"]]
    assert running.stop() == 0


@pytest.mark.parametrize("name", ["grpc", "sql"])
def test_a_taken_port_is_named_and_nothing_starts(directory: Directory, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, errors = directory.refused(config(directory.data(), **{name: address}))
    assert status not in (0, 2)
    assert address in errors
    assert "in use" in errors.lower()
    assert "Traceback" not in errors
    DataLock(directory.path / "data").release()


def test_every_fault_of_a_configuration_is_printed_and_the_status_is_2(directory: Directory) -> None:
    text = config(directory.data()).replace("health_check:", "health_check:\n    nonsense: 1", 1)
    status, errors = directory.refused(text.replace("endpoint: chdb", "endpoint: ftp"))
    assert status == 2
    assert "extensions.health_check.nonsense" in errors
    assert "exporters.clickhouse.endpoint" in errors


def test_data_that_cannot_be_written_are_a_clear_error(directory: Directory) -> None:
    (directory.path / "data").write_text("a file, not a directory")
    status, errors = directory.refused(config(directory.data()))
    assert status == 2
    assert str(directory.path / "data") in errors
    assert "Traceback" not in errors
