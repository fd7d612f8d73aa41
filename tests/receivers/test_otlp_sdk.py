"""The receiver `otlp` under the OpenTelemetry SDK for Python."""

from __future__ import annotations

import time

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from otel_sessions.component import Outcome
from otel_sessions.errors import InvalidData, Permanent, Retryable
from otel_sessions.testing.consumers import RecordingConsumer

NAMES = [f"step {i}" for i in range(100)]


def names(bodies: list[bytes]) -> list[str]:
    return [
        span.name
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_every_span_of_the_SDK_arrives(start, consumer, compression):
    exporter = OTLPSpanExporter(endpoint=start(consumer).endpoint, insecure=True, compression=compression)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=30))
    for name in NAMES:
        provider.get_tracer("test").start_span(name).end()
    provider.shutdown()
    assert names(consumer.bodies) == NAMES
    assert len(consumer.bodies) == 4


def test_the_SDK_sends_the_same_bytes_again_after_the_delay_it_was_told(start):
    answers = [Retryable("full", retry_after=0.2), ZeroDivisionError(), Outcome(1)]
    consumer = RecordingConsumer(lambda _: answers[len(consumer.requests) - 1])
    began = time.monotonic()
    export_one(start(consumer).endpoint)
    first, second = consumer.bodies[:2]
    assert first == second
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("error", [InvalidData("broken"), Permanent("refused")])
def test_the_SDK_drops_what_will_never_be_taken(start, error):
    consumer = RecordingConsumer(lambda _: error)
    export_one(start(consumer).endpoint)
    assert len(consumer.bodies) == 1


def export_one(endpoint: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
    provider.get_tracer("test").start_span("one").end()
    provider.shutdown()
