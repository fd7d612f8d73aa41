"""SQL and the evaluator choose the same sessions; HYPOTHESIS_LANGUAGE_EXAMPLES=3500 tries 100,000 expressions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.queries.language import condition, parse
from tests.queries.language.evaluator import holds
from tests.queries.language.generated import NOW, expressions, sessions
from tests.queries.language.records import DATABASE, SessionRecord, create, store

EXAMPLES = int(os.environ.get("HYPOTHESIS_LANGUAGE_EXAMPLES", "15"))


@pytest.fixture(scope="module")
def client(chdb_endpoint: Endpoint) -> Iterator[Client]:
    opened = connect(chdb_endpoint)
    create(opened)
    opened.database = DATABASE
    yield opened
    opened.close()


def chosen(client: Client, written: list[str]) -> list[set[str]]:
    """The ids of the sessions that each expression chooses, in one statement."""
    conditions = [condition(parse(each), now_ns=NOW) for each in written]
    columns, parameters = [], {"project": "p"}
    for number, each in enumerate(conditions):
        columns.append(each.sql.replace("{q", f"{{c{number}q"))
        parameters |= {f"c{number}{name}" if name[0] == "q" else name: value for name, value in each.parameters.items()}
    sql = f"SELECT SessionId, [{', '.join(f'toUInt8({column})' for column in columns)}] AS Found FROM sessions"
    rows = [json.loads(line) for line in client.raw_query(sql, parameters, fmt="JSONEachRow").splitlines()]
    return [{row["SessionId"] for row in rows if row["Found"][number]} for number in range(len(written))]


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(sessions(), st.lists(expressions, min_size=20, max_size=40))
def test_sql_chooses_the_sessions_that_the_evaluator_chooses(
    client: Client, records: list[SessionRecord], written: list[str]
) -> None:
    store(client, "p", records)
    for expression, found in zip(written, chosen(client, written), strict=True):
        expected = {record.id for record in records if holds(parse(expression), record, NOW)}
        assert found == expected, expression
