"""Every column of every view, whatever was delivered how, and whatever happened meanwhile.

`ORACLE_EXAMPLES=10 ORACLE_GROUPS=400 pytest tests/integration/test_views.py` tries thousands of groups.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.sessions import attribution, deletion, life, rebuild, retention
from otel_sessions.sessions.scores import Score, store
from otel_sessions.testing.oracle import OracleSpan
from otel_sessions.testing.oracle_views import OracleScore
from tests.integration.crowds import crowd, scores
from tests.integration.delivery import EPOCH, Receiver, deliver, new_project
from tests.integration.viewed import differences, missed_by_bounds, missed_by_spells

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "1"))
GROUPS = int(os.environ.get("ORACLE_GROUPS", "25"))
PARTS = 3 if EXAMPLES > 1 else 2
SEED = int(os.environ.get("ORACLE_SEED", "0"))
SEEDS = range(SEED, SEED + EXAMPLES)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.usefixtures("limits")
def test_any_delivery_gives_every_view_of_the_rule(otel_client: Client, seed: int) -> None:
    rnd = random.Random(seed)
    spans = crowd(rnd, new_project(), GROUPS, over_hours=True)
    given = scores(rnd, spans)
    store(otel_client, [as_score(score) for score in given])
    deliver(otel_client, spans, rnd)
    split_after_ns = _split(otel_client, spans[0].project, rnd)
    assert differences(otel_client, spans, given, split_after_ns) == []
    assert missed_by_bounds(otel_client, spans[0].project) == []
    assert missed_by_spells(otel_client, spans[0].project, rnd) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_deletions_and_rebuilds_in_between_leave_what_the_rule_makes_of_the_rest(own_client: Client, seed: int) -> None:
    rnd = random.Random(seed)
    spans = crowd(rnd, new_project(), GROUPS, over_hours=True)
    given = scores(rnd, spans)
    store(own_client, [as_score(score) for score in given])
    rnd.shuffle(spans)
    part = len(spans) // PARTS + 1
    gone: set[str] = set()
    for first in range(0, len(spans), part):
        again = [span for span in spans[:first] if rnd.random() < 0.1]
        deliver(own_client, [*spans[first : first + part], *again], rnd, remembers=True)
        if first == 0 or rnd.random() < 0.6:
            deleted, given = _delete_some(own_client, rnd, given, forget_for=timedelta(hours=1))
            gone |= deleted
        if first == 0 or rnd.random() < 0.5:
            for _ in rebuild.everything(own_client):
                pass
    retention.expire(own_client, now=datetime.now(UTC), sessions=None, unassigned=None)
    stored = _stored(own_client, spans)
    touched = {span.trace_id for span in spans if span.claim_id in gone}
    assert [span for span in spans if span.trace_id not in touched and span not in stored] == []
    there = own_client.query("SELECT SessionId FROM sessions WHERE has({g:Array(String)}, SessionId)", {"g": [*gone]})
    assert list(there.result_rows) == []
    split_after_ns = _split(own_client, spans[0].project, rnd)
    assert differences(own_client, stored, given, split_after_ns) == []
    assert missed_by_bounds(own_client, spans[0].project) == []
    assert missed_by_spells(own_client, spans[0].project, rnd) == []


def _split(client: Client, project: str, rnd: random.Random) -> int:
    """Splits sessions after one of the pauses that turns of `crowd` have between them, of some seconds or a minute."""
    seconds = rnd.choice([30, 37, 39, 77])
    life.set_limits(client, idle_after=1800, idle_after_of={}, split_after=1, split_after_of={project: seconds})
    return seconds * 10**9


def _delete_some(
    client: Client, rnd: random.Random, given: Sequence[OracleScore], forget_for: timedelta
) -> tuple[set[str], list[OracleScore]]:
    """The sessions that were deleted, and the scores that are left: none of theirs, and all of other traces."""
    rows = client.query("SELECT Project, SessionId FROM sessions ORDER BY SessionId").result_rows
    chosen = [(project, session) for project, session in rows if rnd.random() < 0.25]
    deleted = {session for _, session in chosen}
    of_them = "WHERE has({s:Array(String)}, SessionId)"
    theirs, traces = (
        {row[0] for row in client.query(f"SELECT {what} {of_them}", {"s": [*deleted]}).result_rows}
        for what in ("ScoreId FROM session_scores", "TraceId FROM session_traces")
    )
    assert deletion.delete(client, chosen, forget_for=forget_for) == len(chosen)
    there = {row[0] for row in client.query("SELECT ScoreId FROM _scores FINAL").result_rows}
    assert theirs & there == set()
    lost = [score for score in given if score.score_id not in there]
    assert [score for score in lost if score.session_id not in deleted and score.trace_id not in traces] == []
    return deleted, [score for score in given if score.score_id in there]


def _stored(client: Client, spans: Sequence[OracleSpan]) -> list[OracleSpan]:
    """Those of the spans that are in the table of facts."""
    query = "SELECT DISTINCT TraceId, SpanId, SpanAttributes['test.mark'] FROM otel_traces"
    rows = set(client.query(query).result_rows)
    return [span for span in spans if (span.trace_id, span.span_id, span.mark) in rows]


def as_score(score: OracleScore) -> Score:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Score(
        project=score.project,
        score_id=score.score_id,
        name="quality",
        data_type="NUMERIC",
        timestamp=moment,
        updated_at=moment,
        session_id=score.session_id,
        trace_id=score.trace_id,
        span_id=score.span_id,
    )


def _one_trace(project: str, **fields: object) -> OracleSpan:
    trace_id = f"{int(project.rpartition('-')[2]) + 1:032x}"
    return OracleSpan(project, trace_id, f"{1:016x}", level=1, claim_id="s", **fields)  # type: ignore[arg-type]


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("start", [0, 2**63 + 5], ids=["zero", "beyond 2262"])
def test_a_turn_whose_times_make_no_sense_still_has_what_was_said(otel_client: Client, start: int) -> None:
    project = new_project()
    span = _one_trace(project, start=start, end=start, input="hello", output="there", metadata=(("k", "v"),))
    Receiver(otel_client, project).take([[span]])
    assert differences(otel_client, [span]) == []


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("start", [0, 2**63 + 5], ids=["zero", "beyond 2262"])
def test_times_that_make_no_sense_are_neither_the_first_nor_the_last(otel_client: Client, start: int) -> None:
    project = new_project()
    right = _one_trace(
        project, start=EPOCH, end=EPOCH + 5, name="right", user="ada", input="hello", output="there",
        error=True, message="broken", metadata=(("k", "v"),),
    )  # fmt: skip
    wrong = replace(
        right, span_id=f"{2:016x}", start=start, end=start, name="wrong", user="bob", input="wrong", output="wrong",
        message="wrong", metadata=(("k", "wrong"),),
    )  # fmt: skip
    Receiver(otel_client, project).take([[right, wrong]])
    assert differences(otel_client, [right, wrong]) == []


@pytest.mark.remote_too
def test_what_a_broken_insert_has_summed_does_not_stretch_its_trace(otel_client: Client) -> None:
    project = new_project()
    root = _one_trace(project, start=EPOCH + 30 * 10**9, end=EPOCH + 31 * 10**9)
    receiver = Receiver(otel_client, project)
    receiver.break_off([[root]], ("_session_turns",))
    receiver.take([[root]])
    receiver.attribute([root])
    assert differences(otel_client, [root]) == []


@pytest.mark.remote_too
def test_the_best_claim_is_that_of_the_versions_that_count_however_alike_their_ids(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    one = _one_trace(project, is_root=True, start=EPOCH, end=EPOCH + 5)
    child = replace(one, is_root=False, span_id=f"{2:016x}", level=9, claim_id="", mark="child")
    twins = [replace(one, claim_id=f"a-session-of-one-person-{number}", mark=str(number)) for number in range(4)]
    receiver.take([[child, *twins]])
    receiver.attribute([one])
    assert differences(otel_client, [child, *twins]) == []


@pytest.mark.parametrize("few", [0, 2**20], ids=["of many", "of few"])
def test_traces_of_which_spans_came_twice_are_corrected_beside_those_of_which_none_did(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    correct, corrected = attribution._correct, list[int]()
    monkeypatch.setattr(attribution, "_FEW_ROWS", few)
    monkeypatch.setattr(
        attribution, "_correct", lambda *args, **named: corrected.append(len(args[1])) or correct(*args, **named)
    )
    project = new_project()
    receiver = Receiver(otel_client, project)
    twice = _one_trace(project, is_root=True, start=EPOCH, end=EPOCH + 5)
    claims = replace(twice, trace_id=f"{2**64 + int(twice.trace_id, 16):032x}")
    waits = replace(claims, is_root=False, span_id=f"{2:016x}", level=9, claim_id="")
    receiver.take([[replace(twice, claim_id="t", mark="other"), waits]])
    receiver.take([[twice, claims]])
    receiver.attribute([twice, claims])
    assert corrected == ([2] if few else [1, 1])
    assert differences(otel_client, [replace(twice, claim_id="t", mark="other"), twice, claims, waits]) == []


@pytest.mark.parametrize("view", ["sessions", "session_traces", "session_timeline"])
def test_a_condition_on_project_and_session_reaches_the_keys_behind_a_view(otel_client: Client, view: str) -> None:
    project = new_project()
    Receiver(otel_client, project).take([[_one_trace(project)]])
    named = {"p": project, "s": "s"}
    explained = f"EXPLAIN indexes = 1 SELECT * FROM {view} WHERE Project = {{p:String}} AND SessionId = {{s:String}}"
    plan = [line.strip(" \u2502") for (line,) in otel_client.query(explained, named).result_rows]
    conditions = [line for line in plan if line.startswith("Condition: ") and "SessionId in" in line]
    assert conditions
    assert all("Project" in line and f"in ['{project}', '{project}']" in line for line in conditions)


@pytest.mark.remote_too
def test_what_a_broken_insert_has_told_of_spans_that_were_kept_away_then_is_taken_back(otel_client: Client) -> None:
    """Its spans come once more after their session was deleted: nothing is stored of them but what it had told."""
    project = new_project()
    stays = _one_trace(project, start=EPOCH + 30 * 10**9, end=EPOCH + 31 * 10**9)
    early = replace(stays, span_id=f"{2:016x}", start=EPOCH, claim_id="gone", is_root=True)
    alone = replace(early, trace_id=f"{2**64 + int(stays.trace_id, 16):032x}")
    score = OracleScore(project, f"{project}-score", trace_id=stays.trace_id)
    store(otel_client, [as_score(score)])
    receiver = Receiver(otel_client, project, remembers=True)
    receiver.take([[stays]])
    receiver.break_off([[early, alone]], ("_trace_claims",))
    deletion.delete(otel_client, [(project, "gone")])
    receiver.take([[early, alone]])
    assert differences(otel_client, [stays], [score]) == []
    query = "SELECT TraceId FROM otel_traces_trace_id_ts WHERE TraceId IN {t:Array(String)}"
    found = otel_client.query(query, {"t": [stays.trace_id, alone.trace_id]}).result_rows
    assert found == [(stays.trace_id,)]
