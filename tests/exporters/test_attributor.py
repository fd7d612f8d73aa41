"""The thread that puts late claims into force: soon, again after failures, and after a restart."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.sql import statement
from otel_sessions.clickhouse.writers import Writer
from otel_sessions.component import Host
from otel_sessions.errors import Retryable
from otel_sessions.exporters.clickhouse import attributor as attributor_module
from otel_sessions.exporters.clickhouse.attributor import Attributor
from otel_sessions.exporters.clickhouse.config import AttributionConfig
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import attribution, migrations
from otel_sessions.sessions.attribution import Doubt, TraceKey
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import Span, request, span
from tests.integration.delivery import insert, new_project
from tests.integration.running import free_port, wait_until

pytestmark = pytest.mark.remote_too
WAIT_S = 60.0
"""How long a slow machine may take for a round; the interval of these tests is 10 ms."""
_databases = itertools.count()

Start = Callable[..., tuple[Attributor, Host]]


@pytest.fixture
def start(otel_client: Client, clickhouse_endpoint: Endpoint) -> Iterator[Start]:
    """Starts an attributor; it is stopped at the end of the test."""
    running: list[Attributor] = []
    clients = Writer(clickhouse_endpoint.path or Path("a server"))  # `otel_client` stores beside the attributor

    def start(endpoint: Endpoint = clickhouse_endpoint, *, rests: list[float] | None = None) -> tuple[Attributor, Host]:
        host = Host(Metrics())
        attributor = Attributor("clickhouse", endpoint, AttributionConfig(interval=0.01), host, receiver="this one")
        running.append(attributor)
        if rests is not None:
            note_rests(attributor, rests)
        attributor.start()
        return attributor, host

    yield start
    for each in running:
        each.shutdown(WAIT_S)
    clients.leave()


def note_rests(attributor: Attributor, rests: list[float]) -> None:
    """Puts there how many seconds it rests after each round."""
    wait = attributor._stopping.wait

    def rest(seconds: float | None = None) -> bool:
        rests.append(seconds or 0.0)
        return wait(seconds)

    attributor._stopping.wait = rest  # type: ignore[method-assign]


def note(attributor: Attributor, batches: Sequence[SpanBatch]) -> None:
    """As the exporter does, which stores them in between."""
    attributor.note_stored(attributor.expect(batches))


class Late:
    """A child that is stored without a session, then its root, which claims one."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.project = new_project()
        self.root = span("root", attributes={"session.id": "late"})
        self.child = self.store(span("child", parent=self.root))
        self.claim = self.store(self.root)

    def store(self, *spans: Span) -> SpanBatch:
        """As a receiver does that has just started and remembers nothing."""
        batch = SessionProcessor(SessionConfig()).process(
            decode([request(*spans).SerializeToString()], [self.project]).batch
        )
        insert(self.client, batch)
        return batch

    def spans(self) -> int:
        """How many spans the session has."""
        rows = self.client.query("SELECT SpanCount FROM sessions WHERE Project = {p:String}", {"p": self.project})
        return int(rows.result_rows[0][0]) if rows.result_rows else 0


def moved(host: Host) -> float:
    return host.metrics.registry.get_sample_value("otel_sessions_moved_traces_total", {"exporter": "clickhouse"}) or 0.0


def wait_for_a_round(host: Host) -> None:
    """Returns when the first round, which looks for what others have left, has ended well."""
    wait_until(lambda: host.health().get("clickhouse/attribution", "not yet"), WAIT_S, lambda problem: problem is None)


def test_what_was_stored_is_put_under_its_session(start: Start, otel_client: Client) -> None:
    attributor, host = start()
    late = Late(otel_client)
    note(attributor, [late.child])
    note(attributor, [late.claim])
    wait_until(late.spans, WAIT_S, lambda count: count == 2)
    wait_until(lambda: moved(host), WAIT_S, lambda count: count >= 1)
    wait_for_a_round(host)


def test_a_trace_that_is_settled_is_not_moved_again(start: Start, otel_client: Client) -> None:
    attributor, host = start()
    wait_for_a_round(host)
    before = moved(host)
    late = Late(otel_client)
    note(attributor, [late.child, late.claim])
    wait_until(lambda: moved(host), WAIT_S, lambda count: count == before + 1)
    note(attributor, [late.claim])
    attributor.shutdown(WAIT_S)
    assert (moved(host), late.spans()) == (before + 1, 2)


def test_a_span_that_comes_after_all_was_settled_follows(start: Start, otel_client: Client) -> None:
    attributor, _ = start()
    late = Late(otel_client)
    note(attributor, [late.child, late.claim])
    wait_until(late.spans, WAIT_S, lambda count: count == 2)
    note(attributor, [late.store(span("straggler", parent=late.root))])
    wait_until(late.spans, WAIT_S, lambda count: count == 3)


def test_a_receiver_learns_the_claims_that_it_did_not_know(start: Start, otel_client: Client) -> None:
    attributor, host = start()
    processor = SessionProcessor(SessionConfig())
    host.claim_listeners.append(processor.learn)
    late = Late(otel_client)
    note(attributor, [late.child])
    straggler = decode([request(span("straggler", parent=late.root)).SerializeToString()], [late.project]).batch
    wait_until(lambda: processor.process(straggler)["SessionHint"], WAIT_S, lambda hints: hints.to_pylist() == ["late"])


def test_what_a_receiver_that_died_has_left_is_done_at_the_start(start: Start, otel_client: Client) -> None:
    late = Late(otel_client)
    assert late.spans() == 1
    start()
    wait_until(late.spans, WAIT_S, lambda count: count == 2)


def test_rounds_that_correct_rest_longer_but_not_after_the_look_back_of_a_start(
    start: Start, otel_client: Client
) -> None:
    left, rests = Late(otel_client), list[float]()
    attributor, _ = start(rests=rests)
    wait_until(left.spans, WAIT_S, lambda count: count == 2)
    wait_until(lambda: len(rests), WAIT_S, lambda count: count > 0)
    assert max(rests) == 0.01
    late = Late(otel_client)
    note(attributor, [late.claim])
    wait_until(late.spans, WAIT_S, lambda count: count == 2)
    wait_until(lambda: max(rests), WAIT_S, lambda longest: longest == 0.02)


def test_corrections_that_there_is_no_time_for_are_left_to_the_next_start(
    start: Start, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributor, host = start()
    wait_for_a_round(host)
    monkeypatch.setattr(attributor_module, "_CORRECTED", 1)
    lates = [Late(otel_client) for _ in range(3)]
    corrected: list[TraceKey] = []
    correct = attribution.correct

    def stopping(client: Client, traces: Sequence[TraceKey], **more: Any) -> None:
        """Time is up while the first of them is put right."""
        attributor._until = 0.0
        corrected.extend(traces)
        correct(client, traces, **more)

    monkeypatch.setattr(attribution, "correct", stopping)
    note(attributor, [each for late in lates for each in (late.child, late.claim)])
    wait_until(lambda: len(corrected), WAIT_S, lambda count: count > 0)
    attributor.shutdown(0.0)
    wait_until(lambda: sum(late.spans() == 2 for late in lates), WAIT_S, lambda count: count == 1)
    wait_until(lambda: host.running, WAIT_S, lambda running: running == set())
    assert (len(corrected), sum(late.spans() == 2 for late in lates)) == (1, 1)
    monkeypatch.undo()
    start()
    wait_until(lambda: [late.spans() for late in lates], WAIT_S, lambda counts: counts == [2, 2, 2])


def test_a_round_that_failed_is_done_again(start: Start, otel_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    attributor, host = start()
    wait_for_a_round(host)
    problems: list[str | None] = []
    find = attribution.find

    def failing(client: Client, traces: Sequence[TraceKey]) -> list[Doubt]:
        problems.append(host.health()["clickhouse/attribution"])
        if len(problems) < 3:
            raise Retryable("not now") if len(problems) == 1 else ZeroDivisionError("never expected")
        return find(client, traces)

    monkeypatch.setattr(attribution, "find", failing)
    late = Late(otel_client)
    note(attributor, [late.child, late.claim])
    wait_until(late.spans, WAIT_S, lambda count: count == 2)
    assert problems[:3] == [None, "not now", "never expected"]
    wait_until(lambda: host.health()["clickhouse/attribution"], WAIT_S, lambda problem: problem is None)


def test_stop_does_a_last_round(start: Start, otel_client: Client) -> None:
    attributor, _ = start()
    late = Late(otel_client)
    note(attributor, [late.child, late.claim])
    attributor.shutdown(WAIT_S)
    assert late.spans() == 2


def test_without_a_server_it_says_so_and_stops_in_time(start: Start) -> None:
    attributor, host = start(Endpoint.parse(f"http://127.0.0.1:{free_port()}/otel"))
    wait_until(lambda: host.health().get("clickhouse/attribution"), WAIT_S)
    attributor.shutdown(WAIT_S)


def test_thousands_of_traces_at_once_are_put_under_their_sessions(start: Start, otel_client: Client) -> None:
    attributor, _ = start()
    project = new_project()
    roots = [span("root", attributes={"session.id": f"s{number % 7}"}) for number in range(2500)]
    for spans in ([span(parent=root) for root in roots], roots):
        body = request(*spans).SerializeToString()
        batch = SessionProcessor(SessionConfig()).process(decode([body], [project]).batch)
        insert(otel_client, batch)
        note(attributor, [batch])
    query = "SELECT sum(SpanCount), sum(TraceCount), count() FROM sessions WHERE Project = {p:String}"
    wait_until(
        lambda: otel_client.query(query, {"p": project}).result_rows, 2 * WAIT_S, lambda rows: rows == [(5000, 2500, 7)]
    )


def test_what_is_to_be_looked_for_while_a_round_looks_is_looked_for_in_the_next(
    start: Start, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    left_behind = attribution.left_behind

    def looking(client: Client) -> list[TraceKey]:
        looks.append(None)
        if len(looks) == 1:
            attributor.look_back()
        return left_behind(client)

    monkeypatch.setattr(attribution, "left_behind", looking)
    monkeypatch.setattr(Attributor, "start", lambda self: None)
    attributor, _ = start()
    monkeypatch.undo()
    monkeypatch.setattr(attribution, "left_behind", looking)
    attributor.start()
    wait_until(lambda: len(looks), WAIT_S, lambda count: count == 2)


def test_a_receiver_is_on_record_before_it_has_looked_at_anything(clickhouse_endpoint: Endpoint) -> None:
    client = connect(clickhouse_endpoint)
    migrations.apply(client, f"attribution_{next(_databases)}")

    def since() -> int:
        sql = statement("otel_sessions.sessions.attribution", "looked_through")
        return int(client.query(sql).result_rows[0][0])

    attribution.begin(client, "first")
    assert since() == 0, "all of time, where none was on record"
    now = attribution.server_time(client)
    attribution.record(client, "first", now + 1000)
    assert since() == now + 940
    attribution.begin(client, "second")
    assert now - 60 <= since() <= now
    attribution.record(client, "second", now - 1000)
    attribution.begin(client, "second")
    assert since() == now - 1060
    client.command("DROP DATABASE {d:Identifier}", {"d": client.database}, use_database=False)
    client.close()


def test_a_receiver_answers_for_itself_only(clickhouse_endpoint: Endpoint) -> None:
    client = connect(clickhouse_endpoint)
    migrations.apply(client, f"attribution_{next(_databases)}")
    now = attribution.server_time(client)
    late = Late(client)
    client.command(
        "ALTER TABLE _trace_claims UPDATE ReceivedAt = ReceivedAt - 500 WHERE 1", settings={"mutations_sync": 2}
    )
    trace = (late.project, late.root.trace_id.hex())
    attribution.record(client, "dead", now - 1000)
    attribution.record(client, "alive", now + 1000)
    assert attribution.left_behind(client) == [trace]
    attribution.record_all(client, "new", now + 1000)
    assert attribution.left_behind(client) == []
    client.command("DROP DATABASE {d:Identifier}", {"d": client.database}, use_database=False)
    client.close()
