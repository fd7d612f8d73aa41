"""A receiver on a free port, before a consumer that records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from otel_sessions.component import ComponentId, Consumer, Host
from otel_sessions.receivers.otlp import factory
from otel_sessions.receivers.otlp.receiver import OtlpReceiver
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass
class Running:
    """A started receiver with a raw channel to it."""

    receiver: OtlpReceiver
    consumer: Consumer
    metrics: Metrics
    channels: list[grpc.Channel] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return self.receiver.endpoints["otlp/grpc"]

    def channel(self, **options: int) -> grpc.Channel:
        named = {"grpc.max_send_message_length": -1, "grpc.use_local_subchannel_pool": 1}
        named |= {name.replace("__", "."): value for name, value in options.items()}
        self.channels.append(grpc.insecure_channel(self.endpoint, options=list(named.items())))
        return self.channels[-1]

    def call(self, body: bytes, method: str = EXPORT, **call: Any) -> bytes:
        if not self.channels:
            self.channel()
        answer: bytes = self.channels[0].unary_unary(method)(body, **{"timeout": 30, **call})
        return answer

    def sample(self, name: str, **labels: str) -> float:
        found = self.metrics.registry.get_sample_value(name, {"receiver": "otlp", "transport": "grpc", **labels})
        return found or 0.0


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a receiver with these `grpc` settings; it is stopped at the end of the test."""
    running: list[Running] = []

    def start(consumer: Consumer | None = None, **settings: Any) -> Running:
        metrics = Metrics()
        consumer = consumer or RecordingConsumer()
        config = factory.config.model_validate({"protocols": {"grpc": {"endpoint": "127.0.0.1:0", **settings}}})
        receiver = factory.create(ComponentId("otlp"), config, Host(metrics), consumer)
        running.append(Running(receiver, consumer, metrics))
        receiver.start()
        return running[-1]

    yield start
    for each in running:
        for channel in each.channels:
            channel.close()
        each.receiver.stop(5.0)


@pytest.fixture
def consumer() -> RecordingConsumer:
    return RecordingConsumer()
