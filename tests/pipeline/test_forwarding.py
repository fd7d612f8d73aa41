"""An exporter that passes requests on has them beside its batches, however these come to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc
import pytest

from otel_sessions.component import ComponentId, Host, Request
from otel_sessions.errors import Permanent, Retryable, Throttled
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.pipeline import Outlet, Pipeline
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import request, span
from otel_sessions.testing.sinks import MemoryExporter, span_names
from tests.integration.running import wait_until

Build = Callable[..., Pipeline]


class Forwarder(MemoryExporter):
    """Reads the names of its spans from the requests."""

    wants_requests = True

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        assert originals(batches) == span_names(batches)
        super().export(batches, token)


class OnlyEven:
    """Drops every second span, and makes batches of its own."""

    def process(self, batch: SpanBatch) -> SpanBatch:
        even = [name[-1] in "02468" for name in batch["SpanName"].to_pylist()]
        return SpanBatch(batch.filter(even).record)


def originals(batches: Sequence[SpanBatch]) -> list[str]:
    found = []
    for batch in batches:
        for number, position in zip(batch["Request"].to_pylist(), batch["Position"].to_pylist(), strict=True):
            sent = decode([batch.requests[number]], ["p"]).batch
            found.append(sent["SpanName"][position].as_py())
    return found


def named(*names: str) -> Request:
    bad = span("bad", trace_id=b"short")
    return Request(request(bad, *(span(name) for name in names)).SerializeToString())


@pytest.fixture(params=["wal", "memory"])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Build]:
    built: list[Pipeline] = []

    def build(*exporters: MemoryExporter, processors: Sequence[object] = (), **queue: object) -> Pipeline:
        settings = SendingSettings.model_validate(
            {
                "sending_queue": {"directory": str(tmp_path), "storage": request.param, **queue},
                "retry_on_failure": {"initial_interval": "10ms", "max_interval": "20ms"},
            }
        )
        outlets = [Outlet(ComponentId("memory", str(i)), exporter, settings) for i, exporter in enumerate(exporters)]
        named_processors = [(ComponentId("test", str(i)), processor) for i, processor in enumerate(processors)]
        built.append(Pipeline("traces", named_processors, outlets, Host(Metrics())))
        built[-1].start()
        return built[-1]

    yield build
    for pipeline in built:
        pipeline.shutdown(5.0)


def stored(exporter: MemoryExporter, *names: str) -> None:
    wait_until(lambda: sorted(exporter.names), wanted=lambda found: found == sorted(names))


def test_requests_come_with_their_spans_where_they_are_wanted(build: Build) -> None:
    batches: list[SpanBatch] = []
    forwarder, other = Forwarder(), MemoryExporter(batches.extend)
    pipeline = build(forwarder, other, processors=[OnlyEven()])
    for future in [pipeline.consume(named(*(f"{n}.{i}" for i in range(6)))) for n in range(20)]:
        assert future.result(60).accepted_spans == 6
    names = [f"{n}.{i}" for n in range(20) for i in (0, 2, 4)]
    stored(forwarder, *names)
    stored(other, *names)
    assert {batch.requests for batch in batches} == {()}


def test_requests_come_with_the_halves_of_what_is_refused(build: Build) -> None:
    def script(batches: Sequence[SpanBatch]) -> None:
        if sum(map(len, batches)) > 2:
            raise Permanent("too many")

    exporter = Forwarder(script)
    pipeline = build(exporter)
    names = [f"{n}.{i}" for n in range(8) for i in range(2)]
    for future in [pipeline.consume(named(f"{n}.0", f"{n}.1")) for n in range(8)]:
        future.result(60)
    stored(exporter, *names)


@pytest.mark.parametrize("build", ["wal"], indirect=True)
def test_requests_are_read_again_from_the_log(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_sessions.exporterhelper.persistent_queue.WAITING_SPANS", 5)
    exporter = Forwarder()
    exporter.hold()
    pipeline = build(exporter, processors=[OnlyEven()], batch={"max_size": 3})
    for n in range(10):
        pipeline.consume(named(f"{n}.0", f"{n}.1", f"{n}.2")).result(60)
    exporter.release()
    stored(exporter, *(f"{n}.{i}" for n in range(10) for i in (0, 2)))


@pytest.mark.parametrize("build", ["memory"], indirect=True)
def test_a_sender_is_answered_when_there_is_no_time_for_the_wait_that_is_asked_for(build: Build) -> None:
    def script(_: Sequence[SpanBatch]) -> None:
        raise Throttled("busy", retry_after=3600)

    exporter = MemoryExporter(script)
    error = build(exporter).consume(named("a")).exception(60)
    assert isinstance(error, Retryable)
    assert len(exporter.attempts) == 1


@pytest.mark.parametrize("build", ["wal"], indirect=True)
def test_nothing_is_tried_before_the_time_that_the_other_side_names(build: Build) -> None:
    problems = [Throttled("busy", retry_after=0.5)]

    def script(_: Sequence[SpanBatch]) -> None:
        if problems:
            raise problems.pop()

    exporter = MemoryExporter(script)
    build(exporter).consume(named("a")).result(60)
    exporter.wait_for(1)
    with pytest.raises(TimeoutError):
        exporter.wait_for(2, 0.3)
    stored(exporter, "a")


def test_a_filter_keeps_the_positions(build: Build) -> None:
    batch = decode([named("a", "b", "c").body, named("d", "e").body], ["p", "p"]).batch
    assert batch["Position"].to_pylist() == [0, 1, 2, 0, 1]
    assert batch.filter(pc.not_equal(batch["SpanName"], "b"))["Position"].to_pylist() == [0, 2, 0, 1]
