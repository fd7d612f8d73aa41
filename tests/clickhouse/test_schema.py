"""What is declared, what is stored, and what other tools expect are the same columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import schema
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.rows import STORED
from otel_sessions.errors import SchemaError
from otel_sessions.pdata import SCHEMA
from otel_sessions.sessions import migrations

MADE_BY_CLICKHOUSE = {"ReceivedAt": "DateTime('UTC')"}
EXPRESSED = {"StartTimeUnixNano", "EndTimeUnixNano", "Input", "Output"}

# exporter/clickhouseexporter/internal/sqltemplates/traces_table.sql of opentelemetry-collector-contrib
ATTRIBUTES = "Map(LowCardinality(String), String)"
COLLECTOR = {
    "Timestamp": "DateTime64(9)",
    "TraceId": "String",
    "SpanId": "String",
    "ParentSpanId": "String",
    "TraceState": "String",
    "SpanName": "LowCardinality(String)",
    "SpanKind": "LowCardinality(String)",
    "ServiceName": "LowCardinality(String)",
    "ResourceAttributes": ATTRIBUTES,
    "ScopeName": "String",
    "ScopeVersion": "String",
    "SpanAttributes": ATTRIBUTES,
    "Duration": "UInt64",
    "StatusCode": "LowCardinality(String)",
    "StatusMessage": "String",
    "Events.Timestamp": "Array(DateTime64(9))",
    "Events.Name": "Array(LowCardinality(String))",
    "Events.Attributes": f"Array({ATTRIBUTES})",
    "Links.TraceId": "Array(String)",
    "Links.SpanId": "Array(String)",
    "Links.TraceState": "Array(String)",
    "Links.Attributes": f"Array({ATTRIBUTES})",
}
_databases = itertools.count()


@pytest.fixture
def client(chdb_endpoint: Endpoint) -> Iterator[Client]:
    """Of a database whose tables a test may spoil."""
    client = connect(chdb_endpoint)
    database = f"columns_{next(_databases)}"
    migrations.apply(client, database)
    yield client
    client.command(f"DROP DATABASE {database}", use_database=False)
    client.close()


def test_the_table_has_the_columns_that_are_declared_and_no_others(otel_client: Client) -> None:
    assert set(schema.actual(otel_client)) == set(STORED.names) | set(MADE_BY_CLICKHOUSE) | EXPRESSED
    schema.check(otel_client)


def test_the_columns_that_clickhouse_fills_are_known(otel_client: Client) -> None:
    actual = schema.actual(otel_client)
    assert {name: actual[name] for name in MADE_BY_CLICKHOUSE} == MADE_BY_CLICKHOUSE


def test_every_column_of_the_collectors_exporter_has_its_name_and_type(otel_client: Client) -> None:
    actual = schema.actual(otel_client)
    assert {name: actual.get(name) for name in COLLECTOR} == COLLECTOR


def test_the_spans_of_a_session_have_the_columns_of_the_table(otel_client: Client) -> None:
    table, view = schema.actual(otel_client), schema.actual(otel_client, "session_spans")
    assert {name: view.get(name) for name in COLLECTOR} == COLLECTOR
    # Which session it was when the span arrived is of no interest beside the one it belongs to.
    hints = {"SessionHint", *MADE_BY_CLICKHOUSE, *(set(STORED.names) - set(SCHEMA.names))}
    assert set(view) == {"SessionId", "SessionSource"} | (set(table) - hints)
    assert {name: view[name] for name in table.keys() - hints} == {name: table[name] for name in table.keys() - hints}


def test_corrected_spans_have_the_columns_of_the_table(otel_client: Client) -> None:
    assert schema.actual(otel_client, "_corrected_spans") == {**schema.actual(otel_client), "Version": "UInt256"}


TOKENS = "InputTokens OutputTokens CachedInputTokens CacheCreationInputTokens ReasoningTokens TotalTokens Cost"
PROMISED = {
    "otel_traces_trace_id_ts": "TraceId Start End",
    "sessions": "Project SessionId StartTime EndTime Duration TraceCount SpanCount ErrorCount UserIds ServiceNames "
    f"Environments Models Tags {TOKENS} ModelCalls UnpricedCalls ToolCalls Input Output LastError LongestGap Metadata",
    "session_traces": "Project SessionId TraceId Name StartTime EndTime Duration UserId Environment Tags SpanCount "
    f"ErrorCount LastError Input Output Models {TOKENS} ModelCalls UnpricedCalls ToolCalls Metadata",
    "session_users": f"Project UserId FirstSeen LastSeen SessionCount TraceCount ErrorCount {TOKENS}",
    "session_timeline": "Project SessionId Minute TraceCount SpanCount ErrorCount InputTokens OutputTokens TotalTokens "
    "Cost",
    "session_parts": "Project SessionId Part FirstTraceId StartTime EndTime Duration Gap TraceCount SpanCount "
    f"ErrorCount {TOKENS} ModelCalls UnpricedCalls ToolCalls Input Output LastError",
}
ADDED = ("session_bookmarks", "session_shares", "session_comments", "session_sampling")
TYPES = {"Metadata": "Map(String, String)", "Cost": "Float64", "Duration": "UInt64", "LongestGap": "UInt64"}


@pytest.mark.parametrize("view", PROMISED)
def test_a_view_has_the_columns_that_are_promised(otel_client: Client, view: str) -> None:
    actual = schema.actual(otel_client, view)
    assert list(actual) == PROMISED[view].split()
    for name, type_ in actual.items():
        if name.endswith(("Time", "Seen")) or name == "Minute":
            assert type_ == "DateTime64(9, 'UTC')"
        assert type_ == TYPES.get(name, type_)


@pytest.mark.parametrize("name", ["otel_traces", "session_spans", "session_scores", *PROMISED, *ADDED])
def test_every_table_and_column_for_users_says_what_it_is(otel_client: Client, name: str) -> None:
    of = "database = currentDatabase() AND {column:Identifier} = {name:String} AND comment = ''"
    for table, column in (("tables", "name"), ("columns", "table")):
        query = f"SELECT name FROM system.{table} WHERE {of}"
        assert otel_client.query(query, {"name": name, "column": column}).result_rows == []


def test_what_is_not_for_users_begins_with_an_underscore(otel_client: Client) -> None:
    rows = otel_client.query("SHOW TABLES").result_rows
    public = {name for (name,) in rows if not name.startswith(("_", "broken_off"))}
    assert public == {"otel_traces", "session_spans", "session_scores", *PROMISED, *ADDED}


def test_missing_and_mistyped_columns_are_named_together(client: Client) -> None:
    client.command("DROP VIEW _session_turns_mv")
    client.command("ALTER TABLE otel_traces DROP COLUMN Tags")
    client.command("ALTER TABLE otel_traces MODIFY COLUMN InputTokens UInt32")
    with pytest.raises(SchemaError) as raised:
        schema.check(client)
    assert "Tags is missing, not Array(String)" in str(raised.value)
    assert "InputTokens is UInt32, not UInt64" in str(raised.value)
    assert "OutputTokens" not in str(raised.value)


def test_a_database_without_the_table_is_told_what_to_run(client: Client) -> None:
    client.command("RENAME TABLE otel_traces TO elsewhere")
    with pytest.raises(SchemaError, match="otel-sessions migrate"):
        schema.check(client)
