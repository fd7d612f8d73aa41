"""The pipeline: its answers, its bounds, its end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sessions.component import ComponentId, Host, Outcome, Request
from otel_sessions.errors import InvalidData, Permanent, Retryable, SchemaError, TooLarge
from otel_sessions.exporterhelper.config import Retry, SendingQueue, SendingSettings
from otel_sessions.exporterhelper.queue import TICKET_BYTES
from otel_sessions.pdata import Note, SpanBatch
from otel_sessions.pipeline import Fanout, Outlet, Pipeline
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import FullConsumer, RecordingConsumer
from otel_sessions.testing.otlp import request, span
from otel_sessions.testing.sinks import MemoryExporter, span_names
from tests.integration.running import eventually, wait_until

Build = Callable[..., Pipeline]
NOT_OTLP = Request(b"\xff\xff\xff")


def named(*names: str) -> Request:
    return Request(request(*(span(name) for name in names)).SerializeToString())


def error_of(future: Future[Outcome]) -> BaseException | None:
    return future.exception(60)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def build(metrics: Metrics) -> Iterator[Build]:
    """A pipeline over these exporters; it is closed at the end of the test."""
    built: list[Pipeline] = []
    outlets: dict[MemoryExporter, Outlet] = {}

    def build(*exporters: MemoryExporter, processors: Sequence[object] = (), **settings: int) -> Pipeline:
        queue = SendingQueue(storage="memory", **settings)
        sending = SendingSettings(sending_queue=queue, retry_on_failure=Retry(max_elapsed_time=0.01))
        for i, exporter in enumerate(exporters):
            outlets.setdefault(exporter, Outlet(ComponentId("memory", str(i)), exporter, sending))
        named_processors = [(ComponentId("test", str(i)), processor) for i, processor in enumerate(processors)]
        built.append(Pipeline("p", named_processors, [outlets[each] for each in exporters], Host(metrics)))
        built[-1].start()
        return built[-1]

    yield build
    for pipeline in built:
        pipeline.shutdown(1.0)


def wait_in_line(pipeline: Pipeline, requests: int) -> None:
    """Returns when so many requests wait for the exporter."""
    (queue,) = pipeline._queues
    eventually(lambda: len(queue._waiting), requests)


def poison(name: str, error: Exception) -> Callable[[Sequence[SpanBatch]], None]:
    """Raises whenever a span of this name is among the batches."""

    def script(batches: Sequence[SpanBatch]) -> None:
        if name in span_names(batches):
            raise error

    return script


def test_a_request_is_answered_when_its_spans_are_stored(build):
    exporter = MemoryExporter()
    exporter.hold()
    future = build(exporter).consume(named("a", "b"))
    exporter.wait_for(1)
    assert not future.done()
    exporter.release()
    assert future.result(60) == Outcome(accepted_spans=2)
    assert exporter.exports == [["a", "b"]]


def test_an_only_request_does_not_linger(build):
    pipeline = build(MemoryExporter())
    pipeline.consume(named("warm up")).result(60)

    def took() -> float:
        began = time.perf_counter()
        pipeline.consume(named("a")).result(60)
        return time.perf_counter() - began

    assert any(took() < 0.02 for _ in range(1000)), "one that lingers does so each time, a busy machine does not"


def test_an_empty_request_is_accepted_without_an_export(build):
    exporter = MemoryExporter()
    assert build(exporter).consume(Request(b"")).result(60) == Outcome()
    assert exporter.attempts == []


def test_what_waits_during_an_export_is_stored_in_one(build):
    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter)
    futures = [pipeline.consume(named("first"))]
    exporter.wait_for(1)
    futures += [pipeline.consume(named(f"n{i}")) for i in range(50)]
    wait_in_line(pipeline, 50)
    exporter.release()
    assert [future.result(60) for future in futures] == [Outcome(1)] * 51
    assert exporter.exports == [["first"], [f"n{i}" for i in range(50)]]


def test_a_request_that_is_not_OTLP_fails_alone(build):
    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter)
    futures = [pipeline.consume(each) for each in (named("a"), NOT_OTLP, named("b"), NOT_OTLP)]
    exporter.release()
    assert [type(error_of(future)) for future in futures] == [type(None), InvalidData, type(None), InvalidData]
    assert exporter.names == ["a", "b"]


def test_rejected_spans_are_in_the_outcome(build):
    future = build(MemoryExporter()).consume(
        Request(request(span("good"), span("bad", span_id=b"\0" * 8)).SerializeToString())
    )
    outcome = future.result(60)
    assert (outcome.accepted_spans, outcome.rejected_spans) == (1, 1)
    assert outcome.message


def test_what_a_processor_notes_is_told_to_the_requests_concerned_only(build):
    class Noting:
        def process(self, batch: SpanBatch) -> SpanBatch:
            long = batch.filter(pc.equal(batch["SpanName"], "long"))["Request"]
            return batch.with_note(Note(tuple(pc.unique(long).to_pylist()), "id too long"))

    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter, processors=[Noting()])
    futures = [pipeline.consume(named(name, name)) for name in ("fine", "long", "fine", "long")]
    exporter.release()
    assert [future.result(60).message for future in futures] == ["", "id too long", "", "id too long"]
    assert [future.result(60).rejected_spans for future in futures] == [0] * 4


def test_processors_run_in_order_and_are_counted(build, metrics):
    class Without:
        def __init__(self, name: str) -> None:
            self.name = name

        def process(self, batch: SpanBatch) -> SpanBatch:
            return batch.filter(pc.not_equal(batch["SpanName"], self.name))

    exporter = MemoryExporter()
    pipeline = build(exporter, processors=[Without("a"), Without("b")])
    assert pipeline.consume(named("a", "b", "c")).result(60) == Outcome(3)
    assert pipeline.consume(named("a", "b")).result(60) == Outcome(2)
    assert exporter.names == ["c"]
    for processor, incoming, outgoing in (("test/0", 5, 3), ("test/1", 3, 1)):
        assert sample(metrics, "otelcol_processor_incoming_items_total", processor=processor) == incoming
        assert sample(metrics, "otelcol_processor_outgoing_items_total", processor=processor) == outgoing


@pytest.mark.parametrize("error", [ValueError("boom"), Permanent("no"), TooLarge("too much for one batch")])
def test_a_processor_that_fails_on_one_request_does_not_fail_its_neighbours(build, error):
    class Failing:
        def process(self, batch: SpanBatch) -> SpanBatch:
            poison("bad", error)([batch])
            return batch

    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter, processors=[Failing()])
    names = [f"n{i}" for i in range(20)]
    names[13] = "bad"
    futures = [pipeline.consume(named(name)) for name in names]
    exporter.release()
    errors = [error_of(future) for future in futures]
    assert isinstance(errors.pop(13), Permanent if isinstance(error, Permanent) else Retryable)
    assert errors == [None] * 19
    assert exporter.names == [name for name in names if name != "bad"]


def test_what_the_exporter_will_never_take_fails_alone(build, metrics):
    exporter = MemoryExporter(poison("bad", Permanent("cannot parse")))
    exporter.hold()
    pipeline = build(exporter)
    futures = [pipeline.consume(named("first"))]
    exporter.wait_for(1)
    names = [f"n{i}" for i in range(30)]
    names[7] = names[21] = "bad"
    futures += [pipeline.consume(named(name, f"{name}'")) for name in names]
    wait_in_line(pipeline, 30)
    exporter.release()
    errors = [error_of(future) for future in futures]
    assert [i for i, error in enumerate(errors) if error is not None] == [8, 22]
    assert {str(error) for error in errors if error} == {"cannot parse"}
    assert sorted(exporter.names) == sorted(
        ["first", *(part for name in names if name != "bad" for part in (name, f"{name}'"))]
    )
    assert sample(metrics, "otelcol_exporter_sent_spans_total", exporter="memory/0") == 57
    assert sample(metrics, "otelcol_exporter_send_failed_spans_total", exporter="memory/0") == 4


@pytest.mark.parametrize("error", [Retryable("down", retry_after=3.0), SchemaError("migrate first")])
def test_an_error_that_no_request_is_to_blame_for_is_not_sought_by_halving(build, error):
    exporter = MemoryExporter(poison("a", error))
    exporter.hold()
    pipeline = build(exporter)
    futures = [pipeline.consume(named("a"))]
    exporter.wait_for(1)
    futures += [pipeline.consume(named("a", f"of {number}")) for number in range(9)]
    wait_in_line(pipeline, 9)
    exporter.release()
    found = {(type(error_of(future)), str(error_of(future))) for future in futures}
    assert found == {(Retryable, str(error))}
    assert {len(attempt) for attempt in exporter.attempts} <= {1, 18}


def test_an_unexpected_error_is_logged_and_retryable(build, caplog):
    error = error_of(build(MemoryExporter(poison("a", ZeroDivisionError("why")))).consume(named("a")))
    assert isinstance(error, Retryable)
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert "ZeroDivisionError: why" in caplog.text


def test_with_several_exporters_a_request_is_answered_when_all_have_it(build):
    quick, slow = MemoryExporter(), MemoryExporter()
    slow.hold()
    future = build(quick, slow).consume(named("a"))
    quick.wait_for(1)
    slow.wait_for(1)
    time.sleep(0.05)
    assert not future.done()
    slow.release()
    assert future.result(60) == Outcome(1)


def test_what_one_exporter_refuses_for_good_the_other_stores(build):
    picky, keen = MemoryExporter(poison("bad", Permanent("no"))), MemoryExporter()
    pipeline = build(picky, keen)
    futures = [pipeline.consume(named(name)) for name in ("a", "bad", "b")]
    assert [type(error_of(future)) for future in futures] == [type(None), Permanent, type(None)]
    assert (picky.names, keen.names) == (["a", "b"], ["a", "bad", "b"])


def test_of_several_errors_the_retryable_one_is_the_answer(build):
    gone, down = MemoryExporter(poison("a", Permanent("no"))), MemoryExporter(poison("a", Retryable("down")))
    for pipeline in (build(gone, down), build(down, gone)):
        assert str(error_of(pipeline.consume(named("a")))) == "down"


def test_an_exporter_of_two_pipelines_is_called_by_one_at_a_time(build):
    at_work: list[int] = []

    def script(_: Sequence[SpanBatch]) -> None:
        at_work.append(1)
        time.sleep(0.01)
        assert len(at_work) == 1
        at_work.clear()

    exporter = MemoryExporter(script)
    pipelines = [build(exporter), build(exporter)]
    futures = [pipelines[i % 2].consume(named("a")) for i in range(20)]
    assert [future.result(60) for future in futures] == [Outcome(1)] * 20


def test_requests_beyond_max_bytes_are_told_to_come_back_and_room_returns(build, metrics):
    exporter = MemoryExporter()
    exporter.hold()
    bodies = [named("x" * 3000) for _ in range(7)]
    size = len(bodies[0].body) + TICKET_BYTES
    pipeline = build(exporter, max_bytes=size * 5)
    futures = [pipeline.consume(body) for body in bodies[:5]]
    with pytest.raises(Retryable, match="full"):
        pipeline.consume(bodies[5])
    assert sample(metrics, "otelcol_exporter_queue_size", exporter="memory/0") == size * 5
    assert sample(metrics, "otelcol_exporter_queue_capacity", exporter="memory/0") == size * 5
    exporter.release()
    assert [future.result(60) for future in futures] == [Outcome(1)] * 5
    assert sample(metrics, "otelcol_exporter_queue_size", exporter="memory/0") == 0
    assert pipeline.consume(bodies[6]).result(60) == Outcome(1)


def test_a_request_that_never_has_room_is_too_large(build):
    with pytest.raises(TooLarge):
        build(MemoryExporter(), max_bytes=2000).consume(named("x" * 3000))


def test_the_caller_cannot_cancel(build):
    exporter = MemoryExporter()
    exporter.hold()
    future = build(exporter).consume(named("a"))
    assert not future.cancel()
    exporter.release()
    assert future.result(60) == Outcome(1)


def test_many_senders_each_get_their_own_outcome(build):
    exporter = MemoryExporter(poison("refused", Permanent("refused")))
    pipeline = build(exporter)
    rng = random.Random(1)
    kinds = [rng.choice(["good", "partial", "broken", "empty", "refused"]) for _ in range(600)]

    def send(number: int) -> str:
        kind = kinds[number]
        spans = [span(f"{number}.{i}") for i in range(number % 7 + 1)]
        if kind == "partial":
            spans.append(span("bad", trace_id=b""))
        if kind == "refused":
            spans.append(span("refused"))
        body = {"broken": NOT_OTLP.body, "empty": b""}.get(kind, request(*spans).SerializeToString())
        try:
            outcome = pipeline.consume(Request(body)).result(60)
        except InvalidData:
            return "broken"
        except Permanent:
            return "refused"
        if outcome.rejected_spans:
            assert outcome.accepted_spans == len(spans) - 1
            return "partial"
        if outcome.accepted_spans:
            assert outcome.accepted_spans == len(spans)
            return "good"
        return "empty"

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(send, range(600))) == kinds
    stored = [f"{n}.{i}" for n, kind in enumerate(kinds) if kind in {"good", "partial"} for i in range(n % 7 + 1)]
    assert sorted(exporter.names) == sorted(stored)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["good", "broken", "unprocessable", "refused"]), min_size=1, max_size=40))
def test_whatever_comes_together_each_request_has_its_own_answer(kinds):
    class Failing:
        def process(self, batch: SpanBatch) -> SpanBatch:
            poison("unprocessable", Permanent("unprocessable"))([batch])
            return batch

    exporter = MemoryExporter(poison("refused", Permanent("refused")))
    exporter.hold()
    memory = SendingSettings(sending_queue=SendingQueue(storage="memory"))
    outlets, processors = [Outlet(ComponentId("memory"), exporter, memory)], [(ComponentId("test"), Failing())]
    pipeline = Pipeline("p", processors, outlets, Host(Metrics()))
    pipeline.start()
    futures = [pipeline.consume(NOT_OTLP if kind == "broken" else named(kind, f"of {kind}")) for kind in kinds]
    exporter.release()
    pipeline.shutdown(10)
    errors = [error_of(future) for future in futures]
    expected = {"good": None, "broken": InvalidData, "unprocessable": Permanent, "refused": Permanent}
    assert [error and type(error) for error in errors] == [expected[kind] for kind in kinds]
    assert exporter.names == ["good", "of good"] * kinds.count("good")


def test_shutdown_drains(build):
    exporter = MemoryExporter(lambda _: time.sleep(0.02))
    pipeline = build(exporter)
    futures = [pipeline.consume(named(f"n{i}")) for i in range(100)]
    pipeline.shutdown(20)
    assert all(future.done() for future in futures)
    assert exporter.names == [f"n{i}" for i in range(100)]
    with pytest.raises(Retryable):
        pipeline.consume(named("late"))


def test_shutdown_ends_in_time_and_fails_the_rest_as_retryable(build):
    exporter = MemoryExporter()
    exporter.hold()
    pipeline = build(exporter)
    futures = [pipeline.consume(named("a")) for _ in range(10)]
    pipeline.shutdown(0.2)  # would wait for ever
    pipeline.shutdown(0.2)
    assert {type(error_of(future)) for future in futures} == {Retryable}
    exporter.release()


@pytest.mark.parametrize("timeout", [0.0, 0.05, 5.0])
def test_shutdown_under_load_loses_no_answer(build, timeout):
    exporter = MemoryExporter(lambda _: time.sleep(0.01))
    pipeline = build(exporter)
    answered: list[str] = []

    def send(sender: int) -> None:
        for number in range(1000):
            name = f"{sender}.{number}"
            try:
                pipeline.consume(named(name)).result(60)
            except Retryable:
                return
            answered.append(name)

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(20)]
    for sender in senders:
        sender.start()
    wait_until(lambda: len(answered) > 20)
    pipeline.shutdown(timeout)
    for sender in senders:
        sender.join(60)
    assert not any(sender.is_alive() for sender in senders)
    assert answered
    assert set(answered) <= set(exporter.names)


def test_an_idle_pipeline_uses_no_CPU(build):
    others = set(threading.enumerate())
    pipeline = build(MemoryExporter())
    pipeline.consume(named("a")).result(60)
    clocks = [time.pthread_getcpuclockid(each.ident) for each in set(threading.enumerate()) - others]
    assert clocks
    began = sum(map(time.clock_gettime, clocks))
    time.sleep(0.5)
    assert sum(map(time.clock_gettime, clocks)) - began < 0.05


def test_shutdown_leaves_no_threads(build):
    others = set(threading.enumerate())
    pipeline = build(MemoryExporter(), MemoryExporter())
    assert len(set(threading.enumerate()) - others) == 3
    pipeline.shutdown(60)
    assert set(threading.enumerate()) <= others


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([Outcome(2, 1, "one"), Outcome(2, 1, "two")], Outcome(2, 1, "one; two")),
        ([Outcome(2), Outcome(2)], Outcome(2)),
        ([Permanent("no"), Retryable("later")], "later"),
        ([Outcome(2), Permanent("no")], "no"),
    ],
)
def test_a_fanout_answers_for_all_its_pipelines(answers, expected):
    consumers = [RecordingConsumer(lambda _, answer=answer: answer) for answer in answers]
    future = Fanout(consumers).consume(named("a"))
    assert (str(future.exception()) if isinstance(expected, str) else future.result()) == expected


def test_a_fanout_gives_the_request_to_all_even_if_one_is_full():
    full, other = FullConsumer(Retryable("full")), RecordingConsumer()
    assert str(error_of(Fanout([full, other]).consume(named("a")))) == "full"
    assert len(other.requests) == 1


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)
