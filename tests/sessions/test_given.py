"""Statements are about the traces that they are given, whoever was asked about before."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.sessions.attribution.given import about, over

PAIRS = "SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair) ORDER BY ALL"
PLACES = """
SELECT given.1, given.2, given.3 FROM (SELECT arrayJoin({known:Array(Tuple(String, String, Array(String)))}) AS given)
ORDER BY ALL"""


@pytest.mark.remote_too
def test_a_statement_is_about_the_traces_given_last(otel_client: Client) -> None:
    odd = [("p", "a'\\\n\t"), ("p q", "\x00é{x:String}")]
    for pairs in (odd, odd[:1], [], odd, [*odd, *(("p", f"{n:032x}") for n in range(5_000))]):
        sql, parameters = about(otel_client, PAIRS, pairs)
        assert otel_client.query(sql, parameters).result_rows == sorted(pairs)
        rows = [(project, trace, ("", "'s'")) for project, trace in pairs]
        sql, parameters = over(otel_client, PLACES, rows)
        found = otel_client.query(sql, parameters).result_rows
        assert [(project, trace, tuple(some)) for project, trace, some in found] == sorted(rows)


def test_the_embedded_engine_is_not_told_the_same_traces_twice(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, insert = list[str](), otel_client.raw_insert
    monkeypatch.setattr(otel_client, "raw_insert", lambda *args, **more: told.append(args[0]) or insert(*args, **more))
    statements = {about(otel_client, PAIRS, [("p", f"{n:032x}") for n in range(many)])[0] for many in (1, 2, 2, 900)}
    assert (len(statements), len(told)) == (1, 3)
