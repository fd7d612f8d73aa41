"""What is read of sessions by their keys is what the views say of them, corrected or not."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import permutations
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.queries import keyed, next_turns, users, whole
from otel_sessions.queries.detail import has_session
from otel_sessions.queries.rows import Row, run
from otel_sessions.sessions.scores import store
from otel_sessions.testing.oracle import OracleSpan
from tests.integration.crowds import crowd, scores
from tests.integration.delivery import deliver, new_project
from tests.integration.test_views import as_score

FIRST = {
    "time": "1900-01-01 00:00:00",
    "trace_id": "",
    "span_id": "",
    "minute": "1900-01-01 00:00:00",
    "behind": "",
    "part": 0,
}
KEYS = "Project = {project:String} AND SessionId = {session_id:String}"
OTHERS = "Project = {project:String} AND SessionId IN {session_ids:Array(String)}"
Crowd = tuple[str, dict[bool, list[str]]]


@pytest.fixture(scope="module")
def delivered(otel_client: Client) -> Crowd:
    """A project, and its sessions by whether a correction is of them."""
    rnd = random.Random(7)
    spans: list[OracleSpan] = crowd(rnd, new_project(), 4)
    deliver(otel_client, spans, rnd)
    store(otel_client, [as_score(score) for score in scores(rnd, spans)])
    project = spans[0].project
    named = {"p": project}
    sessions = run(otel_client, "SELECT SessionId FROM sessions WHERE Project = {p:String}", named)
    corrected = run(otel_client, "SELECT DISTINCT SessionId FROM _corrections WHERE Project = {p:String}", named)
    in_doubt = {row["SessionId"] for row in corrected}
    found: dict[bool, list[str]] = {True: [], False: []}
    for row in sessions:
        found[row["SessionId"] in in_doubt].append(row["SessionId"])
    assert all(found.values())
    return project, found


def of_session(name: str, **texts: str) -> Callable[[Client, str, str], list[Row]]:
    """What the view and what the statement says of one session, by the columns of the view."""
    return lambda client, project, id_: keyed.select(
        client, name, {"project": project, "session_id": id_, "limit": 1000, **FIRST}, **texts
    )


def whole_spans(client: Client, project: str, id_: str) -> list[Row]:
    scope = {"project": project, "session_id": id_}
    keys = keyed.select(client, "span_keys", {**scope, "limit": 1000, **FIRST})
    ids = {"trace_ids": [row["TraceId"] for row in keys], "span_ids": [row["SpanId"] for row in keys]}
    rows = keyed.select(client, "list_spans", {**scope, **ids}, COLUMNS="*")
    return sorted(rows, key=lambda row: (row["Timestamp"], row["TraceId"], row["SpanId"]))


STATEMENTS = {
    "session_traces": (of_session("list_traces", COLUMNS="*"), "StartTime, TraceId"),
    "session_spans": (whole_spans, "Timestamp, TraceId, SpanId"),
    "session_timeline": (of_session("timeline"), "Minute"),
    "session_parts": (of_session("parts"), "Part"),
    "session_scores": (of_session("scores"), "ScoreId"),
    "sessions": (lambda client, project, id_: keyed.session_rows(client, project, [id_]), "SessionId"),
}


@pytest.mark.parametrize(("is_in_doubt", "bound"), [(False, 500), (True, 500), (True, 0)])
@pytest.mark.parametrize("view", STATEMENTS)
def test_what_is_read_by_key_is_what_the_view_says(
    otel_client: Client, delivered: Crowd, monkeypatch: pytest.MonkeyPatch, view: str, is_in_doubt: bool, bound: int
) -> None:
    monkeypatch.setattr(keyed, "_MANY_CORRECTED", bound)
    project, sessions = delivered
    read, order = STATEMENTS[view]
    sql = f"SELECT * FROM {view} WHERE Project = {{p:String}} AND SessionId = {{s:String}} ORDER BY {order}"
    for session_id in sessions[is_in_doubt]:
        wanted = run(otel_client, sql, {"p": project, "s": session_id})
        got = read(otel_client, project, session_id)
        assert [_shared(row, wanted) for row in got] == [_shared(row, got) for row in wanted]


def _shared(row: Row, others: list[Row]) -> dict[str, Any]:
    """The columns that both have, and all of the view's are among them."""
    names = row.keys() & others[0].keys() if others else row.keys()
    return {name: row[name] for name in names}


def test_a_session_is_there_as_long_as_a_span_of_it_is(otel_client: Client, delivered: Crowd) -> None:
    """Traces in doubt leave sums behind of sessions that have lost all they had."""
    project, sessions = delivered
    named = {"p": project}
    summed = run(
        otel_client,
        "SELECT SessionId FROM _session_turns WHERE Project = {p:String}"
        " UNION DISTINCT SELECT SessionId FROM _corrections WHERE Project = {p:String}",
        named,
    )
    known = {*sessions[True], *sessions[False]}
    ever = {row["SessionId"] for row in summed}
    assert ever > known, "some session is gone"
    for session_id in [*ever, "never"]:
        is_there = has_session(otel_client, project=project, session_id=session_id)
        assert is_there == (session_id in known), session_id


def test_one_user_is_what_the_view_of_users_says(otel_client: Client, delivered: Crowd) -> None:
    project, _ = delivered
    rows = run(otel_client, "SELECT * FROM session_users WHERE Project = {p:String}", {"p": project})
    assert rows
    for row in rows:
        named = {"project": project, "user_id": row["UserId"]}
        assert users.may_be_user(otel_client, **named)
        assert users.get_user(otel_client, **named) == row
    assert not users.may_be_user(otel_client, project=project, user_id="nobody")
    assert users.get_user(otel_client, project=project, user_id="nobody") is None


def test_sessions_in_doubt_and_others_are_read_together(otel_client: Client, delivered: Crowd) -> None:
    project, sessions = delivered
    ids = sorted([*sessions[True], *sessions[False]])
    wanted = run(otel_client, "SELECT * FROM sessions WHERE Project = {p:String}", {"p": project})
    assert sorted(keyed.session_rows(otel_client, project, ids), key=lambda row: row["SessionId"]) == sorted(
        wanted, key=lambda row: row["SessionId"]
    )


def test_turns_of_a_long_session_are_those_of_any(
    otel_client: Client, delivered: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, sessions = delivered
    for session_id in [sessions[True][0], sessions[False][0]]:
        named = {"project": project, "session_id": session_id, "limit": 1, **FIRST}
        short = next_turns.turns_behind(otel_client, named)
        with monkeypatch.context() as patched:
            patched.setattr(keyed, "MANY_MINUTES", 0)
            assert next_turns.turns_behind(otel_client, named) == short


@pytest.mark.parametrize("bound", [500, 0])
def test_turns_of_a_session_are_read_in_parts_as_the_views_say(
    otel_client: Client, delivered: Crowd, monkeypatch: pytest.MonkeyPatch, bound: int
) -> None:
    """Of a session in doubt, turns that no correction is of are read as those of any other."""
    monkeypatch.setattr(keyed, "_MANY_CORRECTED", bound)
    project, sessions = delivered
    kinds = set()
    for session_id in sessions[True]:
        named = {"project": project, "session_id": session_id}
        turns = run(otel_client, f"SELECT * FROM session_traces WHERE {KEYS} ORDER BY StartTime, TraceId", named)
        spans = run(otel_client, f"SELECT * FROM session_spans WHERE {KEYS} ORDER BY SpanId", named)
        ever = run(otel_client, f"SELECT DISTINCT TraceId FROM _session_turns WHERE {KEYS}", named)
        corrected = run(otel_client, f"SELECT DISTINCT TraceId FROM _corrected_turns WHERE {KEYS}", named)
        for some in [{row["TraceId"]} for row in ever] + [{row["TraceId"] for row in ever}]:
            asked = {**named, "trace_ids": sorted(some)}
            ahead = [{"TraceId": trace_id} for trace_id in sorted(some)]
            assert next_turns.turns_of(otel_client, named, ahead) == [row for row in turns if row["TraceId"] in some]
            read = keyed.select(otel_client, "replay_whole", asked, AMONG=keyed.OF_TURNS)
            wanted = {row["SpanId"]: row["SpanAttributes"] for row in spans if row["TraceId"] in some}
            assert {row["SpanId"]: row["SpanAttributes"] for row in read} == wanted
            assert len(read) == len(wanted)
            kinds.add(frozenset(row["TraceId"] in some for row in corrected))
    assert {frozenset({True}), frozenset({False})} <= kinds


def test_a_page_asks_once_whether_its_sessions_are_in_doubt(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Counting:
        def raw_query(self, query: str, **more: Any) -> bytes:
            asked.append(query)
            return otel_client.raw_query(query, **more)

    known: keyed.Known = {}
    for ids in (["a", "b", "c"], ["b"], ["c", "d"]):
        client = keyed.remembering(cast("Client", Counting()), known)
        keyed.session_rows(client, "nobody", ids)
    probes = [
        query for query in asked if "_corrections" in query and "LIMIT 1" in query and "_session_turns" not in query
    ]
    assert len(probes) == 2, "of c and d anew, of which d is not known"


@pytest.mark.parametrize("many", [0, 2, 1000])
def test_sessions_of_any_kind_that_are_read_together_are_as_the_view_says(
    otel_client: Client, delivered: Crowd, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    project, sessions = delivered
    monkeypatch.setattr(keyed, "MANY_MINUTES", many)
    ids = [*sessions[True], *sessions[False]]
    wanted = run(otel_client, "SELECT * FROM sessions WHERE Project = {p:String}", {"p": project})
    for _ in range(2):  # some of them are remembered
        rows = whole.select(otel_client, "session_rows", {"project": project, "session_ids": ids})
        assert {row["SessionId"]: row for row in rows} == {row["SessionId"]: row for row in wanted}


def test_what_a_statement_asks_of_other_keys_stays(otel_client: Client, delivered: Crowd) -> None:
    """What stands in a view's place has the rows of `session_id`: to ask for these again goes, nothing else."""
    project, sessions = delivered
    for asked, others in permutations([sessions[False][0], sessions[True][0]]):
        named = {"project": project, "session_id": asked, "session_ids": [others]}
        by_id = keyed.by_key(otel_client, "SELECT * FROM sessions\nWHERE " + KEYS, named)
        assert [row["SessionId"] for row in run(otel_client, *by_id)] == [asked]
        for more in (" AND SpanCount = 0", f" AND {OTHERS}"):
            none = keyed.by_key(otel_client, f"SELECT * FROM sessions\nWHERE {KEYS}{more}", named)
            assert run(otel_client, *none) == []
        of_others = keyed.by_key(otel_client, f"SELECT * FROM sessions\nWHERE {OTHERS}", named)
        assert run(otel_client, *of_others) == []
