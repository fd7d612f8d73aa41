"""What the service tells of itself over OTLP: to whom, what, and never to itself."""

from __future__ import annotations

import gzip
import logging
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.component import ComponentId, Host
from otel_sessions.config import load
from otel_sessions.config.check import service_faults
from otel_sessions.config.model import Telemetry
from otel_sessions.own_telemetry import OwnTelemetry
from otel_sessions.receivers.otlp import factory
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from tests.extensions.test_webhook import Inbox


def to(endpoint: str, **more: Any) -> dict[str, Any]:
    """One processor that sends there."""
    return {"processors": [{"batch": {"exporter": {"otlp": {"endpoint": endpoint, **more}}}}]}


def test_traces_and_logs_go_to_the_endpoint_with_its_headers() -> None:
    inbox = Inbox()
    inbox.status = 200
    there = to(inbox.url.removesuffix("/hook"), headers=[{"name": "Authorization", "value": "Bearer told"}])
    telemetry = OwnTelemetry(Telemetry.model_validate({"traces": there, "logs": there}))
    try:
        telemetry.start()
        with telemetry.tracer.start_as_current_span("store", attributes={"spans": 3}):
            try:
                int("three")
            except ValueError:
                logging.getLogger("otel_sessions.exporter").exception("storing failed")
    finally:
        telemetry.shutdown(10)
        inbox.close()
    logging.getLogger("otel_sessions.exporter").warning("nobody is told of this any more")
    assert {headers["authorization"] for headers, _ in inbox.got} == {"Bearer told"}
    bodies = [gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for _, body in inbox.got]
    traces, logs = (ExportTraceServiceRequest.FromString(bodies[0]), ExportLogsServiceRequest.FromString(bodies[1]))
    (span,) = traces.resource_spans[0].scope_spans[0].spans
    (record,) = logs.resource_logs[0].scope_logs[0].log_records
    assert (span.name, record.body.string_value, record.severity_text) == ("store", "storing failed", "ERROR")
    assert record.trace_id == span.trace_id
    said = {each.key: each.value.string_value for each in record.attributes}
    assert (said["exception.type"], said["exception.message"]) == (
        "ValueError",
        "invalid literal for int() with base 10: 'three'",
    )


def test_traces_go_over_grpc_to_another_receiver() -> None:
    consumer = RecordingConsumer()
    receiver = factory.create(
        ComponentId("otlp"),
        factory.config.model_validate({"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}}),
        Host(Metrics()),
        consumer,
    )
    receiver.start()
    there = to(f"http://{receiver.endpoints['otlp/grpc']}", protocol="grpc")
    telemetry = OwnTelemetry(Telemetry.model_validate({"traces": there}))
    try:
        telemetry.start()
        with telemetry.tracer.start_as_current_span("store"):
            pass
    finally:
        telemetry.shutdown(10)
        receiver.shutdown(5)
    (body,) = [request.body for request in consumer.requests]
    sent = ExportTraceServiceRequest.FromString(body)
    assert [span.name for span in sent.resource_spans[0].scope_spans[0].spans] == ["store"]


@pytest.mark.parametrize("endpoint", ["http://localhost:4317", "http://[::1]:4317", "https://127.0.0.1:4318"])
def test_telemetry_over_grpc_to_the_service_itself_is_a_fault(endpoint: str) -> None:
    faults = list(service_faults(load([], [f"service.telemetry.traces={to(endpoint, protocol='grpc')}"])))
    assert ["is this service itself" in fault.message for fault in faults] == [True]


@pytest.mark.parametrize("endpoint", ["http://localhost:4318", "http://127.0.0.1:4317", "http://127.0.0.1:8080/v1/x"])
def test_telemetry_to_the_service_itself_is_a_fault(endpoint: str) -> None:
    faults = list(service_faults(load([], [f"service.telemetry.logs={to(endpoint)}"])))
    assert [fault.path for fault in faults] == ["service.telemetry.logs.processors[0].batch.exporter.otlp.endpoint"]
    assert "is this service itself" in faults[0].message


def test_telemetry_to_another_port_or_machine_is_none() -> None:
    for endpoint in ("http://localhost:9318", "https://collector.example.com:4318"):
        config = load([], [f"service.telemetry.traces={to(endpoint)}"])
        assert list(service_faults(config)) == []
