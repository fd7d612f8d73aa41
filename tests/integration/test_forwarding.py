"""One service sends to another: everything arrives, with its types, and nothing that was answered is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.component import ComponentId, Host
from otel_sessions.receivers.otlp import factory
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from otel_sessions.testing.otlp import event, new_span_id, request, span
from tests.integration.running import ANSWER_S, ANY, MEMORY, Directory, Running, wait_until

TYPED = {"n": 7, "x": 0.5, "yes": True, "raw": b"\xff", "list": [1, "a"], "map": {"k": None}, "text": "7"}


def config(exporters: dict[str, Any], **extensions: Any) -> str:
    parts = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": ANY}}}},
        "processors": {"session": {}},
        "exporters": exporters,
        "extensions": extensions,
        "service": {
            "extensions": list(extensions),
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": ["session"], "exporters": list(exporters)},
            },
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    return yaml.safe_dump(parts)


@dataclass
class Chain:
    """A service with ClickHouse and its `endpoint`; what it stores it sends on, over HTTP, to `consumer`."""

    last: Running
    consumer: RecordingConsumer

    def first(self, directory: Directory) -> Running:
        """A service that sends to it from a log."""
        sending = {"sending_queue": {"directory": str(directory.path / "wal")}, "tls": {"insecure": True}}
        return directory.start(config({"otlp": {"endpoint": self.last.endpoints["otlp/grpc"], **sending}}))

    def stored(self, session: str) -> set[str]:
        rows = self.last.sql("SELECT SpanId FROM session_spans WHERE SessionId = {id:String}", id=session)
        return {span_id for (span_id,) in rows}

    def received(self) -> ExportTraceServiceRequest:
        return ExportTraceServiceRequest.FromString(b"".join(self.consumer.bodies))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    consumer = RecordingConsumer()
    settings = factory.config.model_validate({"protocols": {"http": {"endpoint": ANY}}})
    receiver = factory.create(ComponentId("otlp"), settings, Host(Metrics()), consumer)
    receiver.start()
    directory = Directory(tmp_path_factory.mktemp("last"))
    onward = f"http://{receiver.endpoints['otlp/http']}"
    exporters = {
        "clickhouse": {"endpoint": directory.data(), "sending_queue": MEMORY},
        "otlp_http": {"endpoint": onward, "sending_queue": MEMORY},
        "debug": {"verbosity": "normal"},
    }
    last = directory.start(config(exporters, clickhouse_http={"endpoint": ANY}))
    yield Chain(last, consumer)
    assert last.stop() == 0
    receiver.shutdown(5.0)


def test_spans_arrive_with_the_types_they_were_sent_with(chain: Chain, directory: Directory) -> None:
    first = chain.first(directory)
    spans = [
        span(f"typed {n}", attributes=TYPED | {"session.id": "typed"}, events=[event("e", attributes=TYPED)])
        for n in range(50)
    ]
    message = request(*spans, resource=TYPED, scope=("lib", "1"), scope_attributes=TYPED)
    first.send(message)
    ids = {each.span_id.hex() for each in spans}
    wait_until(lambda: chain.stored("typed"), ANSWER_S, lambda found: found == ids)
    wait_until(chain.received, ANSWER_S, lambda found: list(found.resource_spans) == list(message.resource_spans))
    assert "typed 49" in chain.last.log.read_text()
    assert first.stop() == 0


def test_a_service_that_is_killed_under_load_loses_nothing_that_it_answered(chain: Chain, directory: Directory) -> None:
    first = chain.first(directory)
    acked: set[str] = set()
    lock = threading.Lock()

    def send() -> None:
        while True:
            ids = [new_span_id() for _ in range(20)]
            try:
                first.send(request(*(span(span_id=id_, attributes={"session.id": "load"}) for id_ in ids)))
            except (grpc.RpcError, ValueError):  # a channel that is closed is a ValueError
                return
            with lock:
                acked.update(ids)

    assert first.channel  # made by one thread
    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    wait_until(lambda: len(acked), ANSWER_S, lambda count: count > 500)
    time.sleep(0.13)
    first.kill()
    for sender in senders:
        sender.join()
    again = chain.first(directory)
    wait_until(lambda: acked - chain.stored("load"), ANSWER_S, lambda missing: not missing)
    assert again.stop() == 0
