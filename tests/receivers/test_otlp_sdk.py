"""The receiver `otlp` under the OpenTelemetry SDK for Python."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto import http
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter

from otel_sessions.component import Outcome
from otel_sessions.errors import InvalidData, Permanent, Retryable, TooLarge
from otel_sessions.testing.consumers import RecordingConsumer

from .conftest import Running, Start

NAMES = [f"step {i}" for i in range(100)]
COMPRESSIONS = [
    *(("grpc", each) for each in (None, grpc.Compression.Gzip, grpc.Compression.Deflate)),
    *(("http", each) for each in http.Compression),
]
StartAny = Callable[..., Running]


@pytest.fixture
def start_any(start: Start, start_http: Start) -> StartAny:
    """Starts a receiver of the transport that is named first."""
    return lambda transport, consumer: {"grpc": start, "http": start_http}[transport](consumer)


def exporter(running: Running, **more: Any) -> SpanExporter:
    if running.transport == "grpc":
        return GrpcExporter(endpoint=running.endpoint, insecure=True, **more)
    return HttpExporter(endpoint=f"http://{running.endpoint}/v1/traces", **more)


def names(bodies: list[bytes]) -> list[str]:
    return [
        span.name
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.mark.parametrize(("transport", "compression"), COMPRESSIONS)
def test_every_span_of_the_SDK_arrives(start_any, consumer, transport, compression):
    sending = exporter(start_any(transport, consumer), compression=compression)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(sending, max_export_batch_size=30))
    for name in NAMES:
        provider.get_tracer("test").start_span(name).end()
    provider.shutdown()
    assert names(consumer.bodies) == NAMES
    assert len(consumer.bodies) == 4


@pytest.mark.parametrize(("transport", "delay"), [("grpc", 0.2), ("http", 1.0)])
def test_the_SDK_sends_the_same_bytes_again_after_the_delay_it_was_told(start_any, transport, delay):
    answers = [Retryable("full", retry_after=0.2), Outcome(1)]
    consumer = RecordingConsumer(lambda _: answers[len(consumer.requests) - 1])
    began = time.monotonic()
    export_one(start_any(transport, consumer))
    first, second = consumer.bodies
    assert first == second
    assert time.monotonic() - began >= delay


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_SDK_sends_again_what_failed_by_our_fault(start_any, transport):
    answers = [ZeroDivisionError(), Outcome(1)]
    consumer = RecordingConsumer(lambda _: answers[len(consumer.requests) - 1])
    export_one(start_any(transport, consumer))
    assert len(consumer.bodies) == 2


@pytest.mark.parametrize(
    ("transport", "error"),
    [("grpc", InvalidData("broken")), ("grpc", Permanent("refused"))]
    + [("http", error) for error in (InvalidData("broken"), Permanent("refused"), TooLarge("too large"))],
)
def test_the_SDK_drops_what_will_never_be_taken(start_any, transport, error):
    consumer = RecordingConsumer(lambda _: error)
    export_one(start_any(transport, consumer))
    assert len(consumer.bodies) == 1


def export_one(running: Running) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter(running)))
    provider.get_tracer("test").start_span("one").end()
    provider.shutdown()
