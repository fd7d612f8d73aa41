"""The exporter `clickhouse`: what it stores, what it tries again, what it refuses, and what its health says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import ValidationError

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.errors import Permanent, Retryable, SchemaError
from otel_sessions.exporters.clickhouse import exporter as exporter_module
from otel_sessions.exporters.clickhouse import factory
from otel_sessions.exporters.clickhouse.attributor import Attributor
from otel_sessions.exporters.clickhouse.config import ClickHouseConfig
from otel_sessions.exporters.clickhouse.exporter import ClickHouseExporter
from otel_sessions.extensions.clickhouse_http import Config as HttpConfig
from otel_sessions.extensions.clickhouse_http import factory as clickhouse_http_factory
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import deletion
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import Span, request, span
from tests.integration.delivery import new_project
from tests.integration.running import free_port, wait_until

pytestmark = pytest.mark.remote_too
BRIEF = {"initial_interval": "10ms", "max_interval": "20ms", "max_elapsed_time": "200ms"}


Build = Callable[..., tuple[ClickHouseExporter, Host]]


@pytest.fixture
def build(otel_client: Client) -> Iterator[Build]:
    """A started exporter and its host; it is stopped at the end of the test."""
    running: list[ClickHouseExporter] = []

    def build(endpoint: str, *, start: bool = True, **settings: object) -> tuple[ClickHouseExporter, Host]:
        host = Host(Metrics(), endpoint)
        config = ClickHouseConfig.model_validate({"endpoint": endpoint, "retry_on_failure": BRIEF, **settings})
        exporter = factory.create(ComponentId("clickhouse"), config, host)
        running.append(exporter)
        if start:
            exporter.start()
        return exporter, host

    yield build
    for each in running:
        each.shutdown(10.0)


@pytest.fixture
def clickhouse(otel_client: Client, clickhouse_endpoint: Endpoint) -> str:
    return str(clickhouse_endpoint)


@pytest.fixture
def clickhouse_http(chdb_endpoint: Endpoint) -> Iterator[str]:
    """The same data behind HTTP."""
    config = HttpConfig.model_validate({"endpoint": "127.0.0.1:0", "read_only": False})
    extension = clickhouse_http_factory.create(ComponentId("clickhouse_http"), config, Host(Metrics(), chdb_endpoint))
    extension.start()
    yield f"http://{extension.endpoints['clickhouse_http']}/otel"
    extension.shutdown(5.0)


@pytest.fixture
def nobody() -> str:
    """An endpoint that refuses connections."""
    return f"http://127.0.0.1:{free_port()}/otel"


def batch(project: str, *spans: Span) -> SpanBatch:
    decoded = decode([request(*spans).SerializeToString()], [project])
    return SessionProcessor(SessionConfig()).process(decoded.batch)


def stored(client: Client, project: str) -> int:
    rows = client.query("SELECT count() FROM otel_traces WHERE Project = {p:String}", {"p": project}).result_rows
    return int(rows[0][0])


def test_batches_that_wait_are_one_insert(build: Build, clickhouse: str, otel_client: Client) -> None:
    exporter, host = build(clickhouse)
    project = new_project()
    exporter.export([batch(project, span(), span()), batch(project, span())], token_hex())
    query = "SELECT count(), uniqExact(_part) FROM otel_traces WHERE Project = {p:String}"
    assert otel_client.query(query, {"p": project}).result_rows == [(3, 1)]
    assert not any(host.health().values())


def test_storing_a_batch_again_changes_no_session(build: Build, clickhouse: str, otel_client: Client) -> None:
    exporter, _ = build(clickhouse)
    project = new_project()
    spans = batch(project, span(attributes={"session.id": "twice"}))
    exporter.export([spans], token_hex())
    exporter.export([spans, spans], token_hex())
    query = "SELECT SpanCount FROM sessions WHERE Project = {p:String}"
    wait_until(lambda: otel_client.query(query, {"p": project}).result_rows, wanted=[(1,)].__eq__)


def test_what_a_late_claim_moves_is_moved_before_stop_ends(build: Build, clickhouse: str, otel_client: Client) -> None:
    exporter, _ = build(clickhouse, attribution={"interval": "5s"})
    project = new_project()
    root = span("root", attributes={"session.id": "late"})
    exporter.export([batch(project, span(parent=root))], token_hex())
    exporter.export([batch(project, root)], token_hex())
    exporter.shutdown(30.0)
    query = "SELECT SessionId, SpanCount FROM sessions WHERE Project = {p:String}"
    assert otel_client.query(query, {"p": project}).result_rows == [("late", 2)]


def test_a_server_that_is_away_does_not_stop_the_start(build: Build, nobody: str) -> None:
    _, host = build(nobody)
    problem = host.health()["clickhouse"]
    assert problem is not None
    assert nobody in problem


def test_it_is_on_record_before_it_stores(
    build: Build, clickhouse: str, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Attributor, "start", lambda self: None)
    monkeypatch.setattr(exporter_module, "_receiver", lambda config: "one that dies in its first round")
    build(clickhouse)
    query = "SELECT count() FROM _attribution_progress FINAL WHERE Receiver = 'one that dies in its first round'"
    assert otel_client.query(query).result_rows == [(1,)]


def test_an_export_is_one_attempt(build: Build, nobody: str) -> None:
    exporter, host = build(nobody)
    with pytest.raises(Retryable, match="connecting to"):
        exporter.export([batch("p", span())], "t")
    assert nobody in str(host.health()["clickhouse"])


def test_rows_that_clickhouse_will_never_take_are_permanent_and_the_next_are_stored(
    build: Build, clickhouse: str, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, host = build(clickhouse)
    project = new_project()
    with monkeypatch.context() as patch:
        patch.setattr("otel_sessions.clickhouse.rows.arrow_stream", lambda *_: memoryview(b"not Arrow"))
        with pytest.raises(Permanent) as raised:
            exporter.export([batch(project, span())], token_hex())
    assert not isinstance(raised.value, SchemaError)
    exporter.export([batch(project, span())], token_hex())
    assert stored(otel_client, project) == 1
    assert host.health()["clickhouse"] is None


def test_rows_that_are_refused_do_not_have_the_schema_checked_again(
    build: Build, clickhouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, _ = build(clickhouse)
    checks: list[Client] = []
    monkeypatch.setattr("otel_sessions.clickhouse.schema.check", checks.append)
    monkeypatch.setattr("otel_sessions.clickhouse.rows.arrow_stream", lambda *_: memoryview(b"not Arrow"))
    for _ in range(5):  # as a halving does
        with pytest.raises(Permanent):
            exporter.export([batch("p", span())], token_hex())
    assert checks == []


def test_a_server_that_refuses_rows_is_not_connected_to_anew(
    build: Build, clickhouse_http: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, _ = build(clickhouse_http)
    connections: list[Client] = []
    connect_as_ever = exporter._connect
    monkeypatch.setattr(exporter, "_connect", lambda: connections.append(connect_as_ever()) or connections[-1])
    monkeypatch.setattr("otel_sessions.clickhouse.rows.arrow_stream", lambda *_: memoryview(b"not Arrow"))
    for _ in range(5):
        with pytest.raises(Permanent):
            exporter.export([batch("p", span())], token_hex())
    assert connections == []


def test_what_arrives_for_a_deleted_session_is_dropped_and_counted(
    build: Build, clickhouse: str, otel_client: Client
) -> None:
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    exporter, host = build(clickhouse)
    exporter.export([batch(project, root)], token_hex())
    deletion.delete(otel_client, [(project, "gone")])
    late = batch(project, span(attributes={"session.id": "gone"}), span("child", parent=root), span("other"))

    def export() -> int:
        before = stored(otel_client, project)
        exporter.export([late], token_hex())
        return stored(otel_client, project) - before

    # Of the three one has nothing to do with it. An exporter learns of a deletion by another process a moment later.
    wait_until(export, wanted=lambda added: added == 1)
    name = "otel_sessions_forgotten_spans_total"
    assert (host.metrics.registry.get_sample_value(name, {"exporter": "clickhouse"}) or 0) >= 2


def test_what_an_insert_stored_of_a_session_that_was_deleted_meanwhile_goes_soon_after(
    build: Build, clickhouse: str, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project()
    exporter, _ = build(clickhouse)
    exporter.export([batch(project, span(attributes={"session.id": "gone"}))], token_hex())
    monkeypatch.setattr(exporter._forgotten, "look", lambda _: None)  # the insert under way does not know yet
    deletion.delete(otel_client, [(project, "gone")])
    late = batch(project, span(attributes={"session.id": "gone"}), span(attributes={"session.id": "stays"}))
    exporter.export([late], token_hex())
    assert stored(otel_client, project) == 2
    wait_until(lambda: stored(otel_client, project), wanted=lambda spans: spans == 1)


def test_health_recovers_by_itself_after_a_failure(
    build: Build, clickhouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, host = build(clickhouse)
    with monkeypatch.context() as patch:
        patch.setattr("otel_sessions.clickhouse.rows.arrow_stream", lambda *_: memoryview(b"not Arrow"))
        with pytest.raises(Permanent):
            exporter.export([batch("p", span())], token_hex())
    wait_until(lambda: host.health()["clickhouse"], wanted=lambda problem: problem is None)


def test_tables_of_another_version_stop_the_start(
    build: Build, clickhouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Client) -> None:
        raise SchemaError("table otel_traces is not the one of this version")

    monkeypatch.setattr("otel_sessions.clickhouse.schema.check", refuse)
    with pytest.raises(SchemaError):
        build(clickhouse)


def test_tables_that_vanish_while_it_runs_are_waited_for(
    build: Build, clickhouse: str, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, _ = build(clickhouse, create_schema=False)
    project = new_project()
    with monkeypatch.context() as patch:
        patch.setattr("otel_sessions.clickhouse.rows.TABLE", "no_such_table")
        with pytest.raises(SchemaError, match="otel-sessions migrate"):
            exporter.export([batch(project, span())], token_hex())
    exporter.export([batch(project, span())], token_hex())
    assert stored(otel_client, project) == 1


def test_stopping_twice_or_before_the_start_does_nothing(build: Build, clickhouse: str) -> None:
    exporter, _ = build(clickhouse, start=False)
    exporter.shutdown(1.0)
    started, _ = build(clickhouse)
    started.shutdown(10.0)
    started.shutdown(1.0)


def test_an_attempt_that_is_repeated_stores_its_spans_once(build: Build, clickhouse: str, otel_client: Client) -> None:
    exporter, _ = build(clickhouse)
    project = new_project()
    spans = batch(project, span(), span())
    for _ in range(2):
        exporter.export([spans], "segment 1")
    assert stored(otel_client, project) == 2
    exporter.export([spans], "segment 2")
    assert stored(otel_client, project) == 4


@pytest.mark.parametrize("compress", ["none", "lz4", "zstd"])
def test_however_it_travels_it_is_stored(build: Build, clickhouse: str, otel_client: Client, compress: str) -> None:
    exporter, _ = build(clickhouse, compress=compress)
    project = new_project()
    exporter.export([batch(project, *(span(attributes={"note": "much the same " * 9}) for _ in range(50)))], "t")
    assert stored(otel_client, project) == 50


def test_user_and_password_are_shown_nowhere_and_before_those_of_the_endpoint() -> None:
    config = ClickHouseConfig.model_validate(
        {"endpoint": "https://reader:s3cret@ch/db", "username": "writer", "password": "hunter2"}
    )
    endpoint = config.connection()
    assert (endpoint.user, endpoint.password) == ("writer", "hunter2")
    assert "hunter2" not in f"{config!r} {endpoint!r}"


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": "ftp://ch"},
        {"table": "x"},
        {"attribution": {"interval": "6s"}},
        {"username": "u"},
        {"timeout": "10ms"},
        {"compress": "br"},
        {"endpoint": "http://ch", "tls": {"insecure_skip_verify": True}},
        {"endpoint": "https://ch", "tls": {"ca_file": "/no/such/file"}},
        {"endpoint": "https://ch", "tls": {"cert_file": __file__}},
    ],
)
def test_what_it_does_not_know_is_a_fault(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ClickHouseConfig.model_validate(settings)


@pytest.mark.remote_too
def test_the_bytes_of_the_stored_data_are_told_without_asking_for_them(build: Build, clickhouse: str) -> None:
    exporter, host = build(clickhouse)

    def told() -> float | None:
        return host.metrics.registry.get_sample_value("otel_sessions_stored_bytes", {"exporter": "clickhouse"})

    wait_until(lambda: (told() or 0) > 0)
    before = told()
    exporter.shutdown(5)
    assert told() == before
