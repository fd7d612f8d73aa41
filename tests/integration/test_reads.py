"""What one session costs to read among many: a short read by the sort key, however large the tables are."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.sessions import migrations

SPANS = 200_000
SPANS_A_TRACE = 10
TRACES_A_SESSION = 4
SESSION = "session 2500"
TRACE = f"{2500 * TRACES_A_SESSION + 1:032x}"
BOUND = 20_000
"""Rows that a read of 40 spans may touch: some granules of 1,024 and 2,048 rows in each part of a few tables."""

FILL = """
INSERT INTO otel_traces
    (Project, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, ServiceName, SpanAttributes, Duration, StatusCode,
    IsRoot, ClaimLevel, ClaimId, ClaimKey, SessionHint)
WITH
    intDiv(number, {spans:UInt64}) AS trace,
    number % {spans:UInt64} = 0 AS root,
    concat('session ', toString(intDiv(trace, {traces:UInt64}))) AS session,
    1700000000000000000 + trace * 1000000000 AS start
SELECT
    'default', fromUnixTimestamp64Nano(toInt64(start)), leftPad(lower(hex(trace)), 32, '0'),
    leftPad(lower(hex(number + 1)), 16, '0'), if(root, '', 'ffffffffffffffff'), 'step', 'shop',
    map('session.id', session, 'filler', hex(cityHash64(number))), 1000, 'Ok',
    root, if(root, 1, 9), if(root, session, ''), if(root, 'session.id', ''),
    session
FROM numbers({first:UInt64}, {count:UInt64})
"""


@pytest.fixture(scope="module")
def full(chdb_endpoint: Endpoint) -> Iterator[Client]:
    """A database of its own with `SPANS` spans, which came in ten inserts."""
    client = connect(chdb_endpoint)
    migrations.apply(client, "reads")
    for first in range(0, SPANS, SPANS // 10):
        values = {"spans": SPANS_A_TRACE, "traces": TRACES_A_SESSION, "first": first, "count": SPANS // 10}
        client.command(FILL, values)
    yield client
    client.command("DROP DATABASE reads", use_database=False)
    client.close()


def read(client: Client, query: str) -> tuple[int, int]:
    """How many rows a query gives, and how many it reads for them."""
    answer = json.loads(client.raw_query(query, {"id": SESSION, "trace": TRACE}, fmt="JSON"))
    return answer["rows"], answer["statistics"]["rows_read"]


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("session_spans", TRACES_A_SESSION * SPANS_A_TRACE),
        ("session_traces", TRACES_A_SESSION),
        ("session_timeline", 1),
        ("sessions", 1),
    ],
)
@pytest.mark.parametrize("condition", ["SessionId = {id:String}", "Project = 'default' AND SessionId = {id:String}"])
def test_one_session_is_a_short_read(full: Client, view: str, rows: int, condition: str) -> None:
    found, touched = read(full, f"SELECT * FROM {view} WHERE {condition}")
    assert found == rows
    assert touched < BOUND


def test_the_spans_of_one_trace_are_a_short_read(full: Client) -> None:
    found, touched = read(full, "SELECT * FROM otel_traces WHERE TraceId = {trace:String}")
    assert found == SPANS_A_TRACE
    assert touched < BOUND


def test_the_times_of_one_trace_are_a_short_read(full: Client) -> None:
    found, touched = read(full, "SELECT * FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}")
    assert found == 1
    assert touched < BOUND
