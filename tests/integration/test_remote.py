"""ClickHouse on the other side of HTTP: one service is that of another, comes late, goes away and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.testing.otlp import new_trace_id, request, span
from tests.integration.running import ANSWER_S, Directory, Running, command, config, free_port, wait_until

# What is promised is 5 s; three times that, for a machine that is busy with other tests.
MOVED_S = 60.0
RETRY = {"retry_on_failure": {"max_elapsed_time": "1s"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose SQL endpoint takes inserts: what the tests of this module use as their ClickHouse."""
    directory = Directory(tmp_path_factory.mktemp("server"))
    running = directory.start(config(directory.data(), read_only=False))
    yield running
    assert running.stop() == 0


def endpoint(address: str, database: str) -> str:
    return f"http://{address}/{database}"


def trace(session: str) -> tuple[Span, Span, Span]:
    """Two children, and their root, which alone has the session id."""
    root = span("root", trace_id=new_trace_id(), attributes={"session.id": session})
    return span("one", parent=root), span("two", parent=root), root


def figures(clickhouse: Running, database: str) -> list[list[object]]:
    return clickhouse.sql(f"SELECT SessionId, TraceCount, SpanCount FROM {database}.sessions")


def retry_delay_s(error: grpc.RpcError) -> float | None:
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.ToNanoseconds()) / 1e9
    return None


def send_until_taken(running: Running, *spans: Span) -> None:
    """As an SDK exporter does: UNAVAILABLE with RetryInfo means the same bytes again, all else would lose them."""
    wait_until(lambda: refusal(running, *spans), ANSWER_S, lambda error: error is None)


def refusal(running: Running, *spans: Span) -> grpc.RpcError | None:
    """The error of a client that is to come back, None when its spans were taken."""
    try:
        running.send(request(*spans))
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE or not retry_delay_s(error):
            raise
        return error
    return None


def test_receivers_that_start_together_share_a_database_and_late_claims_reach_it(
    server: Running, directory: Directory
) -> None:
    settings = config(endpoint(server.endpoints["clickhouse_http"], "fleet"), sql=None)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(directory.start, [settings] * 2)
    assert (first.health(), second.health()) == (200, 200)
    one, two, root = trace("shared")
    first.send(request(one))
    assert figures(server, "fleet") == []
    second.send(request(root))
    first.send(request(two))
    wait_until(lambda: figures(server, "fleet"), MOVED_S, lambda found: found == [["shared", 1, 3]])
    assert (first.stop(), second.stop()) == (0, 0)


def test_a_ClickHouse_that_comes_late_and_goes_away_is_found_again(directory: Directory) -> None:
    address = f"127.0.0.1:{free_port()}"
    clickhouse = config(directory.data(), sql=address, read_only=False)
    running = directory.start(config(endpoint(address, "otel"), sql=None, **RETRY))
    assert running.health() == 503
    one, two, root = trace("patient")
    assert refusal(running, one) is not None

    server = directory.start(clickhouse)
    # Nobody sends: what asks for health before it sends must learn that all is well.
    wait_until(running.health, ANSWER_S, lambda status: status == 200)
    send_until_taken(running, one)
    server.kill()
    assert refusal(running, two) is not None
    assert running.health() == 503

    server = directory.start(clickhouse)
    send_until_taken(running, two)
    send_until_taken(running, root)
    wait_until(lambda: figures(server, "otel"), ANSWER_S, lambda found: found == [["patient", 1, 3]])
    wait_until(running.health, ANSWER_S, lambda status: status == 200)
    assert running.stop() == 0
    assert server.stop() == 0


def test_a_request_waits_for_a_ClickHouse_that_is_away_for_a_moment(directory: Directory) -> None:
    address = f"127.0.0.1:{free_port()}"
    patience = {"retry_on_failure": {"max_elapsed_time": "60s"}}
    running = directory.start(config(endpoint(address, "otel"), sql=None, **patience))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.send, request(span(attributes={"session.id": "waited"})))
        server = directory.start(config(directory.data(), sql=address, read_only=False))
        assert not answer.result(ANSWER_S).HasField("partial_success")
    assert figures(server, "otel") == [["waited", 1, 1]]
    assert running.stop() == 0
    assert server.stop() == 0


def test_a_service_ends_in_time_while_ClickHouse_is_away(directory: Directory) -> None:
    running = directory.start(config(endpoint(f"127.0.0.1:{free_port()}", "otel"), sql=None, **RETRY))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.send, request(span()))
        wait_until(running.health, ANSWER_S, lambda status: status == 503)
        running.terminate()
        assert running.process.wait(ANSWER_S) == 0
        assert isinstance(answer.exception(ANSWER_S), grpc.RpcError)
    running.stop()


def test_without_create_schema_missing_tables_are_named_and_migrate_makes_them(
    server: Running, directory: Directory
) -> None:
    settings = config(endpoint(server.endpoints["clickhouse_http"], "migrated"), sql=None, create_schema=False)
    status, errors = directory.refused(settings)
    assert status not in (0, 2)
    assert "otel-sessions migrate" in errors
    assert "Traceback" not in errors

    assert "applied 0001_otel_traces" in migrate(directory, settings)
    running = directory.start(settings)
    running.send(request(span(attributes={"session.id": "migrated"})))
    assert figures(server, "migrated") == [["migrated", 1, 1]]
    assert running.stop() == 0


def migrate(directory: Directory, settings: str) -> str:
    """Standard output of `otel-sessions migrate`."""
    ended = command("migrate", "--config", str(directory.write(settings)))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
