from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otel_sessions.component import ComponentId, Host
from otel_sessions.processors.session import SessionConfig, SessionProcessor, factory
from otel_sessions.processors.session.unclaimed import INTERVAL_S, LONG_WAIT_S, WAIT_S, Unclaimed
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import new_trace_id, span
from tests.processors.session.reading import batch_of


class Time:
    """A clock and a timer that move when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.waiting.append((self.now + seconds, call))

    def pass_(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted(entry for entry in self.waiting if entry[0] <= end):
            self.waiting.remove(due[0])
            self.now = due[0][0]
            due[0][1]()
        self.now = end


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def counted() -> list[int]:
    return []


@pytest.fixture
def processor(time: Time, counted: list[int]) -> SessionProcessor:
    unclaimed = Unclaimed(counted.append, "session.id", clock=lambda: time.now, call_later=time.call_later)
    return SessionProcessor(SessionConfig(), unclaimed)


def send(processor: SessionProcessor, trace: str, **attributes: Any) -> None:
    processor.process(batch_of(span(trace_id=trace, attributes=attributes)))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "otel_sessions.session"]


def test_a_trace_without_a_session_is_counted_and_told_of_with_the_key_to_set(
    processor: SessionProcessor, time: Time, counted: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    trace = new_trace_id()
    send(processor, trace)
    send(processor, trace)
    assert counted == [1, 1]
    time.pass_(WAIT_S)
    (line,) = lines(caplog)
    assert line.startswith("spans are in no session: 2, traces: 1")
    assert "session.id" in line


def test_the_log_has_a_line_a_minute_at_most(
    processor: SessionProcessor, time: Time, counted: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(300):
        send(processor, new_trace_id())
        time.pass_(1.0)
    assert sum(counted) == 300
    assert 2 <= len(lines(caplog)) <= 300 / INTERVAL_S + 1


def test_a_claim_that_comes_later_in_the_trace_is_no_reason_for_a_line(
    processor: SessionProcessor, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    trace = new_trace_id()
    send(processor, trace)
    time.pass_(WAIT_S / 2)
    send(processor, trace, **{"session.id": "s"})
    time.pass_(10 * INTERVAL_S)
    assert lines(caplog) == []


def test_a_claim_that_the_database_knew_is_no_reason_for_a_line(
    processor: SessionProcessor, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    trace = new_trace_id()
    send(processor, trace)
    processor.learn(("default", trace), (1, 0, 0, "s"))
    time.pass_(10 * INTERVAL_S)
    assert lines(caplog) == []


def test_what_is_remembered_is_bounded(
    processor: SessionProcessor, time: Time, counted: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    processor.process(batch_of(*(span(trace_id=new_trace_id()) for _ in range(3000))))
    time.pass_(10 * INTERVAL_S)
    assert counted == [3000]
    (line,) = lines(caplog)
    assert line.startswith("spans are in no session: 1000, traces: 1000")


def test_the_service_counts_them_by_its_metric() -> None:
    metrics = Metrics()
    processor = factory.create(ComponentId("session", "a"), SessionConfig(), Host(metrics))
    send(processor, new_trace_id(), **{"session.id": "s"})
    send(processor, new_trace_id())
    assert b'otel_sessions_spans_without_session_total{processor="session/a"} 1.0' in metrics.exposition()


def test_a_service_that_names_sessions_has_longer_to_do_so(
    processor: SessionProcessor, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    send(processor, new_trace_id(), **{"session.id": "s"})
    send(processor, new_trace_id())
    time.pass_(LONG_WAIT_S - 1)
    assert lines(caplog) == []
    time.pass_(1)
    assert len(lines(caplog)) == 1
