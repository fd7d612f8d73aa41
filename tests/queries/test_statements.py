"""Statements that others write: what they may read, how much of it, and of whom."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.queries.limits import LimitExceeded, limited
from otel_sessions.queries.statements import MAX_ROWS, TABLES, StatementError, describe_tables, run_statement
from otel_sessions.testing import otlp
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
    if "PREWHERE" in sql and table != "otel_traces":
        pytest.skip("views have no PREWHERE")
    assert run_statement(elsewhere, project=nobody(), sql=statement).rows == [[0]]
    assert run_statement(elsewhere, project=OTHER, sql=statement).rows != [[0]]


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


def test_an_answer_of_many_bytes_is_refused(otel_client: Client) -> None:
    constant = "SELECT repeat('x', 100000) FROM numbers(1000)"
    with pytest.raises(StatementError, match="bytes"):
        run_statement(otel_client, project="p", sql=constant)
    with pytest.raises(LimitExceeded), limited():
        run_statement(otel_client, project="p", sql="SELECT repeat('x', 100000 - number) FROM numbers(1000)")


def test_the_tables_that_may_be_asked_are_described_with_their_columns(otel_client: Client) -> None:
    tables = {table["name"]: table for table in describe_tables(otel_client)}
    assert set(tables) == set(TABLES)
    assert {"name": "SessionId", "type": "String"}.items() <= tables["sessions"]["columns"][1].items()
    for name, table in tables.items():
        found = run_statement(otel_client, project="p", sql=f"SELECT * FROM {name} LIMIT 0")
        shown = [column["name"] for column in table["columns"]]
        assert [column for column, _ in found.columns if not column.startswith("_")] == shown
        assert "Project" in shown


def nobody() -> str:
    """A project without anything."""
    return new_project()
