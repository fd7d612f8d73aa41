"""A pipeline with a write-ahead log: when it answers, what it stores, what it sets aside, what it leaves for later."""

from __future__ import annotations

import errno
import json
import os
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from otel_sessions.component import ComponentId, Host, Outcome, Request
from otel_sessions.errors import Permanent, Retryable, SchemaError
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.pipeline import Outlet, Pipeline
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import request, span
from otel_sessions.testing.sinks import MemoryExporter, span_names
from tests.integration.running import eventually, wait_until

Build = Callable[..., Pipeline]


def named(*names: str, project: str = "default") -> Request:
    return Request(request(*(span(name) for name in names)).SerializeToString(), project)


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@pytest.fixture
def build(tmp_path: Path, host: Host) -> Iterator[Build]:
    """A pipeline over an exporter, its log in the test's directory; closed at the end."""
    built: list[Pipeline] = []

    def build(exporter: MemoryExporter, processors: Sequence[object] = (), **queue: object) -> Pipeline:
        settings = SendingSettings.model_validate(
            {
                "sending_queue": {"directory": str(tmp_path), "batch": {"flush_timeout": "20ms"}, **queue},
                "retry_on_failure": {"initial_interval": "10ms", "max_interval": "20ms"},
            }
        )
        outlet = Outlet(ComponentId("memory"), exporter, settings)
        named_processors = [(ComponentId("test", str(i)), processor) for i, processor in enumerate(processors)]
        built.append(Pipeline("traces", named_processors, [outlet], host))
        built[-1].start()
        return built[-1]

    yield build
    for pipeline in built:
        pipeline.shutdown(1.0)


def segments(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.rglob("*.wal"))


def broken(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def away(_: Sequence[SpanBatch]) -> None:
    raise Retryable("away")


def refusing(*names: str) -> Callable[[Sequence[SpanBatch]], None]:
    def script(batches: Sequence[SpanBatch]) -> None:
        if set(names) & set(span_names(batches)):
            raise Permanent(f"never {', '.join(names)}")

    return script


def test_a_request_is_answered_before_it_is_stored(build, tmp_path):
    exporter = MemoryExporter()
    exporter.hold()
    future = build(exporter).consume(named("a", "b"))
    assert future.result(60) == Outcome(accepted_spans=2)
    assert exporter.exports == []
    assert len(segments(tmp_path)) == 1
    exporter.release()
    eventually(lambda: exporter.names, ["a", "b"])
    eventually(lambda: segments(tmp_path), [])


def test_what_is_stored_does_not_wait_in_memory_for_the_next(build):
    batches: list[weakref.ref[object]] = []
    exporter = MemoryExporter(lambda stored: batches.extend(weakref.ref(batch.record) for batch in stored))
    pipeline = build(exporter)
    body = named("a").body
    before = sys.getrefcount(body)
    pipeline.consume(Request(body)).result(60)
    eventually(lambda: exporter.names, ["a"])
    exporter.exports.clear()
    eventually(lambda: [each() is None for each in batches], [True])
    eventually(lambda: sys.getrefcount(body), before)


def test_segments_grow_where_spans_keep_coming_and_storing_takes_its_time(build):
    exporter = MemoryExporter(lambda _: time.sleep(0.05))
    pipeline = build(exporter, batch={"flush_timeout": "100ms"})
    began = time.monotonic()
    for _ in range(40):
        pipeline.consume(named("one of many")).result(60)
        time.sleep(0.02)
    eventually(lambda: len(exporter.names), 40)
    assert len(exporter.exports) <= (time.monotonic() - began) / 0.35 + 2, "one every 350 ms, not every 100"


def test_what_comes_after_a_rest_is_stored_after_flush_timeout(build):
    exporter = MemoryExporter()
    pipeline = build(exporter, batch={"flush_timeout": "10s", "max_size": 2})
    (queue,) = pipeline._queues
    pipeline.consume(named("of a", "full segment")).result(60)
    wait_until(lambda: exporter.names and 0 < queue._rested_at < time.monotonic())
    pipeline.consume(named("next")).result(60)
    at = wait_until(queue._seal_at)
    assert at - queue._active_since == pytest.approx(10), "not three and a half times as long"


def test_requests_that_come_within_flush_timeout_are_stored_together(build):
    exporter = MemoryExporter()
    pipeline = build(exporter, batch={"flush_timeout": "10s"})
    for name in "abc":
        pipeline.consume(named(name)).result(60)
    pipeline.shutdown(60)
    assert exporter.exports == [["a", "b", "c"]]


def test_a_segment_ends_at_max_size(build):
    exporter = MemoryExporter()
    pipeline = build(exporter, batch={"flush_timeout": "10s", "max_size": 4})
    for name in "abcdef":
        pipeline.consume(named(name, name)).result(60)
    eventually(lambda: exporter.exports, [list("aabb"), list("ccdd"), list("eeff")])


def test_what_was_answered_is_stored_after_a_restart(build, tmp_path):
    gone = build(MemoryExporter(away))
    for i in range(20):
        assert gone.consume(named(f"n{i}", project="p")).result(60) == Outcome(1)
    gone.shutdown(0.2)
    assert segments(tmp_path)
    exporter = MemoryExporter()
    again = build(exporter)
    again.consume(named("new")).result(60)
    eventually(lambda: sorted(exporter.names), sorted(["new", *(f"n{i}" for i in range(20))]))
    eventually(lambda: segments(tmp_path), [])


def test_spans_that_memory_has_no_room_for_are_read_from_the_log(build, monkeypatch):
    monkeypatch.setattr("otel_sessions.exporterhelper.persistent_queue.WAITING_SPANS", 10)
    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter, batch={"max_size": 4})
    names = [f"n{i}" for i in range(50)]
    for name in names:
        pipeline.consume(named(name, project="p")).result(60)
    exporter.release()
    eventually(lambda: sorted(exporter.names), sorted(names))


def test_new_spans_do_not_wait_for_a_backlog(build):
    first = build(MemoryExporter(away), batch={"max_size": 1})
    for i in range(30):
        first.consume(named(f"old {i}")).result(60)
    first.shutdown(0.1)
    exporter = MemoryExporter(lambda _: time.sleep(0.05))
    exporter.hold()
    again = build(exporter)
    again.consume(named("new")).result(60)
    exporter.release()
    eventually(lambda: len(exporter.names), 31)
    assert exporter.names.index("new") < 20
    old = [name for name in exporter.names if name != "new"]
    assert old == [f"old {i}" for i in range(30)]


@pytest.mark.parametrize("error", [Retryable("away"), SchemaError("run migrate")])
def test_an_exporter_that_is_away_is_waited_for(build, host, error):
    problems = [error] * 5

    def script(_: Sequence[SpanBatch]) -> None:
        if problems:
            raise problems.pop()

    exporter = MemoryExporter(script)
    build(exporter).consume(named("a")).result(60)
    eventually(lambda: exporter.names, ["a"])
    assert sample(host, "otelcol_exporter_retries_total", exporter="memory") == 5


def test_each_attempt_of_the_same_spans_has_the_same_token(build):
    tokens: list[str] = []

    class Recording(MemoryExporter):
        def export(self, batches: Sequence[SpanBatch], token: str) -> None:
            tokens.append(token)
            if len(tokens) < 3:
                raise Retryable("away")

    pipeline = build(Recording())
    pipeline.consume(named("a")).result(60)
    eventually(lambda: len(tokens), 3)
    pipeline.consume(named("b")).result(60)
    eventually(lambda: len(tokens), 4)
    assert len(set(tokens)) == 2
    assert tokens[0] == tokens[1] == tokens[2]


def test_spans_that_are_refused_for_good_are_set_aside_and_all_others_stored(build, host, tmp_path):
    exporter = MemoryExporter(refusing("bad", "worse"))
    pipeline = build(exporter)
    names = [f"n{i}" for i in range(300)]
    bad = span("bad", attributes={"session.id": "s"})
    pipeline.consume(Request(request(span("first"), bad, span("last")).SerializeToString(), "p")).result(60)
    pipeline.consume(named(*names[:200], "worse", *names[200:])).result(60)
    eventually(lambda: sorted(exporter.names), sorted(["first", "last", *names]))
    eventually(lambda: segments(tmp_path), [])
    lines = [json.loads(line) for file in tmp_path.rglob("*.jsonl") for line in file.read_text().splitlines()]
    assert {line["reason"] for line in lines} == {"never bad, worse"}
    found = {line["project"]: line["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in lines}
    assert found["p"]["name"] == "bad"
    assert found["p"]["traceId"] == bad.trace_id.hex()
    assert found["p"]["spanId"] == bad.span_id.hex()
    assert found["p"]["attributes"] == [{"key": "session.id", "value": {"stringValue": "s"}}]
    assert found["default"]["name"] == "worse"
    assert sample(host, "otel_sessions_quarantined_spans_total", exporter="memory") == 2
    assert sample(host, "otelcol_exporter_sent_spans_total", exporter="memory") == 302


def test_many_spans_that_are_refused_are_all_set_aside(build, tmp_path):
    exporter = MemoryExporter(refusing("bad"))
    pipeline = build(exporter, max_age="100ms")
    good = [f"n{i}" for i in range(100)]
    pipeline.consume(named(*good[:50], *["bad"] * 300, *good[50:])).result(60)
    eventually(lambda: sorted(exporter.names), sorted(good))
    eventually(lambda: segments(tmp_path), [])
    lines = [line for file in tmp_path.rglob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(lines) == 300


def test_a_lone_span_that_is_refused_is_set_aside_in_the_end(build, tmp_path):
    exporter = MemoryExporter(refusing("bad"))
    build(exporter).consume(named("bad")).result(60)
    wait_until(lambda: list(tmp_path.rglob("*.jsonl")))
    eventually(lambda: segments(tmp_path), [])


def test_an_exporter_that_refuses_everything_is_waited_for(build, tmp_path):
    broken = threading.Event()
    broken.set()

    def script(_: Sequence[SpanBatch]) -> None:
        if broken.is_set():
            raise Permanent("everything is wrong")

    exporter = MemoryExporter(script)
    pipeline = build(exporter)
    names = [f"n{i}" for i in range(500)]
    for i in range(0, 500, 50):
        pipeline.consume(named(*names[i : i + 50])).result(60)
        time.sleep(0.03)
    time.sleep(0.5)
    assert list(tmp_path.rglob("*.jsonl")) == []
    broken.clear()
    eventually(lambda: sorted(exporter.names), sorted(names))
    eventually(lambda: segments(tmp_path), [])


def test_a_repeated_request_is_answered_and_not_stored_again(build, host):
    exporter = MemoryExporter()
    pipeline = build(exporter)
    body = named("a", "b")
    assert [pipeline.consume(body).result(60) for _ in range(5)] == [Outcome(2)] * 5
    assert pipeline.consume(Request(body.body, "another project")).result(60) == Outcome(2)
    pipeline.consume(named("end")).result(60)
    eventually(lambda: sorted(exporter.names), ["a", "a", "b", "b", "end"])
    assert sample(host, "otel_sessions_repeated_requests_total", pipeline="traces") == 4


def test_a_request_that_the_log_still_holds_is_known_after_a_restart(build):
    body = named("a")
    gone = build(MemoryExporter(away))
    gone.consume(body).result(60)
    gone.shutdown(0.1)
    exporter = MemoryExporter()
    again = build(exporter)
    again.consume(body).result(60)
    again.consume(named("end")).result(60)
    eventually(lambda: sorted(exporter.names), ["a", "end"])


def test_beyond_max_bytes_senders_are_told_to_come_back_and_room_returns(build, host):
    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter, max_bytes=3000)
    for _ in range(3):
        assert pipeline.consume(named("x" * 500)).result(60) == Outcome(1)
    with pytest.raises(Retryable, match="full"):
        pipeline.consume(named("x" * 2000))
    assert sample(host, "otelcol_exporter_queue_size", exporter="memory") > 1500
    assert sample(host, "otelcol_exporter_queue_capacity", exporter="memory") == 3000
    assert host.refusing == {"memory/wal"}
    exporter.release()
    eventually(lambda: sample(host, "otelcol_exporter_queue_size", exporter="memory"), 0)
    eventually(lambda: host.refusing, set())  # although nobody has sent anything
    assert pipeline.consume(named("y")).result(60) == Outcome(1)


def test_what_the_disk_does_not_take_is_refused_told_and_seen_by_no_processor(build, host, tmp_path, monkeypatch):
    class Remembering:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def process(self, batch: SpanBatch) -> SpanBatch:
            self.seen += span_names([batch])
            return batch

    remembering = Remembering()
    exporter = MemoryExporter()
    pipeline = build(exporter, processors=[remembering])
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", broken)
        error = pipeline.consume(named("a")).exception(60)
    assert isinstance(error, Retryable)
    assert "cannot be written" in str(host.health()["memory/wal"])
    assert sample(host, "otelcol_exporter_enqueue_failed_spans_total", exporter="memory") == 1
    time.sleep(1.1)
    assert pipeline.consume(named("b")).result(60) == Outcome(1)
    assert host.health()["memory/wal"] is None
    eventually(lambda: exporter.names, ["b"])
    assert remembering.seen == ["b"]


def test_health_recovers_without_a_request_when_the_disk_does(build, host, tmp_path, monkeypatch):
    pipeline = build(MemoryExporter())
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", broken)
        assert isinstance(pipeline.consume(named("a")).exception(60), Retryable)
    assert host.health()["memory/wal"]
    eventually(lambda: host.health()["memory/wal"], None)
    assert not list(tmp_path.rglob("probe"))


def test_requests_without_spans_to_store_are_not_in_the_log(build, tmp_path):
    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter)
    assert pipeline.consume(Request(b"")).result(60) == Outcome()
    bad = Request(request(span("bad", span_id=b"\0" * 8)).SerializeToString())
    assert pipeline.consume(bad).result(60).rejected_spans == 1
    assert segments(tmp_path) == []


def test_shutdown_stores_what_it_has(build, tmp_path):
    exporter = MemoryExporter(lambda _: time.sleep(0.02))
    pipeline = build(exporter, batch={"flush_timeout": "5s", "max_size": 3})
    names = [f"n{i}" for i in range(20)]
    for name in names:
        pipeline.consume(named(name)).result(60)
    pipeline.shutdown(20)
    assert exporter.names == names
    assert segments(tmp_path) == []


def test_shutdown_leaves_the_rest_in_the_log_in_time(build, tmp_path):
    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter)
    pipeline.consume(named("a")).result(60)
    pipeline.shutdown(0.2)  # would wait for ever
    assert len(segments(tmp_path)) == 1
    exporter.release()


def test_shutdown_does_not_wait_for_an_exporter_that_is_away(build, tmp_path):
    pipeline = build(MemoryExporter(away), batch={"max_size": 1})
    for i in range(10):
        pipeline.consume(named(f"n{i}")).result(60)
    began = time.monotonic()
    pipeline.shutdown(100)
    assert time.monotonic() - began < 50
    assert len(segments(tmp_path)) == 10


def test_many_senders_over_restarts_lose_nothing(build, tmp_path):
    """What was answered is stored, whatever the exporter does and however often the pipeline starts anew."""
    rnd = random.Random(3)
    stored: set[str] = set()

    def script(batches: Sequence[SpanBatch]) -> None:
        fate = rnd.random()
        if fate < 0.3:
            raise Retryable("before")
        stored.update(span_names(batches))
        if fate < 0.5:
            raise Retryable("after")

    answered: set[str] = set()
    for life in range(6):
        pipeline = build(MemoryExporter(script), batch={"max_size": 8, "flush_timeout": "1ms"})
        futures: dict[str, Future[Outcome]] = {}
        for number in range(60):
            futures[f"{life}.{number}"] = pipeline.consume(named(f"{life}.{number}"))
            if number == 20:  # of the others some are under way at the end
                assert futures[f"{life}.0"].exception(60) is None
        pipeline.shutdown(rnd.random() * 0.1)
        answered |= {name for name, future in futures.items() if future.exception(60) is None}
    build(MemoryExporter(lambda batches: stored.update(span_names(batches))))
    eventually(lambda: answered - stored, set())
    eventually(lambda: segments(tmp_path), [])
    assert len(answered) >= 6


def test_the_log_holds_requests_as_they_came(build, tmp_path):
    from otel_sessions.exporterhelper.wal.frames import contents

    pipeline = build(MemoryExporter(away))
    body = named("a", "b", project="p")
    pipeline.consume(body).result(60)
    (found,) = contents(segments(tmp_path)[0].read_bytes()).requests
    assert found == body
    assert span_names([decode([found.body], [found.project]).batch]) == ["a", "b"]


def sample(host: Host, name: str, **labels: str) -> float:
    return host.metrics.registry.get_sample_value(name, labels) or 0.0
