"""The health endpoint, the metrics endpoint, and the server under both."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import pytest

from otel_sessions.component import ComponentId, Host, Worker
from otel_sessions.errors import ConfigError
from otel_sessions.extensions.health_check import Config, HealthCheck, factory
from otel_sessions.http.metrics import metrics_server
from otel_sessions.http.server import HttpServer
from otel_sessions.telemetry import Metrics
from otel_sessions.types import HostPort

ANY_PORT = HostPort("127.0.0.1", 0)


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@pytest.fixture
def health(host: Host) -> Iterator[HealthCheck]:
    extension = factory.create(ComponentId("health_check"), Config(endpoint=ANY_PORT), host)
    extension.start()
    yield extension
    extension.shutdown(5)


def get(address: str, path: str = "/", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_a_service_that_is_well_answers_as_the_collector_does(health: HealthCheck) -> None:
    status, _, body = get(health.endpoints["health_check"])
    answer = json.loads(body)
    assert status == 200
    assert answer["status"] == "Server available"
    assert datetime.fromisoformat(answer["upSince"]).tzinfo is not None
    assert answer["uptime"].endswith("s")


def test_a_problem_makes_it_503_and_is_named_until_it_is_over(health: HealthCheck, host: Host) -> None:
    host.report("exporters.clickhouse", "connection refused")
    status, _, body = get(health.endpoints["health_check"])
    assert status == 503
    assert json.loads(body)["problems"] == {"exporters.clickhouse": "connection refused"}
    host.report("exporters.clickhouse", None)
    assert get(health.endpoints["health_check"])[0] == 200


def test_a_probe_for_restarts_and_one_for_requests_say_why_they_fail(health: HealthCheck, host: Host) -> None:
    def probes() -> list[tuple[int, dict[str, str], dict[str, str]]]:
        answers = [get(health.endpoints["health_check"], f"/health/{name}") for name in ("live", "ready")]
        told = [(status, json.loads(body)) for status, _, body in answers]
        return [(status, body["reasons"], body["problems"]) for status, body in told]

    assert probes() == [(200, {}, {}), (200, {}, {})]
    host.report("clickhouse", "away")
    assert probes() == [(200, {}, {"clickhouse": "away"})] * 2
    host.report("clickhouse/wal", "full", refuses=True)
    full = {"clickhouse/wal": "full"}
    assert probes() == [(200, {}, {"clickhouse": "away"} | full), (503, full, {"clickhouse": "away"})]
    for name in ("clickhouse", "clickhouse/wal"):
        host.report(name, None)
    assert probes() == [(200, {}, {}), (200, {}, {})]

    def die() -> None:
        raise RuntimeError("broken")

    worker = Worker("traces", "store", die, host)
    worker.start()
    worker.join(60)
    assert [(status, list(reasons)) for status, reasons, _ in probes()] == [(503, ["traces-store"])] * 2


def test_uptime_is_written_as_go_writes_durations(host: Host) -> None:
    times = iter([datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s) for s in (0, 0, 3723.5)])
    extension = HealthCheck(ComponentId("health_check"), Config(endpoint=ANY_PORT), host, now=lambda: next(times))
    extension.start()
    try:
        assert json.loads(get(extension.endpoints["health_check"])[2])["uptime"] == "1h2m3.5s"
    finally:
        extension.shutdown(5)


def test_stopping_twice_does_nothing_and_frees_the_port(health: HealthCheck) -> None:
    address = HostPort.parse(health.endpoints["health_check"])
    health.shutdown(5)
    health.shutdown(5)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address.host, address.port), timeout=2)


def test_a_port_that_is_taken_is_an_error_that_names_the_endpoint(health: HealthCheck) -> None:
    address = health.endpoints["health_check"]
    with pytest.raises(ConfigError, match=f"^here: cannot listen on {address}: Address already in use"):
        HttpServer(lambda: None, HostPort.parse(address), Host(Metrics()), name="a", path="here").start()


def test_metrics_are_served_in_the_prometheus_text_format() -> None:
    metrics = Metrics()
    metrics.accepted_spans.labels("otlp", "grpc").inc(3)
    server = metrics_server(ANY_PORT, Host(metrics))
    server.start()
    try:
        status, headers, body = get(server.endpoints["metrics"], "/metrics")
        assert status == 200
        assert headers["content-type"].startswith("text/plain; version=")
        assert b'otelcol_receiver_accepted_spans_total{receiver="otlp",transport="grpc"} 3.0' in body
        assert get(server.endpoints["metrics"], "/")[0] == 404
    finally:
        server.shutdown(5)
