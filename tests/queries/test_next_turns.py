"""The turns after a place, and their spans, are those of the views, however little of the session is looked at."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.queries import contents, keyed, next_turns
from otel_sessions.queries.rows import Row, nanoseconds, run
from otel_sessions.sessions import attribution
from otel_sessions.testing.oracle import NO_CLAIM, OracleSpan
from tests.integration.delivery import EPOCH, deliver, new_project
from tests.integration.viewed import HOUR, MINUTE

S = 10**9
ENDLESS = 2**63 - 1
COLUMNS = (*contents.TURN, "Duration", "SpanCount")
COPY = """
INSERT INTO otel_traces
SELECT * REPLACE (
    {copy:String} AS Project,
    toDateTime('2026-01-07 00:00:00', 'UTC') + 604800 * (cityHash64(BY) % 5) AS ReceivedAt
)
FROM otel_traces AS t WHERE t.Project = {project:String}
"""


def long_turns(rnd: random.Random, project: str, traces: int = 30) -> list[OracleSpan]:
    """Spans of two sessions of weeks: turns that pause, some claimed late, some with times that make no sense."""
    spans = []
    for trace in range(1, traces + 1):
        session, step = f"s{trace % 2}", rnd.choice([0, S, 40 * S, 7 * MINUTE, 60 * HOUR])
        begin = EPOCH + rnd.randint(0, 20) * 20 * HOUR
        for number in range(rnd.randint(1, 4)):
            start = rnd.choice([0, ENDLESS]) if rnd.random() < 0.06 else begin + number * step
            claims: dict[str, Any] = {"level": 1, "claim_id": session}
            if number == 0 and trace % 5 == 0:
                claims = {"level": NO_CLAIM}
            end = start if start in (0, ENDLESS) else start + S
            spans.append(
                OracleSpan(project, f"{trace:032x}", f"{trace * 10 + number:016x}", start=start, end=end, **claims)
            )
    return spans


def copied(client: Client, project: str, by: str) -> str:
    """The same spans as if they had been stored in several weeks, those of one `by` in the same, in one insert."""
    copy = new_project()
    client.command(COPY.replace("BY", by), {"project": project, "copy": copy})
    rows = run(client, "SELECT DISTINCT TraceId FROM otel_traces WHERE Project = {p:String}", {"p": copy})
    found = attribution.find(client, [(copy, row["TraceId"]) for row in rows])
    attribution.correct(client, [doubt.trace for doubt in found])
    return copy


def turns_of(client: Client, project: str, session_id: str) -> list[Row]:
    named = {"project": project, "session_id": session_id}
    where = "Project = {project:String} AND SessionId = {session_id:String}"
    return run(client, f"SELECT * FROM session_traces WHERE {where} ORDER BY StartTime, TraceId", named)


@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_EXAMPLES", "1"))))
def test_turns_after_a_place_are_those_of_the_view(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(next_turns, "_LONG_NS", 0)
    rnd = random.Random(seed)
    spans = long_turns(rnd, new_project())
    deliver(otel_client, spans, rnd)
    bounds: list[str] = []
    select = keyed.select

    def noting(client: Client, name: str, parameters: Any, **texts: str) -> list[Row]:
        bounds.extend(texts.get("BOUND", "").split()[:1])
        return select(client, name, parameters, **texts)

    monkeypatch.setattr(keyed, "select", noting)
    for project in (spans[0].project, *(copied(otel_client, spans[0].project, by) for by in ("TraceId", "SpanId"))):
        for session_id in ("s0", "s1"):
            turns = turns_of(otel_client, project, session_id)
            assert len(turns) > 5
            places = [contents.FIRST, *((row["StartTime"], row["TraceId"]) for row in turns)]
            for begin in {0, *rnd.choices(range(len(places)), k=2)}:
                monkeypatch.setattr(keyed, "MANY_MINUTES", rnd.choice([0, 0, 1000]) if begin else 0)
                monkeypatch.setattr(keyed, "_MANY_CORRECTED", rnd.choice([500, 500, 0]))
                check(
                    otel_client,
                    {"project": project, "session_id": session_id},
                    turns,
                    begin,
                    rnd.choice([1, 3, 50]) if begin else 1,
                )
    assert {"m.Minute", "1"} <= set(bounds), "some are found among the rows up to a moment, and some not"


def check(client: Client, scope: Row, turns: list[Row], begin: int, limit: int) -> None:
    """What is read of the next turns but the first `begin` is what the views say."""
    after = contents.FIRST if begin == 0 else (turns[begin - 1]["StartTime"], turns[begin - 1]["TraceId"])
    wanted = [{name: row[name] for name in COLUMNS} for row in turns[begin : begin + limit + 1]]
    named = {**scope, "time": after[0], "trace_id": after[1], "limit": limit + 1}
    assert next_turns.turns_behind(client, named) == turns[begin : begin + limit + 1]
    rows, read = contents.read_behind(client, scope, after, limit)
    assert rows == wanted
    by_views = contents.read(client, scope, rows[:limit], few=0)
    assert shared(read.spans, by_views.spans) == shared(by_views.spans, read.spans)
    assert {key for key in read.contents if key[0] in read.spans} == set(by_views.contents)
    assert read.contents == by_views.contents
    assert read.fitting == by_views.fitting


def shared(spans: dict[str, list[Row]], others: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The spans in the columns that both have."""
    names = {name for rows in others.values() for row in rows for name in row}
    return {id_: [{k: v for k, v in row.items() if k in names} for row in rows] for id_, rows in spans.items()}


def test_a_turn_whose_times_make_no_sense_at_first_begins_when_one_does(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the rows up to a moment it would be the first of all."""
    monkeypatch.setattr(next_turns, "_LONG_NS", 0)
    monkeypatch.setattr(keyed, "MANY_MINUTES", 0)
    project = new_project()
    times = [(trace, EPOCH + trace * HOUR) for trace in range(2, 100)] + [(1, 0), (1, EPOCH + 200 * HOUR)]
    spans = [
        OracleSpan(
            project, f"{trace:032x}", f"{n + 1:016x}", start=start, end=start and start + S, level=1, claim_id="s"
        )
        for n, (trace, start) in enumerate(times)
    ]
    deliver(otel_client, spans, random.Random(3))
    scope = {"project": project, "session_id": "s"}
    for limit in (1, 4):
        named = {**scope, "time": contents.FIRST[0], "trace_id": "", "limit": limit}
        rows = next_turns.turns_behind(otel_client, named, COLUMNS)
        assert [int(row["TraceId"], 16) for row in rows] == [*range(2, 2 + limit)]
        assert nanoseconds(rows[0]["StartTime"]) == EPOCH + 2 * HOUR
