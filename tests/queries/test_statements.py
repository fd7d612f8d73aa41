"""Statements that others write: what they may read, how much of it, and of whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import readers
from otel_sessions.clickhouse.client import DEFAULT_DATABASE, Endpoint, connect
from otel_sessions.clickhouse.places import LARGEST
from otel_sessions.component import ComponentId, Host
from otel_sessions.extensions import clickhouse_http
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.queries.limits import LimitExceeded, Limits, limited
from otel_sessions.queries.statements import MAX_ROWS, TABLES, StatementError, describe_tables, run_statement
from otel_sessions.telemetry import Metrics
from otel_sessions.testing import otlp
from otel_sessions.types import HostPort
from tests.integration.delivery import insert, new_project

OTHER = "it's \\ another"
"""A project with a session; its name is one to quote."""


@pytest.fixture(scope="module")
def elsewhere(otel_client: Client) -> Client:
    """The database, with rows of the project `OTHER` in all tables that the tests read."""
    span = otlp.span("turn", attributes={"session.id": "theirs", "user.id": "ada"})
    request = otlp.request(otlp.resource_spans(span, resource={}))
    decoded = decode([request.SerializeToString()], [OTHER])
    insert(otel_client, SessionProcessor(SessionConfig()).process(decoded.batch))
    return otel_client


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE otel_traces",
        "INSERT INTO otel_traces SELECT * FROM otel_traces",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * FROM url('http://127.0.0.1')",
        "SELECT * FROM system.query_log",
        "SELECT * FROM system.processes",
        "SHOW PROCESSLIST",
        "SHOW TABLES",
        "SELECT * FROM _saved_views",
        "SELECT * FROM otel._saved_views",
        "SELECT * FROM `_saved_views` AS sessions",
        "SELECT 1 WHERE 1 IN _saved_views",
        "WITH x AS (SELECT * FROM _saved_views) SELECT * FROM x",
        "SELECT * FROM sessions JOIN _saved_views ON 1",
        "SELECT * FROM view(SELECT * FROM _saved_views)",
        "SELECT * FROM merge('otel', '.*')",
        "SELECT count() FROM sessions SETTINGS additional_table_filters = {}",
        "SELECT (SELECT count() FROM sessions SETTINGS additional_table_filters = {'otel.sessions': '1'})",
        "SELECT 1 FORMAT CSV",
        "SELECT 1; SELECT 2",
        "EXPLAIN SELECT 1",
        "DESCRIBE (SELECT 1)",
        "not SQL",
        "",
    ],
)
def test_a_statement_that_does_more_than_read_the_public_tables_is_refused(elsewhere: Client, sql: str) -> None:
    with pytest.raises(StatementError):
        run_statement(elsewhere, project=OTHER, sql=sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM {}",
        "SELECT count() FROM otel.{}",
        "SELECT countIf(1) FROM (SELECT * FROM {})",
        "WITH all AS (SELECT * FROM {}) SELECT count() FROM all",
        "SELECT count() FROM {} AS a CROSS JOIN {} AS b",
        "SELECT count() FROM {} WHERE Project != ''",
        "SELECT count() FROM {} PREWHERE Project != ''",
        "SELECT sum(n) FROM (SELECT 1 AS n FROM {} UNION ALL SELECT 1 AS n FROM otel.{})",
        "SELECT length(groupArray(Project)) FROM {} WHERE Project IN (SELECT Project FROM {})",
        "SELECT (SELECT count() FROM {})",
    ],
)
@pytest.mark.parametrize("table", ["sessions", "session_traces", "session_spans", "session_timeline", "otel_traces"])
def test_no_project_reads_anothers(elsewhere: Client, sql: str, table: str) -> None:
    """Another has rows in all of these tables, this project has none."""
    statement = sql.replace("{}", table)
    if table != "otel_traces":  # a view has no PREWHERE
        statement = statement.replace("PREWHERE", "WHERE")
    assert run_statement(elsewhere, project=nobody(), sql=statement).rows == [[0]]
    assert run_statement(elsewhere, project=OTHER, sql=statement).rows != [[0]]


@pytest.fixture
def over_http(elsewhere: Client, chdb_endpoint: Endpoint) -> Iterator[Client]:
    """The same through the SQL endpoint of a service, which only reads: how `otel-sessions mcp` comes to them."""
    config = clickhouse_http.Config(endpoint=HostPort("127.0.0.1", 0))
    extension = clickhouse_http.factory.create(ComponentId("clickhouse_http"), config, Host(Metrics(), chdb_endpoint))
    extension.start()
    address = HostPort.parse(extension.endpoints["clickhouse_http"])
    with connect(Endpoint("http", host=address.host, port=address.port)) as client:
        client.database = DEFAULT_DATABASE
        yield client
    extension.shutdown(5)


def test_the_sql_endpoint_of_a_service_answers_the_same(over_http: Client, elsewhere: Client) -> None:
    for sql in (
        "SELECT SessionId, TraceCount FROM sessions",
        "SELECT count() FROM session_spans AS a CROSS JOIN otel.sessions AS b",
        "SELECT number FROM numbers(2000) ORDER BY number",
        "DESCRIBE sessions",
    ):
        answers = [run_statement(client, project=OTHER, sql=sql) for client in (over_http, elsewhere)]
        assert answers[0] == answers[1]
    assert run_statement(over_http, project=nobody(), sql="SELECT count() FROM sessions").rows == [[0]]
    with pytest.raises(StatementError):
        run_statement(over_http, project=OTHER, sql="SELECT * FROM _saved_views")


def test_the_rows_of_a_project_are_all_that_it_sees(elsewhere: Client) -> None:
    found = run_statement(elsewhere, project=OTHER, sql="SELECT Project, SessionId FROM sessions")
    assert (found.columns, found.rows) == (
        [("Project", "LowCardinality(String)"), ("SessionId", "String")],
        [[OTHER, "theirs"]],
    )


def test_an_answer_has_a_thousand_rows_at_most_and_says_that_there_are_more(otel_client: Client) -> None:
    found = run_statement(otel_client, project="p", sql="SELECT number FROM numbers(100000000) ORDER BY number")
    assert (len(found.rows), found.rows[-1], found.has_more) == (MAX_ROWS, [MAX_ROWS - 1], True)
    found = run_statement(otel_client, project="p", sql="SELECT number FROM numbers(1000) LIMIT 7")
    assert (len(found.rows), found.has_more) == (7, False)
    grouped = "SELECT sum(n), count() FROM (SELECT number AS n FROM numbers(5000))"
    assert run_statement(otel_client, project="p", sql=grouped).rows == [[12497500, 5000]]


@pytest.mark.parametrize("sql", ["DESCRIBE sessions", "desc table otel.sessions;", "DESCRIBE TABLE `sessions`"])
def test_a_table_is_described_with_names_types_and_comments(otel_client: Client, sql: str) -> None:
    found = run_statement(otel_client, project="p", sql=sql)
    assert [name for name, _ in found.columns] == ["name", "type", "comment"]
    assert ["SessionId", "String"] in [row[:2] for row in found.rows]
    with pytest.raises(StatementError, match="there is no table '_saved_views' to describe"):
        run_statement(otel_client, project="p", sql="DESCRIBE _saved_views")


def test_an_answer_of_many_bytes_is_refused(otel_client: Client) -> None:
    constant = "SELECT repeat('x', 100000) FROM numbers(1000)"
    for sql in (constant, "SELECT repeat('x', 100000 - number) FROM numbers(1000)"):
        with pytest.raises(LimitExceeded, match="bytes: fewer columns"), limited():
            run_statement(otel_client, project="p", sql=sql)


@pytest.mark.parametrize("largest", [LARGEST, None])
def test_a_statement_that_needs_more_memory_than_is_left_is_told_what_to_narrow(
    chdb_endpoint: Endpoint, otel_client: Client, largest: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be told to ask again for ever where a service has less left than a quiet one would have."""
    monkeypatch.setattr(readers, "_RESIDENT", 0)
    reader = Limits(max_memory_usage=largest).connect(replace(chdb_endpoint, database=str(otel_client.database)))
    try:
        with pytest.raises(LimitExceeded, match="the same statement will not fit"), limited():
            run_statement(reader, project="p", sql="SELECT length(groupArray(repeat('x', 1000))) FROM numbers(1000000)")
    finally:
        reader.close()


def test_the_tables_that_may_be_asked_are_described_with_their_columns(otel_client: Client) -> None:
    tables = {table["name"]: table for table in describe_tables(otel_client)}
    assert set(tables) == set(TABLES)
    assert {"name": "SessionId", "type": "String"}.items() <= tables["sessions"]["columns"][1].items()
    for name, table in tables.items():
        shown = [column["name"] for column in table["columns"]]
        asked = ", ".join(f"`{column}`" for column in shown)
        found = run_statement(otel_client, project="p", sql=f"SELECT {asked} FROM {name} LIMIT 0")
        assert [column for column, _ in found.columns] == shown
        every = run_statement(otel_client, project="p", sql=f"SELECT * FROM {name} LIMIT 0")
        assert {column for column, _ in every.columns if not column.startswith("_")} <= set(shown)
        assert "Project" in shown


def nobody() -> str:
    """A project without anything."""
    return new_project()
