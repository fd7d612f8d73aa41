"""What a start tells the bounds of sessions: all that an insert has left out that was broken off, and nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.sql import statement
from otel_sessions.sessions import attribution
from otel_sessions.sessions.attribution import bounds as looks
from otel_sessions.testing.oracle import OracleSpan
from tests.integration.delivery import EPOCH, TURNS_ALONE, Receiver, new_project

ANY_SHARD = {"insert_distributed_one_random_shard": 1}
SUMS = (
    "Minutes",
    "Rows",
    "SpanCount",
    "ErrorCount",
    "InputTokens",
    "OutputTokens",
    "TotalTokens",
    "CachedInputTokens",
    "CacheCreationInputTokens",
    "ReasoningTokens",
    "Cost",
    "ModelCalls",
    "UnpricedCalls",
    "ToolCalls",
)
LEAST = {"FirstStart": "18446744073709551615"}
"""What says nothing, where that is not the default of a type."""
BOUNDS = """
SELECT
    SessionId, SUMS, min(FirstStart) AS FirstStart, max(LastEnd) AS LastEnd,
    arraySort(groupUniqArrayArray(Spells)) AS Spells, arraySort(groupUniqArrayArray(UserIds)) AS UserIds,
    arraySort(groupUniqArrayArray(ServiceNames)) AS ServiceNames, arraySort(groupUniqArrayArray(Environments)) AS
    Environments, arraySort(groupUniqArrayArray(Models)) AS Models, arraySort(groupUniqArrayArray(Tags)) AS Tags,
    arraySort(groupUniqArrayArray(Tools)) AS Tools, arraySort(groupUniqArrayArray(Agents)) AS Agents,
    groupBitOr(MetadataSieve) AS MetadataSieve, maxMap(Metadata) AS Metadata
FROM TOLD
WHERE Project = {p:String}
GROUP BY SessionId
ORDER BY SessionId
"""
PARTS = "otel_sessions.sessions.parts"
FROM_TURNS = f"({statement(PARTS, 'activity_of_turns')} GROUP BY Project, SessionId)"


def bounds(client: Client, project: str, told: str = "_session_activity") -> dict[str, dict[str, Any]]:
    sql = BOUNDS.replace("SUMS", ", ".join(f"sum({each}) AS {each}" for each in SUMS)).replace("TOLD", told)
    return {row["SessionId"]: row for row in client.query(sql, {"p": project}).named_results()}


def of_turns(client: Client, project: str) -> dict[str, dict[str, Any]]:
    """What bounds are where nothing was told twice."""
    return bounds(client, project, FROM_TURNS)


def some_spans(project: str, *, first: int = 1) -> list[OracleSpan]:
    """Of two sessions, two turns each, in which all is that bounds speak of."""
    model = OracleSpan(
        project,
        "",
        "",
        start=EPOCH,
        end=EPOCH + 90_000_000_000,
        level=1,
        error=True,
        input_tokens=11,
        output_tokens=7,
        cached_tokens=5,
        cache_creation_tokens=3,
        reasoning_tokens=2,
        cost=Decimal("0.25"),
        service="service",
        user="user",
        environment="production",
        tags=("tag",),
        metadata=(("k", "one"),),
    )
    steps = [
        model,
        replace(model, states_cost=False, step_name="nobody knows its price"),
        replace(model, kind="tool", step_name="search"),
        replace(model, kind="agent", step_name="planner"),
    ]
    return [
        replace(step, trace_id=f"{turn:032x}", span_id=f"{100 * turn + n:016x}", claim_id=f"s{turn % 2}")
        for turn in range(first, first + 4)
        for n, step in enumerate(steps)
    ]


@pytest.mark.remote_too
def test_starts_tell_nothing_twice(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    receiver.take([some_spans(project)])
    receiver.take([some_spans(project, first=7)])
    before = bounds(otel_client, project)
    assert before == of_turns(otel_client, project)
    assert all(row[name] for row in before.values() for name in row)
    for _ in range(2):
        receiver.restart()
        receiver.recover()
        assert bounds(otel_client, project) == before


def test_a_receiver_on_record_that_is_gone_has_nothing_told_twice(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    receiver.take([some_spans(project)])
    before = bounds(otel_client, project)
    attribution.record(otel_client, "retired", attribution.server_time(otel_client) - 100_000)
    receiver.recover()
    assert bounds(otel_client, project) == before


@pytest.mark.remote_too
def test_what_a_broken_insert_has_left_out_is_told_and_nothing_else(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    receiver.take([some_spans(project)])
    receiver.break_off([some_spans(project, first=7)], ["otel_traces", TURNS_ALONE])
    found = bounds(otel_client, project)
    assert found == of_turns(otel_client, project)
    assert {row["Rows"] for row in found.values()} == {16}


@pytest.mark.remote_too
def test_what_is_missing_is_told_where_something_else_was_told_twice(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    receiver.take([some_spans(project)])
    otel_client.command(
        "INSERT INTO _session_activity (Project, SessionId, Minutes, Rows, SpanCount, FirstStart, InputTokens)"
        " SELECT {p:String}, 's0', 9, 9, 3, 18446744073709551615, 99",
        parameters={"p": project},
        settings=ANY_SHARD,
    )
    receiver.break_off([some_spans(project, first=7)], [TURNS_ALONE])
    found, wanted = bounds(otel_client, project), of_turns(otel_client, project)
    assert found["s1"] == wanted["s1"]
    assert found["s0"].pop("InputTokens") == wanted["s0"].pop("InputTokens") // 2 + 99
    assert found["s0"].pop("Minutes") == wanted["s0"].pop("Minutes") // 2 + 9
    assert found["s0"].pop("Rows") == wanted["s0"].pop("Rows") // 2 + 9
    assert found["s0"] == wanted["s0"]


def test_any_figure_that_is_missing_alone_is_told(otel_client: Client) -> None:
    columns = [
        row[0]
        for row in otel_client.query("DESCRIBE TABLE _session_activity").result_rows
        if row[0] not in ("Project", "SessionId")
    ]
    projects = {new_project(): name for name in columns}
    for project, name in projects.items():
        receiver = Receiver(otel_client, project)
        insert_turns_alone(receiver, [some_spans(project)])
        nothing = f"CAST({LEAST.get(name, 'defaultValueOfTypeName(toTypeName(' + name + '))')}, toTypeName({name}))"
        otel_client.command(
            f"INSERT INTO _session_activity SELECT * REPLACE({nothing} AS {name}) FROM {FROM_TURNS} "
            "WHERE Project = {p:String}",
            parameters={"p": project},
            settings=ANY_SHARD,
        )
        assert bounds(otel_client, project) != of_turns(otel_client, project), name
    attribution.left_behind(otel_client, 0)
    for project, name in projects.items():
        assert bounds(otel_client, project) == of_turns(otel_client, project), name


def insert_turns_alone(receiver: Receiver, requests: list[list[OracleSpan]]) -> None:
    """As an insert that is broken off; nobody looks after it yet."""
    receiver.recover, recover = lambda: None, receiver.recover  # type: ignore[method-assign]
    receiver.break_off(requests, [TURNS_ALONE])
    receiver.recover = recover  # type: ignore[method-assign]


@pytest.mark.parametrize("sessions", [1, 3])
def test_sessions_are_compared_some_at_a_time(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, sessions: int
) -> None:
    monkeypatch.setattr(looks, "_SESSIONS", sessions)
    project = new_project()
    receiver = Receiver(otel_client, project)
    receiver.take([some_spans(project)])
    receiver.break_off([some_spans(project, first=7)], [TURNS_ALONE])
    assert bounds(otel_client, project) == of_turns(otel_client, project)


Given = Callable[..., Any]
"""What hands a look the sums that were told: turns are read after it."""


@pytest.fixture
def broken_off(otel_client: Client) -> Receiver:
    """A receiver of which an insert was broken off before it had told of its turns."""
    project = new_project()
    receiver = Receiver(otel_client, project)
    insert_turns_alone(receiver, [some_spans(project)])
    return receiver


@pytest.mark.remote_too
def test_what_comes_into_one_look_is_not_told_twice_and_stands_for_nothing_that_is_missing(
    otel_client: Client, broken_off: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An insert ends between what was told and the turns, and its figures are those of one that was broken off."""
    receiver, project = broken_off, broken_off.project
    given_sums: Given = looks.given_sums

    def given(*args: Any) -> Any:
        monkeypatch.undo()
        receiver.take([some_spans(project, first=7)])
        return given_sums(*args)

    monkeypatch.setattr(looks, "given_sums", given)
    receiver.recover()
    assert bounds(otel_client, project) == of_turns(otel_client, project)


def test_bounds_are_enough_where_an_insert_comes_into_every_look(
    otel_client: Client, broken_off: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one of them has half the figures, so neither is the least in all."""
    receiver, project = broken_off, broken_off.project
    given_sums: Given = looks.given_sums
    left = [some_spans(project, first=first)[:much] for first, much in ((7, 16), (13, 8), (19, 16))]

    def given(client: Client, sql: str, *args: Any) -> Any:
        if left and "INSERT" not in sql:
            receiver.take([left.pop()])
        return given_sums(client, sql, *args)

    monkeypatch.setattr(looks, "given_sums", given)
    receiver.recover()
    assert not left
    found, wanted = bounds(otel_client, project), of_turns(otel_client, project)
    assert all(found[session][name] >= wanted[session][name] for session in wanted for name in SUMS)


def test_bounds_are_enough_while_others_store(otel_client: Client, clickhouse_endpoint: Endpoint) -> None:
    """An insert has stored turns before it tells of them, however the two fall between the reads of a look."""
    project = new_project()
    insert_turns_alone(Receiver(otel_client, project), [some_spans(project)])
    over = threading.Event()

    def store() -> None:
        other = connect(clickhouse_endpoint, database=otel_client.database)
        receiver = Receiver(other, project)
        for first in range(7, 600, 6):
            if over.is_set():
                break
            receiver.take([some_spans(project, first=first)])
        other.close()

    with ThreadPoolExecutor(1) as pool:
        storing = pool.submit(store)
        try:
            for _ in range(4):
                attribution.left_behind(otel_client, 0)
        finally:
            over.set()
        storing.result()
    found, wanted = bounds(otel_client, project), of_turns(otel_client, project)
    assert all(found[session][name] >= wanted[session][name] for session in wanted for name in SUMS)
