"""What corrections say lies among the turns, and is read once it is in force: all of a trace, once, nothing before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.errors import Retryable
from otel_sessions.sessions import attribution
from otel_sessions.testing.oracle import OracleSpan
from tests.integration.delivery import EPOCH, Receiver, new_project
from tests.integration.test_attribution import read_figures

TRACE = f"{1:032x}"


def one(project: str, number: int, claim: str = "") -> OracleSpan:
    start = EPOCH + number * 120 * 10**9
    return OracleSpan(
        project=project,
        trace_id=TRACE,
        span_id=f"{number + 1:016x}",
        is_root=number == 0,
        start=start,
        end=start + 10**9,
        level=1 if claim else 9,
        claim_id=claim,
        input_tokens=7,
    )


@pytest.fixture
def receiver(otel_client: Client) -> Receiver:
    """One that has stored a span twice, which is in doubt."""
    found = Receiver(otel_client, new_project())
    found.take([[one(found.project, 0, "s")]])
    found.take([[one(found.project, 0, "s"), one(found.project, 1)]])
    return found


def correct(receiver: Receiver) -> None:
    receiver.attribute([one(receiver.project, 0)])


def spans(client: Client, project: str) -> list[tuple[str, int]]:
    sql = "SELECT SessionId, SpanCount FROM sessions WHERE Project = {p:String}"
    return list(client.query(sql, {"p": project}).result_rows)


def listed(client: Client, project: str) -> list[str]:
    sql = "SELECT SpanId FROM session_spans WHERE Project = {p:String}"
    return [row[0] for row in client.query(sql, {"p": project}).result_rows]


def told(client: Client, project: str) -> int:
    sql = "SELECT uniqExact(Correction) FROM _session_turns WHERE Project = {p:String} AND Correction != 0"
    return int(client.query(sql, {"p": project}).result_rows[0][0])


class Once(Exception):
    pass


def stopping_before(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A correction ends before the statement `name`, once."""
    text_of, left = attribution.statement, [name]

    def statement(package: str, name: str) -> str:
        if name in left:
            left.remove(name)
            raise Once
        return text_of(package, name)

    monkeypatch.setattr(attribution, "statement", statement)


@pytest.mark.parametrize("name", ["figures", "in_force", "rows_seen"])
def test_a_correction_that_ends_halfway_is_made_anew(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    client, project = receiver.client, receiver.project
    stopping_before(monkeypatch, name)
    with pytest.raises(Once):
        correct(receiver)
    assert spans(client, project) == [("s", 2 if name == "rows_seen" else 3)]
    assert len(listed(client, project)) == spans(client, project)[0][1]
    receiver.recover()
    assert spans(client, project) == [("s", 2)]


def test_figures_that_are_told_twice_do_not_count_twice(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    run, again = attribution._run, [True]

    def twice(client: Client, sql: str, traces: Any, more: Mapping[str, int | str] = {}) -> None:
        run(client, sql, traces, more)
        if "INSERT INTO _session_turns" in sql and again.pop():
            run(client, sql, traces, more)
            again[:] = [False, False, False]

    monkeypatch.setattr(attribution, "_run", twice)
    correct(receiver)
    assert spans(receiver.client, receiver.project) == [("s", 2)]
    assert told(receiver.client, receiver.project) == 2


def test_a_correction_of_which_figures_are_missing_does_not_come_into_force(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = attribution._run

    def without(client: Client, sql: str, *more: Any) -> None:
        if "INSERT INTO _session_turns" not in sql:
            run(client, sql, *more)

    monkeypatch.setattr(attribution, "_run", without)
    with pytest.raises(Retryable):
        correct(receiver)
    assert spans(receiver.client, receiver.project) == [("s", 3)]


def test_figures_that_others_have_replaced_are_cleared(receiver: Receiver) -> None:
    client, project = receiver.client, receiver.project
    correct(receiver)
    receiver.take([[one(project, 2, "t")]])
    correct(receiver)
    before = read_figures(client, project)
    assert told(client, project) == 2
    assert attribution.clear(client, at_least=1) == 0  # they are too young
    aged = (
        "ALTER TABLE _session_turns UPDATE ReceivedAt = now() - 7200 WHERE Correction != 0 SETTINGS mutations_sync = 1"
    )
    client.command(aged)
    assert attribution.clear(client) == 0  # they are few
    assert attribution.clear(client, at_least=1) > 0
    assert told(client, project) == 1
    assert read_figures(client, project) == before


def late(client: Client) -> tuple[Receiver, list[OracleSpan]]:
    """One that has stored a child before the root that names its session."""
    found = Receiver(client, new_project())
    root, child = one(found.project, 0, "s"), one(found.project, 1)
    for span in (child, root):
        found.take([[span]])
        found.restart()
    return found, [root, child]


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("ns", [-1, 1], ids=["a greater version", "a lesser version"])
def test_what_was_copied_of_a_span_that_had_come_once_gives_way_to_its_greatest_version(
    otel_client: Client, ns: int
) -> None:
    receiver, (root, child) = late(otel_client)
    correct(receiver)
    again = replace(child, start=child.start + ns, input_tokens=9)
    receiver.take([[again]])
    correct(receiver)
    sql = "SELECT SpanId, InputTokens FROM session_spans WHERE Project = {p:String} ORDER BY SpanId"
    tokens = 9 if ns < 0 else 7
    rows = otel_client.query(sql, {"p": receiver.project}).result_rows
    assert rows == [(root.span_id, 7), (child.span_id, tokens)]


def test_a_late_claim_is_corrected_without_versions_and_without_the_whole_proof(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, _ = late(otel_client)
    asked, query, raw = list[str](), otel_client.query, otel_client.raw_query
    monkeypatch.setattr(
        otel_client, "query", lambda sql, *more, **named: asked.append(sql) or query(sql, *more, **named)
    )
    monkeypatch.setattr(
        otel_client, "raw_query", lambda sql, *more, **named: asked.append(sql) or raw(sql, *more, **named)
    )
    proof, version = (
        attribution.statement("otel_sessions.sessions", name) for name in ("attribution/doubtful", "parts/version")
    )
    correct(receiver)
    assert sum("INSERT INTO _correct" in sql for sql in asked) == 3
    assert not any(version in sql or sql.startswith(proof[:80]) for sql in asked)
    receiver.take([[one(receiver.project, 1)]])
    correct(receiver)
    assert any(version in sql for sql in asked)
    assert any(sql.startswith(proof[:80]) for sql in asked)
