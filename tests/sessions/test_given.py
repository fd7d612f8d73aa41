"""Statements are about the traces that they are given, whoever was asked about before."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.sessions.attribution.given import about, over

PAIRS = "SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair) ORDER BY ALL"
PLACES = """
SELECT given.1, given.2, given.3, given.4, given.5
FROM (SELECT arrayJoin({known:Array(Tuple(String, String, Array(String), UInt8, UInt64))}) AS given)
ORDER BY ALL"""


@pytest.mark.remote_too
def test_a_statement_is_about_the_traces_given_last(otel_client: Client) -> None:
    odd = [("p", "a'\\\n\t"), ("p q", "\x00é{x:String}")]
    for pairs in (odd, odd[:1], [], odd, [*odd, *(("p", f"{n:032x}") for n in range(5_000))]):
        sql, parameters = about(otel_client, PAIRS, pairs)
        assert otel_client.query(sql, parameters).result_rows == sorted(pairs)
        rows = [(project, trace, ("", "'s'"), 1, 2**40) for project, trace in pairs]
        sql, parameters = over(otel_client, PLACES, rows)
        found = otel_client.query(sql, parameters).result_rows
        assert [(project, trace, tuple(some), *counted) for project, trace, some, *counted in found] == sorted(rows)


@pytest.mark.remote_too
def test_what_was_counted_of_a_trace_of_many_sessions_stands_beside_the_first(otel_client: Client) -> None:
    sql, parameters = over(otel_client, PLACES, [("p", "t", [*"abcde"], 2, 7), ("p", "u", ["s"], 9, 1)])
    found = otel_client.query(sql, parameters).result_rows
    assert sum(len(row[2]) for row in found) == 6
    assert [row[2:] for row in found if row[3]] == [(["a", "b"], 2, 7), (["s"], 9, 1)]
    assert all(row[4] == 0 for row in found if not row[3])


def test_the_embedded_engine_is_not_told_the_same_traces_twice(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, insert = list[str](), otel_client.raw_insert
    monkeypatch.setattr(otel_client, "raw_insert", lambda *args, **more: told.append(args[0]) or insert(*args, **more))
    statements = {about(otel_client, PAIRS, [("p", f"{n:032x}") for n in range(many)])[0] for many in (1, 2, 2, 900)}
    assert (len(statements), len(told)) == (1, 3)
