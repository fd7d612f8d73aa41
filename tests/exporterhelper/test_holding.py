"""Spans without a claim wait in the log for the one of their trace, and are lost by nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sessions.component import ComponentId, Host, Request
from otel_sessions.errors import Permanent
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.pipeline import Outlet, Pipeline
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import request, span
from otel_sessions.testing.sinks import MemoryExporter, span_names
from tests.integration.running import eventually, wait_until

Build = Callable[..., Pipeline]
TRACE, OTHER = "1" * 32, "2" * 32


class Awaiting(MemoryExporter):
    """`sessions` has the session under which each span was stored, by its name."""

    def __init__(self, script: Callable[[Sequence[SpanBatch]], None] = lambda _: None, *, awaits: bool = True) -> None:
        super().__init__(script)
        self.awaits_claims = awaits
        self.sessions: dict[str, str] = {}

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        super().export(batches, token)
        for batch in batches:
            pairs = zip(batch["SpanName"].to_pylist(), batch["SessionHint"].to_pylist(), strict=True)
            self.sessions.update(pairs)


def sent(*names: str, trace: str = TRACE, session: str = "", service: str = "shop", parent: str = "") -> Request:
    """Spans of a trace, the last of them with the session; roots, unless they have a parent."""
    attributes = [{}] * (len(names) - 1) + [{"session.id": session} if session else {}]
    pairs = zip(names, attributes, strict=True)
    spans = [span(name, trace_id=trace, parent=parent, attributes=each) for name, each in pairs]
    return Request(request(*spans, resource={"service.name": service}).SerializeToString())


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def build(tmp_path: Path, metrics: Metrics) -> Iterator[Build]:
    """A pipeline whose service `shop` has claimed a session before."""
    built: list[Pipeline] = []

    def build(exporter: MemoryExporter, claim_wait: float = 30.0, known: bool = True, **queue: object) -> Pipeline:
        settings = SendingSettings.model_validate(
            {
                "sending_queue": {"directory": str(tmp_path), "batch": {"flush_timeout": "10ms"}, **queue},
                "retry_on_failure": {"initial_interval": "10ms", "max_interval": "20ms"},
            }
        )
        processor = SessionProcessor(SessionConfig(claim_wait=claim_wait))
        if known:
            first = sent("first", trace="f" * 32, session="before")
            processor.process(decode([first.body], [first.project]).batch)
        outlets = [Outlet(ComponentId("memory"), exporter, settings)]
        built.append(Pipeline("traces", [(ComponentId("session"), processor)], outlets, Host(metrics)))
        built[-1].start()
        return built[-1]

    yield build
    for pipeline in built:
        pipeline.shutdown(1.0)


def look_at_all(pipeline: Pipeline) -> None:
    """Returns when all that was sent has been looked at, and is stored or held."""
    (queue,) = pipeline._queues
    eventually(lambda: (len(queue._at_work), queue._active_since, len(queue._fresh)), (0, None, 0))  # type: ignore[attr-defined]


def segments(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.rglob("*.wal"))


def test_children_are_stored_with_their_root_in_one_insert(build: Build, metrics: Metrics, tmp_path: Path) -> None:
    exporter = Awaiting()
    pipeline = build(exporter)

    def held() -> float | None:
        return metrics.registry.get_sample_value("otel_sessions_held_spans", {"exporter": "memory"})

    pipeline.consume(sent("child 1", "child 2")).result(60)
    pipeline.consume(sent("stranger", trace=OTHER)).result(60)
    look_at_all(pipeline)
    pipeline.consume(sent("child 3")).result(60)
    look_at_all(pipeline)
    assert exporter.names == []
    assert len(segments(tmp_path)) >= 2
    eventually(held, 4)
    pipeline.consume(sent("root", session="ada")).result(60)
    eventually(lambda: exporter.exports, [["root", "child 1", "child 2", "child 3"]])
    eventually(held, 1)
    assert set(exporter.sessions.values()) == {"ada"}
    eventually(lambda: len(segments(tmp_path)), 1)


def test_after_the_wait_they_are_stored_alone_and_what_comes_then_is_not_waited_for(
    build: Build, tmp_path: Path
) -> None:
    exporter = Awaiting()
    pipeline = build(exporter, claim_wait=0.3)
    began = time.monotonic()
    pipeline.consume(sent("child")).result(60)
    eventually(lambda: exporter.sessions, {"child": ""})
    assert time.monotonic() - began > 0.3
    eventually(lambda: segments(tmp_path), [])


def test_a_service_that_has_just_appeared_is_given_time_for_its_first_claim(build: Build) -> None:
    exporter = Awaiting()
    pipeline = build(exporter, known=False)
    children = [f"child {number}" for number in range(256)]
    pipeline.consume(sent(*children, parent="a" * 16)).result(60)
    pipeline.consume(sent("a root without a claim", trace=OTHER)).result(60)
    eventually(lambda: exporter.names, ["a root without a claim"])
    pipeline.consume(sent("root", session="ada")).result(60)
    eventually(lambda: sorted(exporter.exports[1:][0] if exporter.exports[1:] else []), sorted(["root", *children]))


@pytest.mark.parametrize(
    ("how", "awaits", "known", "claim_wait"),
    [
        ("the exporter does not care", False, True, 30.0),
        ("the service has claimed nothing, and the root is there", True, False, 30.0),
        ("it is turned off", True, True, 0.0),
    ],
)
def test_nothing_waits_where(build: Build, how: str, awaits: bool, known: bool, claim_wait: float) -> None:
    exporter = Awaiting(awaits=awaits)
    build(exporter, claim_wait, known).consume(sent("child")).result(60)
    eventually(lambda: exporter.names, ["child"])


def test_a_stop_stores_what_waits(build: Build, tmp_path: Path) -> None:
    exporter = Awaiting()
    pipeline = build(exporter)
    pipeline.consume(sent("child")).result(60)
    look_at_all(pipeline)
    pipeline.shutdown(60)
    assert exporter.names == ["child"]
    assert segments(tmp_path) == []


def test_what_waits_is_bounded_in_bytes(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_sessions.exporterhelper.holding.HELD_BYTES", 5_000)
    exporter = Awaiting()
    pipeline = build(exporter)
    for number in range(20):
        pipeline.consume(sent(f"child {number}", trace=f"{number + 1:032x}")).result(60)
        look_at_all(pipeline)
    wait_until(lambda: len(exporter.names), wanted=lambda count: count > 5)
    assert exporter.names[0] == "child 0", "the one that has waited longest"
    assert len(exporter.names) < 20


def test_a_refusal_of_what_was_joined_is_blamed_on_the_spans_to_blame_alone(build: Build, tmp_path: Path) -> None:
    def script(batches: Sequence[SpanBatch]) -> None:
        if "bad" in span_names(batches):
            raise Permanent("never")

    exporter = Awaiting(script)
    pipeline = build(exporter)
    pipeline.consume(sent("bad", "child")).result(60)
    look_at_all(pipeline)
    pipeline.consume(sent("more", trace=OTHER, session="eve")).result(60)
    pipeline.consume(sent("root", session="ada")).result(60)
    eventually(lambda: sorted(exporter.names), ["child", "more", "root"])
    wait_until(lambda: list(tmp_path.rglob("*.jsonl")))
    (file,) = tmp_path.rglob("*.jsonl")
    assert '"bad"' in file.read_text()
    assert '"child"' not in file.read_text()
    eventually(lambda: segments(tmp_path), [])


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.integers(1, 3)), min_size=1, max_size=12))
def test_whatever_waits_each_span_is_stored_with_its_session_over_deaths(
    tmp_path_factory: pytest.TempPathFactory, requests: list[tuple[int, bool, int]]
) -> None:
    """Requests of traces, with a claim or without, and now and then a death that leaves the log as it is."""
    directory = tmp_path_factory.mktemp("log")
    settings_ = SendingSettings.model_validate(
        {"sending_queue": {"directory": str(directory), "batch": {"flush_timeout": 0, "max_size": 4}}}
    )
    exporter = Awaiting()

    def life(claim_wait: float) -> Pipeline:
        processor = SessionProcessor(SessionConfig(claim_wait=claim_wait))
        first = sent("first", trace="f" * 32, session="before")
        processor.process(decode([first.body], [first.project]).batch)
        outlets = [Outlet(ComponentId("memory"), exporter, settings_)]
        pipeline = Pipeline("traces", [(ComponentId("session"), processor)], outlets, Host(Metrics()))
        pipeline.start()
        return pipeline

    pipeline, wanted = life(30.0), set[str]()
    for number, (trace, claims, spans) in enumerate(requests):
        names = [f"{number}.{place}" for place in range(spans)]
        pipeline.consume(sent(*names, trace=f"{trace:032x}", session=f"s{trace}" if claims else "")).result(60)
        wanted.update(names)
        if number % 4 == 3:  # it goes without storing what waits
            (queue,) = pipeline._queues
            queue._storing._holding.due = lambda _: None  # type: ignore[attr-defined]
            pipeline.shutdown(0.3)
            pipeline = life(30.0)
    pipeline.shutdown(60)
    assert set(exporter.names) == wanted
    assert list(directory.rglob("*.wal")) == []
