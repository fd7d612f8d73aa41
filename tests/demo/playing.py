"""Runs the demo application against a receiver, and stores its requests in ClickHouse."""

from __future__ import annotations

import time
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from otel_sessions import demo
from otel_sessions.component import ComponentId, Host
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.receivers.otlp import factory
from otel_sessions.sessions import attribution
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from tests.integration.delivery import insert, new_project


@dataclass(frozen=True)
class Sent:
    """What one run of the demo sent: its own figures, the requests as they came, and when it was done."""

    tallies: tuple[demo.Tally, ...]
    bodies: list[bytes]
    turns: list[str]
    ended_ns: int

    def tally(self, topic: str) -> demo.Tally:
        return next(tally for tally in self.tallies if tally.session_id == f"{topic}-test")


def play(*scenarios: str) -> Sent:
    consumer, turns = RecordingConsumer(), list[str]()
    config = factory.config.model_validate({"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}})
    receiver = factory.create(ComponentId("otlp"), config, Host(Metrics()), consumer)
    receiver.start()
    try:
        endpoint = f"http://{receiver.endpoints['otlp/grpc']}"
        tallies = demo.run(endpoint, scenarios=scenarios, run_id="test", on_turn=turns.append)
    finally:
        receiver.shutdown(5.0)
    return Sent(tallies, consumer.bodies, turns, time.time_ns())


def store(sent: Sent, client: Client) -> str:
    """Stores what was sent as it came, and returns the project in which it is."""
    project, processor = new_project(), SessionProcessor(SessionConfig())
    for body in sent.bodies:
        batch = processor.process(decode([body], [project]).batch)
        insert(client, batch)
        traces = sorted({(project, trace) for trace in batch["TraceId"].to_pylist()})
        found = attribution.find(client, traces)
        attribution.correct(client, [doubt.trace for doubt in found])
    return project
