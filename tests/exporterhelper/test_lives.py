"""The lives of pipelines and queues: a half start is undone, a thread that dies is seen, none starves another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.component import ComponentId, Host, Outcome, Request
from otel_sessions.errors import Permanent, Retryable
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.exporterhelper.persistent_queue import PersistentQueue
from otel_sessions.exporterhelper.storing import Storing
from otel_sessions.pdata import SpanBatch
from otel_sessions.pipeline import Outlet, Pipeline
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import event, request, span
from otel_sessions.testing.sinks import MemoryExporter
from tests.integration.running import eventually, wait_until

Build = Callable[..., Pipeline]


def named(*names: str) -> Request:
    return Request(request(*(span(name) for name in names)).SerializeToString())


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@pytest.fixture
def build(tmp_path: Path, host: Host) -> Iterator[Build]:
    """A pipeline, not started, over exporters, each with its storage; it is shut down at the end."""
    built: list[Pipeline] = []

    def build(*exporters: tuple[str, object], processors: Sequence[object] = (), **queue: object) -> Pipeline:
        outlets = []
        for number, (storage, exporter) in enumerate(exporters):
            settings = SendingSettings.model_validate(
                {
                    "sending_queue": {
                        "storage": storage,
                        "directory": str(tmp_path / "log"),
                        "batch": {"flush_timeout": "20ms"},
                        **queue,
                    },
                    "retry_on_failure": {"initial_interval": "10ms", "max_interval": "20ms", "max_elapsed_time": "1s"},
                }
            )
            outlets.append(Outlet(ComponentId(storage, str(number)), exporter, settings))  # type: ignore[arg-type]
        pairs = [(ComponentId("test", str(number)), each) for number, each in enumerate(processors)]
        built.append(Pipeline("traces", pairs, outlets, host))  # type: ignore[arg-type]
        return built[-1]

    yield build
    for pipeline in built:
        pipeline.shutdown(1.0)


def test_a_constructor_makes_no_file_and_no_thread(build: Build, tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    build(("wal", MemoryExporter()), ("memory", MemoryExporter()))
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) <= threads


def test_what_is_not_started_takes_nothing(build: Build) -> None:
    pipeline = build(("wal", MemoryExporter()))
    future = pipeline.consume(named("a"))
    pipeline.start()
    assert future.result(60) == Outcome(1)


@pytest.mark.parametrize("again", ["the same", "another"])
def test_a_start_that_fails_half_way_is_undone_and_can_be_tried_again(
    build: Build, tmp_path: Path, host: Host, again: str
) -> None:
    exporters = [("wal", MemoryExporter()), ("wal", MemoryExporter())]
    threads = set(threading.enumerate())
    blocker = tmp_path / "log" / "wal%2F1"
    blocker.parent.mkdir()
    blocker.write_text("a file where the second log's directory would be")
    pipeline = build(*exporters)
    with pytest.raises(Permanent, match="cannot be used"):
        pipeline.start()
    wait_until(lambda: set(threading.enumerate()) <= threads)
    blocker.unlink()
    pipeline = pipeline if again == "the same" else build(*exporters)
    pipeline.start()
    assert pipeline.consume(named("a")).result(60) == Outcome(1)
    for _, exporter in exporters:
        eventually(lambda exporter=exporter: exporter.names, ["a"])
    assert host.metrics.queue_capacity.labels("wal/0")._value.get() == 10 * 2**30


def test_a_segment_that_cannot_be_read_fails_the_start_and_leaves_nothing_behind(build: Build, tmp_path: Path) -> None:
    (tmp_path / "log" / "wal%2F0" / "traces" / f"{1:016d}-x.wal").mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(Permanent, match="cannot be read"):
            build(("wal", MemoryExporter())).start()
    (tmp_path / "log" / "wal%2F0" / "traces" / f"{1:016d}-x.wal").rmdir()
    build(("wal", MemoryExporter())).start()


def test_processors_with_a_life_are_started_and_shut_down(build: Build) -> None:
    class Living:
        events: list[str]

        def __init__(self) -> None:
            self.events = []

        def start(self) -> None:
            self.events.append("start")

        def shutdown(self, timeout: float) -> None:
            self.events.append("shutdown")

        def process(self, batch: SpanBatch) -> SpanBatch:
            return batch

    living = Living()
    pipeline = build(("memory", MemoryExporter()), processors=[living])
    assert living.events == []
    pipeline.start()
    pipeline.shutdown(1.0)
    assert living.events == ["start", "shutdown"]


@pytest.mark.parametrize("storage", ["wal", "memory"])
def test_an_error_while_handing_on_is_answered_and_the_next_request_is_well(
    build: Build, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    exporter = MemoryExporter()
    pipeline = build((storage, exporter))
    pipeline.start()
    (queue,) = pipeline._queues

    def broken(_: object) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "offer", broken)
        error = pipeline.consume(named("a")).exception(60)
    assert isinstance(error, Retryable)
    assert pipeline.consume(named("b")).result(60) == Outcome(1)
    eventually(lambda: exporter.names, ["b"])


def test_a_checking_thread_that_dies_answers_all_and_health_tells(
    build: Build, host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = build(("memory", MemoryExporter()))
    pipeline.start()

    def broken() -> None:
        raise ZeroDivisionError("a bug")

    pipeline.consume(named("a")).result(60)
    monkeypatch.setattr(pipeline._batcher, "take", broken)
    futures = [pipeline.consume(named("b"))]  # wakes the thread, which then takes again
    assert futures[0].exception(60) is None or isinstance(futures[0].exception(60), Retryable)
    eventually(lambda: "ZeroDivisionError" in str(host.health().get("traces-check")), True)
    with pytest.raises(Retryable):
        pipeline.consume(named("c"))
    assert "the thread traces-check has ended by an error" in caplog.text


@pytest.mark.parametrize("task", ["append", "store"])
def test_a_queue_whose_thread_dies_answers_what_it_held_and_health_tells(
    build: Build, host: Host, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(PersistentQueue, "_append" if task == "append" else "_chosen", broken)
    pipeline = build(("wal", MemoryExporter()))
    pipeline.start()
    answer = pipeline.consume(named("a"))
    assert isinstance(answer.exception(60), Retryable) if task == "append" else answer.result(60) == Outcome(1)
    eventually(lambda: "ZeroDivisionError" in str(host.health().get(f"traces-wal/0-{task}")), True)
    if task == "append":
        assert isinstance(pipeline.consume(named("b")).exception(60), Retryable)


def test_a_storing_thread_in_memory_that_dies_answers_what_it_held(
    build: Build, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("otel_sessions.exporterhelper.memory_queue.bisect", broken)
    pipeline = build(("memory", MemoryExporter()))
    pipeline.start()
    for name in "ab":
        assert isinstance(pipeline.consume(named(name)).exception(60), Retryable)
    assert "ZeroDivisionError" in str(host.health()["traces-memory/0-store"])


def test_a_bug_while_storing_is_told_and_the_segment_is_stored_later(
    build: Build, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = MemoryExporter()
    pipeline = build(("wal", exporter))
    pipeline.start()
    with monkeypatch.context() as patch:
        patch.setattr(Storing, "_finish", lambda *_: 1 / 0)
        pipeline.consume(named("a")).result(60)
        eventually(lambda: "division by zero" in str(host.health().get("wal/0/queue")), True)
    eventually(lambda: host.health()["wal/0/queue"], None)
    assert set(exporter.names) == {"a"}


def test_a_slow_exporter_in_memory_starves_no_durable_one(build: Build) -> None:
    slow, durable = MemoryExporter(), MemoryExporter()
    slow.hold()
    pipeline = build(("memory", slow), ("wal", durable))
    pipeline.start()
    names = [f"n{number}" for number in range(300)]
    futures = [pipeline.consume(named(name, *["more"] * 1000)) for name in names]
    eventually(lambda: {name for name in durable.names if name != "more"}, set(names))
    assert not any(future.done() for future in futures)
    slow.release()
    assert {future.result(60) for future in futures} == {Outcome(1001)}


@pytest.mark.parametrize("storage", ["wal", "memory"])
def test_a_retry_reaches_only_the_exporter_that_failed(build: Build, storage: str) -> None:
    problems = [Retryable("away")]

    def failing(_: Sequence[SpanBatch]) -> None:
        if problems:
            raise problems[0]

    well, ill = MemoryExporter(), MemoryExporter(failing)
    pipeline = build((storage, well), ("memory", ill))
    pipeline.start()
    body = named("a")
    for _ in range(3):
        assert isinstance(pipeline.consume(body).exception(60), Retryable)
    problems.clear()
    assert pipeline.consume(body).result(60) == Outcome(1)
    assert pipeline.consume(body).result(60) == Outcome(1)
    eventually(lambda: (well.names, ill.names), (["a"], ["a"]))


def test_a_request_that_one_log_has_from_before_is_given_to_the_others_only(build: Build, tmp_path: Path) -> None:
    def away(_: Sequence[SpanBatch]) -> None:
        raise Retryable("away")

    alone = build(("wal", MemoryExporter(away)))
    alone.start()
    body = named("a")
    alone.consume(body).result(60)
    alone.shutdown(0.1)
    first, second = MemoryExporter(), MemoryExporter()
    both = build(("wal", first), ("wal", second))
    both.start()
    assert both.consume(body).result(60) == Outcome(1)
    eventually(lambda: (first.names, second.names), (["a"], ["a"]))


class Disk(MemoryExporter):
    """An exporter whose disk is this machine's, and can fail."""

    needs_sync = True

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.syncs = 0

    def sync(self) -> None:
        if self.fails:
            raise OSError("the disk is ill")
        self.syncs += 1


def stored(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.rglob("*.stored"))


def test_segments_go_only_when_what_they_became_is_on_disk(
    build: Build, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otel_sessions.exporterhelper.persistent_queue.SYNC_S", 0.2)
    exporter = Disk()
    exporter.fails = True
    pipeline = build(("wal", exporter), batch={"max_size": 1})
    pipeline.start()
    for name in "abc":
        pipeline.consume(named(name)).result(60)
    eventually(lambda: sorted(exporter.names), ["a", "b", "c"])
    eventually(lambda: "may not outlast" in str(host.health().get("wal/0/sync")), True)
    assert len(stored(tmp_path)) == 3
    assert host.metrics.queue_size.labels("wal/0")._value.get() == 0
    exporter.fails = False
    eventually(lambda: stored(tmp_path), [])
    eventually(lambda: host.health()["wal/0/sync"], None)
    assert exporter.syncs < 3, "one for many segments"


@pytest.mark.parametrize("power", ["lasts", "is cut"])
def test_what_was_stored_is_stored_again_only_after_a_power_cut(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, power: str
) -> None:
    exporter = Disk()
    exporter.fails = True
    pipeline = build(("wal", exporter))
    pipeline.start()
    pipeline.consume(named("a")).result(60)
    eventually(lambda: len(stored(tmp_path)), 1)
    pipeline.shutdown(1.0)
    if power == "is cut":
        monkeypatch.setattr("otel_sessions.exporterhelper.wal.segment.boot", lambda: "another0")
    again = Disk()
    pipeline = build(("wal", again))
    pipeline.start()
    pipeline.consume(named("b")).result(60)
    eventually(lambda: sorted(again.names), ["a", "b"] if power == "is cut" else ["b"])
    pipeline.shutdown(5.0)
    assert stored(tmp_path) == []


def test_a_full_log_is_synced_at_once(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_sessions.exporterhelper.persistent_queue.SYNC_S", 600.0)
    exporter = Disk()
    pipeline = build(("wal", exporter), max_bytes=3000)
    pipeline.start()
    futures: list[Future[Outcome]] = []

    def sent() -> bool:
        with suppress(Retryable):
            futures.append(pipeline.consume(named("x" * 800)))
            futures[-1].result(60)
        return len(futures) == 8

    wait_until(sent)


def test_room_costs_the_same_however_many_segments_wait(build: Build) -> None:
    pipeline = build(("wal", MemoryExporter()), max_age="1h")
    (queue,) = pipeline._queues
    pipeline.start()
    log = queue._log  # type: ignore[attr-defined]
    took = {}
    for count in (10, 2000):
        for _ in range(count):
            log._number += 1
            log._sealed[log._number] = type("S", (), {"began": time.time(), "nbytes": 0, "number": log._number})()
        began = time.thread_time()
        for _ in range(200):
            queue.check_room(1)
        took[count] = time.thread_time() - began
    log._sealed.clear()
    assert took[2000] < 10 * took[10] + 0.01


def test_a_request_on_which_a_processor_fails_is_set_aside_and_its_neighbours_stored(
    build: Build, tmp_path: Path
) -> None:
    class Picky:
        def process(self, batch: SpanBatch) -> SpanBatch:
            if "bad" in batch["SpanName"].to_pylist():
                raise ValueError("no span may be called bad")
            return batch

    exporter = MemoryExporter()
    pipeline = build(("wal", exporter), processors=[Picky()])
    pipeline.start()
    for name in ("a", "bad", "b"):
        assert pipeline.consume(named(name)).result(60) == Outcome(1)
    eventually(lambda: sorted(exporter.names), ["a", "b"])
    wait_until(lambda: list(tmp_path.rglob("*.jsonl")))
    (file,) = tmp_path.rglob("*.jsonl")
    assert "no span may be called bad" in file.read_text()
    eventually(lambda: list(tmp_path.rglob("*.wal")), [])


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (span(attributes={"session.id": "x" * 8193}), "longer than 8192 bytes"),
        (span(attributes={f"key {number}": "value" for number in range(2001)}), "their first 2000 attributes"),
        (span(events=[event("e")] * 10_001), "their first 10000 events"),
    ],
)
def test_what_the_session_processor_notes_reaches_the_sender_though_the_log_answers_first(
    build: Build, what: Span, sentence: str
) -> None:
    exporter = MemoryExporter()
    pipeline = build(("wal", exporter), processors=[SessionProcessor(SessionConfig())])
    pipeline.start()
    bodies = [request(span("other")), request(what)]
    futures = [pipeline.consume(Request(body.SerializeToString())) for body in bodies]
    first, second = (future.result(60) for future in futures)
    assert (first.message, second.accepted_spans) == ("", 1)
    assert sentence in second.message


def test_what_another_exporter_had_stored_is_removed_where_nothing_is_to_be_synced(
    build: Build, tmp_path: Path
) -> None:
    disk = Disk()
    disk.fails = True
    pipeline = build(("wal", disk))
    pipeline.start()
    pipeline.consume(named("a")).result(60)
    eventually(lambda: len(stored(tmp_path)), 1)
    pipeline.shutdown(1.0)
    remote = MemoryExporter()
    build(("wal", remote)).start()
    assert stored(tmp_path) == []
    assert remote.names == []
