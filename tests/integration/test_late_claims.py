"""A session id that arrives late, on whatever span, in whatever request, gathers its whole trace."""

from __future__ import annotations

import time

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.testing.otlp import Value, new_trace_id, request, resource_spans, span
from tests.integration.running import ANSWER_S, ANY, WAL, Directory, Running, config, wait_until

# What is promised is 5 s; three times that, for a machine that is busy with other tests.
MOVED_S = 60.0


class Trace:
    """A root with two children; `name` tells its session ids apart from those of other traces."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = span("root", trace_id=new_trace_id())
        self.children = [span(f"child {n}", parent=self.root, start=self.root.start_time_unix_nano + n) for n in (1, 2)]

    @property
    def ids(self) -> list[str]:
        """Of all spans, the root first."""
        return [each.span_id.hex() for each in (self.root, *self.children)]

    def claiming(self, **claim: Value) -> Span:
        """The root with an attribute that claims, `__` for a dot."""
        key, session = next(iter(claim.items()))
        return span(
            "root",
            trace_id=self.root.trace_id,
            span_id=self.root.span_id,
            attributes={key.replace("__", "."): session},
        )


def wait_for_sessions(running: Running, trace: Trace, *wanted: str | None, timeout: float = MOVED_S) -> None:
    """Returns when the spans of a trace, the root first, are in these sessions; one name stands for all."""
    sessions = list(wanted) if len(wanted) > 1 else list(wanted) * 3
    wait_until(lambda: running.sessions_of(*trace.ids), timeout, lambda found: found == sessions)


def test_a_root_that_ends_last_gathers_the_spans_sent_before(service: Running) -> None:
    trace = Trace("late")
    service.send(request(*trace.children))
    assert service.sessions_of(*trace.ids) == [None] * 3
    service.send(request(trace.claiming(session__id="late")))
    wait_for_sessions(service, trace, "late")
    columns = "TraceCount, SpanCount, Duration"
    assert service.sql(f"SELECT {columns} FROM sessions WHERE SessionId = 'late'") == [[1, 3, 1_000_002]]
    sources = service.sql("SELECT SpanName, SessionSource FROM session_spans WHERE SessionId = 'late' ORDER BY 1")
    assert sources == [["child 1", "trace"], ["child 2", "trace"], ["root", "span"]]


def test_spans_of_another_service_that_come_after_the_root_follow_it(service: Running) -> None:
    trace = Trace("services")
    first, second = trace.children
    service.send(request(first, resource={"service.name": "web"}))
    service.send(request(trace.claiming(session__id="services"), resource={"service.name": "web"}))
    service.send(request(second, resource={"service.name": "model"}))
    wait_for_sessions(service, trace, "services")
    query = "SELECT ServiceNames, SpanCount FROM sessions WHERE SessionId = 'services'"
    assert service.sql(query) == [[["model", "web"], 3]]


def test_a_better_claim_takes_a_trace_out_of_another_session(service: Running) -> None:
    trace = Trace("better")
    one, two = trace.children
    invented = span(
        "child 1",
        parent=trace.root,
        span_id=one.span_id,
        attributes={"gen_ai.conversation.id": "invented by a library"},
    )
    service.send(request(invented, two))
    wait_for_sessions(service, trace, None, "invented by a library", "invented by a library")
    service.send(request(trace.claiming(session__id="the client's")))
    wait_for_sessions(service, trace, "the client's")
    counted = service.sql(
        "SELECT SessionId, SpanCount FROM sessions WHERE SessionId IN ('the client''s', 'invented by a library')"
    )
    assert counted == [["the client's", 3]]


def test_the_claim_of_a_resource_gathers_a_trace_over_two_services(service: Running) -> None:
    trace = Trace("resource")
    service.send(request(*trace.children))
    service.send(request(resource_spans(trace.root, resource={"session.id": "of a resource"})))
    wait_for_sessions(service, trace, "of a resource")


def test_spans_that_claim_for_themselves_stay_where_they_are(service: Running) -> None:
    trace = Trace("apart")
    one, two = trace.children
    own = span("child 1", parent=trace.root, span_id=one.span_id, attributes={"session.id": "apart-own"})
    service.send(request(own, two))
    wait_for_sessions(service, trace, None, "apart-own", "apart-own")
    service.send(request(trace.claiming(session__id="apart-root")))
    wait_for_sessions(service, trace, "apart-root", "apart-own", "apart-root")


def test_a_claim_that_comes_after_a_restart_gathers_what_came_before(directory: Directory) -> None:
    settings = config(directory.data())
    running = directory.start(settings)
    plain, better = Trace("plain"), Trace("better")
    conversation = better.claiming(gen_ai__conversation__id="yesterday's")
    running.send(request(*plain.children, *better.children, conversation))
    wait_for_sessions(running, better, "yesterday's")
    assert running.stop() == 0

    running = directory.start(settings)
    assert running.sessions_of(*better.ids) == ["yesterday's"] * 3
    running.send(request(plain.claiming(session__id="late")))
    # The same span once more, changed: its better claim counts.
    running.send(request(better.claiming(session__id="today's")))
    wait_for_sessions(running, plain, "late")
    wait_for_sessions(running, better, "today's")
    assert running.sql("SELECT SessionId, SpanCount FROM sessions ORDER BY SessionId") == [["late", 3], ["today's", 3]]
    assert running.stop() == 0


def test_what_a_killed_service_had_not_moved_is_moved_at_the_next_start(directory: Directory) -> None:
    # A round at the start, the next one in 5 s: the late claim is stored and answered, and nothing is moved yet.
    settings = config(directory.data(), attribution={"interval": "5s"})
    running = directory.start(settings)
    traces = [Trace(f"killed {n}") for n in range(3)]
    for trace in traces:
        running.send(request(*trace.children))
    for trace in traces:
        running.send(request(trace.claiming(session__id=trace.name)))
    running.kill()

    running = directory.start(settings)
    for trace in traces:
        wait_for_sessions(running, trace, trace.name, timeout=ANSWER_S)
    found = running.sql("SELECT SessionId, SpanCount FROM sessions ORDER BY SessionId")
    assert found == [[f"killed {n}", 3] for n in range(3)]
    assert running.stop() == 0


def test_children_that_wait_for_their_root_outlive_a_kill_and_are_stored_once(directory: Directory) -> None:
    settings = config(directory.data(), metrics=ANY, sending_queue=WAL)
    running = directory.start(settings)
    known, waiting = Trace("known"), Trace("waiting")
    running.send(request(known.claiming(session__id="known"), *known.children))
    wait_for_sessions(running, known, "known")
    running.send(request(*waiting.children))
    time.sleep(1.0)
    ids = [each.span_id.hex() for each in waiting.children]
    query = "SELECT count() FROM otel_traces WHERE SpanId IN {ids:Array(String)}"
    assert running.sql(query, ids=str(ids)) == [[0]], "they wait in the log"
    assert running.metric("otelcol_exporter_queue_size") > 0
    running.kill()

    running = directory.start(settings)
    running.send(request(waiting.claiming(session__id="waiting")))
    wait_for_sessions(running, waiting, "waiting")
    assert running.sql(query, ids=str(ids)) == [[2]]
    running.send(request(*Trace("never").children))
    assert running.stop() == 0

    running = directory.start(settings)
    assert running.sql("SELECT count() FROM otel_traces") == [[8]], "a stop stores what waits"
    assert running.stop() == 0
