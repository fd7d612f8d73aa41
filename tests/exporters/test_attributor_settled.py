"""Traces that need no look after their insert: new ones, in order, where nobody else stores."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.clickhouse import writers
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.writers import Writer
from otel_sessions.component import ComponentId, Host
from otel_sessions.exporters.clickhouse.attributor import Attributor
from otel_sessions.exporters.clickhouse.config import AttributionConfig
from otel_sessions.extensions.clickhouse_http import Config, factory
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import attribution
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.oracle import OracleSpan, assign, figures
from otel_sessions.testing.otlp import Span, request, span
from tests.examples import examples
from tests.exporters.test_attributor import WAIT_S, wait_for_a_round
from tests.integration.delivery import body, insert, new_project, span_sets
from tests.integration.running import free_port, wait_until
from tests.integration.test_attribution import read_figures, read_members

Start = Callable[[], Attributor]


@pytest.fixture(autouse=True)
def _nobody_else_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other tests have left running: each test here has traces of its own."""
    monkeypatch.setattr(writers, "_writers", {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The traces that ClickHouse was asked about after inserts."""
    asked: list[str] = []
    find = attribution.find

    def finding(client: Client, traces: list[attribution.TraceKey]) -> list[attribution.Doubt]:
        asked.extend(trace for _, trace in traces)
        return find(client, traces)

    monkeypatch.setattr(attribution, "find", finding)
    return asked


@pytest.fixture
def start(otel_client: Client, chdb_endpoint: Endpoint) -> Iterator[Start]:
    running: list[Attributor] = []

    def start() -> Attributor:
        host = Host(Metrics())
        running.append(Attributor("clickhouse", chdb_endpoint, AttributionConfig(interval=0.01), host, receiver="one"))
        running[-1].start()
        wait_for_a_round(host)
        wait_until(lambda: host.running, WAIT_S, lambda running: not any(name.endswith("learning") for name in running))
        return running[-1]

    yield start
    for each in running:
        each.shutdown(WAIT_S)


@pytest.fixture
def project() -> str:
    return new_project()


def batch_of(project: str, *spans: Span) -> SpanBatch:
    """As a processor makes it that remembers nothing."""
    decoded = decode([request(*spans).SerializeToString()], [project]).batch
    return SessionProcessor(SessionConfig()).process(decoded)


def store(attributor: Attributor, client: Client, project: str, *spans: Span) -> str:
    """As the exporter does; returns the id of the first trace."""
    batch = batch_of(project, *spans)
    expected = attributor.expect([batch])
    insert(client, batch)
    attributor.note_stored(expected)
    return str(batch["TraceId"][0])


def spans_of(client: Client, project: str) -> int:
    rows = client.query("SELECT sum(SpanCount) FROM sessions WHERE Project = {p:String}", {"p": project}).result_rows
    return int(rows[0][0])


def test_a_new_trace_in_order_is_not_asked_for(
    start: Start, otel_client: Client, asked: list[str], project: str
) -> None:
    attributor = start()
    root = span("root", attributes={"session.id": "whole"})
    whole = store(attributor, otel_client, project, root, span("child", parent=root))
    twice = span("twice", attributes={"session.id": "whole"})
    doubled = store(attributor, otel_client, project, twice, twice)
    attributor.shutdown(WAIT_S)
    assert (whole in asked, doubled in asked) == (False, True)
    assert spans_of(otel_client, project) == 3


def test_what_comes_to_a_trace_later_is_asked_for(
    start: Start, otel_client: Client, asked: list[str], project: str
) -> None:
    attributor = start()
    root = span("root", attributes={"session.id": "late"})
    trace = store(attributor, otel_client, project, span("child", parent=root))
    store(attributor, otel_client, project, root)
    attributor.shutdown(WAIT_S)
    assert (asked.count(trace), spans_of(otel_client, project)) == (1, 2)


def test_what_comes_to_a_trace_after_a_restart_is_asked_for(
    start: Start, otel_client: Client, asked: list[str], project: str
) -> None:
    first = start()
    root = span("root", attributes={"session.id": "late"})
    trace = store(first, otel_client, project, span("child", parent=root))
    first.shutdown(WAIT_S)
    attribution.record_all(otel_client, "one", attribution.server_time(otel_client) + 3600)  # nothing was left behind
    second = start()
    store(second, otel_client, project, root)
    second.shutdown(WAIT_S)
    assert (asked.count(trace), spans_of(otel_client, project)) == (1, 2)


def test_before_all_that_is_stored_is_known_every_trace_is_asked_for(
    otel_client: Client, chdb_endpoint: Endpoint, asked: list[str], project: str
) -> None:
    config, host = AttributionConfig(interval=0.01), Host(Metrics())
    attributor = Attributor("clickhouse", chdb_endpoint, config, host, receiver="one")
    trace = store(attributor, otel_client, project, span(attributes={"session.id": "early"}))
    attributor.start()
    attributor.shutdown(WAIT_S)
    assert trace in asked


def test_where_another_stores_too_every_trace_is_asked_for(
    start: Start, otel_client: Client, chdb_endpoint: Endpoint, asked: list[str], project: str
) -> None:
    attributor = start()
    batch = batch_of(project, span(attributes={"session.id": "ours"}))
    expected = attributor.expect([batch])
    other = start()  # while the insert is under way
    insert(otel_client, batch)
    attributor.note_stored(expected)
    theirs = store(other, otel_client, project, span(attributes={"session.id": "theirs"}))
    other.shutdown(WAIT_S)
    after = store(attributor, otel_client, project, span(attributes={"session.id": "after"}))
    attributor.shutdown(WAIT_S)
    assert {str(batch["TraceId"][0]), theirs, after} <= {*asked}


@settings(
    max_examples=examples(3),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(spans=span_sets(), seed=st.integers(0, 2**32))
def test_any_delivery_to_one_that_stores_alone_gives_the_sessions_of_the_rule(
    start: Start, otel_client: Client, spans: list[OracleSpan], seed: int
) -> None:
    rnd = random.Random(seed)
    line = [*spans, *(each for each in spans if rnd.random() < 0.2)]
    if rnd.random() < 0.5:  # else traces come whole, but for what comes again
        rnd.shuffle(line)
    attributor, processor = start(), SessionProcessor(SessionConfig())
    while line:
        size = rnd.randint(1, max(8, len(line) // 2))
        parcel, line = line[:size], line[size:]
        batch = processor.process(decode([body(parcel)], [spans[0].project]).batch)
        expected = attributor.expect([batch])
        insert(otel_client, batch)
        attributor.note_stored(expected)
        if rnd.random() < 0.2:
            attributor.shutdown(WAIT_S)
            attributor, processor = start(), SessionProcessor(SessionConfig())
    attributor.shutdown(WAIT_S)
    assert read_figures(otel_client, spans[0].project) == figures(spans)
    assert read_members(otel_client, spans[0].project) == {
        identity: session for identity, session in assign(spans).items() if session is not None
    }


@pytest.mark.parametrize("read_only", [True, False])
def test_an_endpoint_open_for_writing_stores_too(chdb_endpoint: Endpoint, read_only: bool) -> None:
    host = Host(Metrics(), clickhouse=chdb_endpoint)
    assert chdb_endpoint.path is not None
    writer = Writer(chdb_endpoint.path)
    config = Config.model_validate({"endpoint": f"127.0.0.1:{free_port()}", "read_only": read_only})
    extension = factory.create(ComponentId("clickhouse_http"), config, host)
    extension.start()
    extension.shutdown(WAIT_S)
    assert writer.alone == read_only
    writer.leave()
    assert Writer(chdb_endpoint.path).alone


def test_of_a_server_every_trace_is_asked_for(project: str) -> None:
    endpoint = Endpoint.parse("http://127.0.0.1:1/otel")
    attributor = Attributor("clickhouse", endpoint, AttributionConfig(), Host(Metrics()), receiver="one")
    expected = attributor.expect([batch_of(project, span(attributes={"session.id": "s"}))])
    assert not expected.is_settled.any()
