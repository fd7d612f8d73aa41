"""The exporter `debug`: what it writes, how much of it, and that data cannot forge its lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from otel_sessions.component import ComponentId, Host
from otel_sessions.exporters.debug import DebugConfig, DebugExporter, factory
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.telemetry import Metrics, printable
from otel_sessions.testing.otlp import event, link, request, span


def batch(*names: str, **more: Any) -> SpanBatch:
    message = request(*(span(name, **more) for name in names), resource={"service.name": "shop"})
    return SessionProcessor(SessionConfig()).process(decode([message.SerializeToString()], ["p"]).batch)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "otel_sessions"):
        yield caplog


def exporter(**config: Any) -> DebugExporter:
    return factory.create(ComponentId("debug"), DebugConfig.model_validate(config), Host(Metrics()))


def test_basic_is_a_line_a_batch(log: pytest.LogCaptureFixture) -> None:
    exporter().export([batch("a", "b"), batch("c")], "t")
    assert log.messages == ["Traces: resources 1, spans 3"]
    assert log.records[0].levelno == logging.INFO


def test_normal_is_a_line_a_span(log: pytest.LogCaptureFixture) -> None:
    exporter(verbosity="normal").export(
        [batch("a", "b", trace_id="0a" * 16, span_id="0b" * 8, attributes={"n": 1})], "t"
    )
    assert log.messages == [f"{name} {'0a' * 16} {'0b' * 8} n=1" for name in "ab"]


def test_detailed_is_everything(log: pytest.LogCaptureFixture) -> None:
    spans = batch(
        "a",
        attributes={"session.id": "s-1", "n": 7},
        events=[event("boom", attributes={"k": "v"}), event("again")],
        links=[link("0d" * 16, "0e" * 8, attributes={"l": "w"})],
        status="Error",
        message="wrong",
    )
    exporter(verbosity="detailed").export([spans], "t")
    lines = [line.strip() for line in log.messages]
    for line in (
        "Span #0",
        "SpanName: a",
        "StatusMessage: wrong",
        "ServiceName: shop",
        "ResourceAttributes -> service.name: shop",
        "SpanAttributes -> n: 7",
        "Event #0",
        "Event #1",
        "Name: boom",
        "Attributes -> k: v",
        "Link #0",
        f"TraceId: {'0d' * 16}",
        "Attributes -> l: w",
        "Found by processors",
        "ClaimId: s-1",
    ):
        assert line in lines
    assert not any("Position" in line or "CompositeKeys" in line for line in lines)


@pytest.mark.parametrize("verbosity", ["normal", "detailed"])
def test_data_cannot_forge_a_line(log: pytest.LogCaptureFixture, verbosity: str) -> None:
    evil = "x\r\n2026-01-01 ERROR forged\x1b[2J\u2028\u202e\x85"
    spans = batch(evil, attributes={evil: evil}, message=evil, events=[event(evil, attributes={evil: evil})])
    exporter(verbosity=verbosity).export([spans], "t")
    assert all(line.isprintable() for line in log.messages)
    assert any(r"x\r\n2026-01-01 ERROR forged\x1b[2J\u2028\u202e\x85" in line for line in log.messages)


def test_text_that_can_be_shown_is_shown() -> None:
    assert printable("héllo 🌍 C:\\new") == "héllo 🌍 C:\\new"


def test_of_each_second_the_first_and_every_nth_batch_are_written(log: pytest.LogCaptureFixture) -> None:
    now = 0.0
    sampled = DebugExporter(DebugConfig(sampling_initial=2, sampling_thereafter=3), lambda: now)
    for _ in range(8):
        sampled.export([batch("a")], "t")
    assert len(log.messages) == 4  # 1, 2, 5, 8
    now = 1.0
    sampled.export([batch("a")], "t")
    assert len(log.messages) == 5


def test_with_thereafter_0_the_first_are_all(log: pytest.LogCaptureFixture) -> None:
    sampled = DebugExporter(DebugConfig(sampling_initial=1, sampling_thereafter=0), lambda: 0.0)
    for _ in range(5):
        sampled.export([batch("a")], "t")
    assert len(log.messages) == 1
