"""A pipeline with two exporters, one of which leads to a back end that is away: the other one does not notice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sessions.component import ComponentId, Host, Request
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.exporters.otlp import OtlpConfig, factory
from otel_sessions.pipeline import Outlet, Pipeline
from otel_sessions.receivers.otlp import factory as receiver_factory
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from otel_sessions.testing.otlp import request, span
from otel_sessions.testing.sinks import MemoryExporter
from tests.integration.running import free_port, wait_until


class Pair:
    """A pipeline over an exporter in memory and one that forwards to `port`, where nobody listens yet."""

    def __init__(self, path: Path, host: Host) -> None:
        self.host, self.port, self.stored = host, free_port(), MemoryExporter()
        sending = {
            "sending_queue": {"directory": str(path), "batch": {"flush_timeout": "20ms"}},
            "retry_on_failure": {"initial_interval": "20ms", "max_interval": "50ms"},
        }
        config = OtlpConfig.model_validate({"endpoint": f"http://127.0.0.1:{self.port}", "timeout": "2s", **sending})
        self.forwarder = factory.create(ComponentId("otlp"), config, host)
        self.forwarder.start()
        outlets = [
            Outlet(ComponentId("memory"), self.stored, SendingSettings.model_validate(sending)),
            Outlet(ComponentId("otlp"), self.forwarder, config),
        ]
        self.pipeline = Pipeline("traces", [], outlets, host)
        self.pipeline.start()

    def queued(self, exporter: str) -> float:
        return self.host.metrics.registry.get_sample_value("otelcol_exporter_queue_size", {"exporter": exporter}) or 0

    def stop(self) -> None:
        self.pipeline.shutdown(5.0)
        self.forwarder.shutdown(1.0)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path, Host(Metrics()))
    yield made
    made.stop()


def test_a_back_end_that_is_away_does_not_hold_up_the_other_exporter(pair: Pair) -> None:
    names = [f"n{i}" for i in range(30)]
    sizes = []
    for name in names:
        body = request(span(name, attributes={"n": 7})).SerializeToString()
        assert pair.pipeline.consume(Request(body)).result(60).accepted_spans == 1
        sizes.append(pair.queued("otlp"))
    wait_until(lambda: sorted(pair.stored.names), wanted=lambda found: found == sorted(names))
    wait_until(lambda: pair.queued("memory"), wanted=lambda nbytes: nbytes == 0)
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0] > 0
    wait_until(lambda: pair.host.health().get("otlp"))

    consumer = RecordingConsumer()
    config = {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{pair.port}"}}}
    receiver = receiver_factory.create(
        ComponentId("otlp"), receiver_factory.config.model_validate(config), Host(Metrics()), consumer
    )
    receiver.start()
    try:
        wait_until(lambda: pair.queued("otlp"), wanted=lambda nbytes: nbytes == 0)
    finally:
        receiver.shutdown(5.0)
    sent = b"".join(consumer.bodies)
    assert all(name.encode() in sent for name in names)
    assert pair.host.health()["otlp"] is None
