"""The sessions are a function of the set of spans received, and of nothing else."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.sessions import attribution
from otel_sessions.testing.oracle import OracleSpan, assign, figures
from tests.examples import examples
from tests.integration.delivery import EPOCH, REACHED, Receiver, deliver, new_project, span_sets
from tests.integration.running import Running

SETTINGS = settings(
    max_examples=examples(2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
VIEWS = ("sessions", "session_traces", "session_timeline")


def view(client: Client, name: str, project: str) -> str:
    """All of a view as text, in order, byte for byte."""
    text = client.raw_query(
        f"SELECT * FROM {name} WHERE Project = {{p:String}} ORDER BY ALL", {"p": project}, fmt="TSVWithNames"
    )
    return text.decode().replace(project, "PROJECT")


def read_figures(client: Client, project: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = client.query(
        "SELECT Project, SessionId, TraceCount, SpanCount, ErrorCount, InputTokens, OutputTokens, Cost, "
        "toUnixTimestamp64Nano(StartTime) AS StartTime, toUnixTimestamp64Nano(EndTime) AS EndTime "
        "FROM sessions WHERE Project = {p:String}",
        {"p": project},
    ).named_results()
    found = {}
    for row in rows:
        row["Cost"] = Decimal(str(row["Cost"]))
        found[row.pop("Project"), row.pop("SessionId")] = row
    return found


def read_members(client: Client, project: str) -> dict[tuple[str, str, str], str]:
    rows = client.query(
        "SELECT Project, TraceId, SpanId, SessionId FROM session_spans WHERE Project = {p:String}", {"p": project}
    ).result_rows
    assert len({row[:3] for row in rows}) == len(rows), "a span stands in session_spans twice"
    return {(row[0], row[1], row[2]): row[3] for row in rows}


@SETTINGS
@given(spans=span_sets(), seed=st.integers(0, 2**32))
def test_any_delivery_gives_the_sessions_of_the_rule(otel_client: Client, spans: list[OracleSpan], seed: int) -> None:
    check_delivery(otel_client, spans, seed)


@settings(SETTINGS, max_examples=examples(1))
@given(spans=span_sets(), seed=st.integers(0, 2**32))
def test_any_delivery_over_http_gives_the_sessions_of_the_rule(
    remote_clickhouse: Running, spans: list[OracleSpan], seed: int
) -> None:
    endpoint = Endpoint.parse(f"http://{remote_clickhouse.endpoints['clickhouse_http']}")
    check_delivery(connect(endpoint, database=endpoint.database), spans, seed)


def check_delivery(otel_client: Client, spans: list[OracleSpan], seed: int) -> None:
    deliver(otel_client, spans, random.Random(seed))
    project = spans[0].project
    assert read_figures(otel_client, project) == figures(spans)
    assert read_members(otel_client, project) == {
        identity: session for identity, session in assign(spans).items() if session is not None
    }


@SETTINGS
@given(spans=span_sets(), seeds=st.tuples(st.integers(), st.integers()))
def test_two_deliveries_of_the_same_spans_give_the_same_bytes(
    otel_client: Client, spans: list[OracleSpan], seeds: tuple[int, int]
) -> None:
    texts = []
    for seed in seeds:
        project = new_project()
        moved = [OracleSpan(**{**_fields(span), "project": project}) for span in spans]
        deliver(otel_client, moved, random.Random(seed))
        texts.append([view(otel_client, name, project) for name in VIEWS])
    assert texts[0] == texts[1]


@SETTINGS
@given(spans=span_sets(sessions=2), seed=st.integers(0, 2**32), data=st.data())
def test_of_two_spans_with_one_identity_one_counts(
    otel_client: Client, spans: list[OracleSpan], seed: int, data: st.DataObject
) -> None:
    twins = [
        OracleSpan(
            **{
                **_fields(span),
                "level": (level := data.draw(st.sampled_from([1, 1, 3, 9]))),
                "claim_id": "" if level == 9 else f"s{data.draw(st.integers(0, 1))}",
                "input_tokens": span.input_tokens + 1000,
            }
        )
        for span in data.draw(st.lists(st.sampled_from(spans), max_size=3, unique=True))
    ]
    deliver(otel_client, [*spans, *twins], random.Random(seed))
    versions: defaultdict[tuple[str, str, str], list[OracleSpan]] = defaultdict(list)
    for span in [*spans, *twins]:
        versions[span.identity].append(span)
    # The version with the best claim counts; where claims are equal, the choice is free.
    chosen = [min(group, key=lambda span: span.claim) for group in versions.values()]
    got = read_figures(otel_client, spans[0].project)
    want = figures(chosen)
    exact = ("TraceCount", "SpanCount", "ErrorCount", "OutputTokens", "StartTime", "EndTime")
    assert {key: {name: row[name] for name in exact} for key, row in got.items()} == {
        key: {name: row[name] for name in exact}
        for key, row in want.items()  # type: ignore[literal-required]
    }


@pytest.mark.remote_too
def test_a_late_session_id_claims_the_whole_trace(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    child = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "2", start=EPOCH, end=EPOCH + 5)
    root = OracleSpan(project, child.trace_id, "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1, claim_id="late")
    receiver.take([[child]])
    assert read_members(otel_client, project) == {}
    receiver.restart()
    receiver.take([[root]])
    receiver.attribute([root])
    assert read_members(otel_client, project) == {child.identity: "late", root.identity: "late"}


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("reached", REACHED, ids="+".join)
def test_what_an_insert_has_left_that_was_broken_off_counts_nowhere_else(
    otel_client: Client, reached: Sequence[str]
) -> None:
    """ClickHouse and service are killed in mid-insert; the log is then stored with a better claim in mind."""
    project = new_project()
    receiver = Receiver(otel_client, project)
    trace = "0" * 31 + "1"
    root = OracleSpan(project, trace, "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=4, claim_id="worse")
    child = OracleSpan(project, trace, "0" * 15 + "2", start=EPOCH, end=EPOCH + 5)
    late = OracleSpan(project, trace, "0" * 15 + "3", start=EPOCH, end=EPOCH + 5, level=1, claim_id="better")
    receiver.break_off([[root, child]], reached)
    receiver.take([[root, child, late]])
    receiver.attribute([root])
    assert read_figures(otel_client, project) == figures([root, child, late])
    assert read_members(otel_client, project) == {span.identity: "better" for span in (root, child, late)}


CONDITIONS = {
    "a span stored twice": r"facts\.Rows != facts\.Distinct",
    "rows summed that are not stored": r"facts\.Rows != sums\.Rows",
    "a span in another place": r"arrayExists\(place -> .*?known\.Places\)",
}
"""What the proof says of each fault, in doubtful.sql."""


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("broken", CONDITIONS)
def test_each_condition_of_the_proof_finds_what_no_other_does(
    otel_client: Client, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    root = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1, claim_id="s")
    child = OracleSpan(project, root.trace_id, "0" * 15 + "2", start=EPOCH, end=EPOCH + 5, input_tokens=7)
    child = replace(child, level=1, claim_id="s")
    if broken == "a span stored twice":
        receiver.take([[root, child]])
        receiver.take([[child]])
    elif broken == "a span in another place":
        child = replace(child, level=4, claim_id="worse")
        receiver.take([[child]])
        receiver.take([[root]])
    else:
        receiver.take([[root]])
        receiver.take([[child]])
        again = "INSERT INTO _session_turns SELECT * FROM _session_turns WHERE Project = {p:String} LIMIT 1"
        otel_client.command(again, {"p": project})
    trace = (project, root.trace_id)
    whole = attribution.statement
    for name, condition in CONDITIONS.items():
        found = re.subn(condition, "0", whole(attribution.__name__, "doubtful"), flags=re.DOTALL)
        assert found[1] == 1
        monkeypatch.setattr(attribution, "statement", lambda *_, sql=found[0]: sql)
        doubts = attribution.doubtful(otel_client, [trace])
        assert [doubt.trace for doubt in doubts] == ([] if name == broken else [trace])
    monkeypatch.setattr(attribution, "statement", whole)
    if broken == "rows summed that are not stored":  # by an insert that was broken off: whoever stored it knows of that
        receiver.recover()
    else:
        assert [doubt.trace for doubt in attribution.find(otel_client, [trace])] == [trace]
        receiver.attribute([root])
    assert read_figures(otel_client, project) == figures([root, child])
    assert read_members(otel_client, project) == {span.identity: "s" for span in (root, child)}
    assert attribution.find(otel_client, [trace]) == []


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("is_killed", [False, True], ids=["", "killed"])
def test_a_span_that_is_stored_while_its_trace_is_corrected_is_in_its_session(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    """Between the copy of the spans and the list of the members; the service may die behind that."""
    project = new_project()
    receiver = Receiver(otel_client, project)
    root = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1, claim_id="s")
    late = OracleSpan(project, root.trace_id, "0" * 15 + "2", start=EPOCH, end=EPOCH + 5)
    receiver.take([[root]])
    receiver.take([[root]])
    whole, ran = attribution._run, list[str]()

    def run(client: Client, sql: str, *more: Any) -> None:
        if is_killed and len(ran) == 3:
            raise KeyboardInterrupt
        if "INTO _corrections" in sql:
            receiver.take([[late]])
        ran.append(sql)
        whole(client, sql, *more)

    monkeypatch.setattr(attribution, "_run", run)
    if is_killed:
        with pytest.raises(KeyboardInterrupt):
            attribution.correct(otel_client, [(project, root.trace_id)])
        monkeypatch.setattr(attribution, "_run", whole)
        receiver.restart()
        attribution.left_behind(otel_client, 0)
    else:
        attribution.correct(otel_client, [(project, root.trace_id)])
    receiver.attribute([root])
    assert read_figures(otel_client, project) == figures([root, late])
    assert read_members(otel_client, project) == {span.identity: "s" for span in (root, late)}


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("turn", ["INTO _corrected_spans", "INTO _corrections"])
@pytest.mark.parametrize("is_seen", [True, False], ids=["among the others", "before all others"])
def test_a_span_that_comes_again_while_its_trace_is_corrected_counts_once(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, turn: str, is_seen: bool
) -> None:
    """No span had come twice, so its versions are not worked out: that correction is not made, and another is. What is
    outside of where the trace was known to lie is not seen: the look after its own insert finds it."""
    project = new_project()
    receiver = Receiver(otel_client, project)
    child = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "2", start=EPOCH, end=EPOCH + 5)
    first = EPOCH - 9 if is_seen else EPOCH
    root = OracleSpan(project, child.trace_id, "0" * 15 + "1", True, first, EPOCH + 9, level=1, claim_id="s")
    versions = [replace(child, start=EPOCH - before) for before in (3, 7, 2)]  # the one that starts first counts
    receiver.take([[child]])
    receiver.restart()
    receiver.take([[root]])
    whole, ran = attribution._run, list[str]()

    def run(client: Client, sql: str, *more: Any) -> None:
        if turn in sql and not ran:
            receiver.take([versions])
            ran.append(sql)
        whole(client, sql, *more)

    monkeypatch.setattr(attribution, "_run", run)
    attribution.correct(otel_client, [(project, root.trace_id)])
    assert ran
    if not is_seen:
        receiver.attribute([root])
    assert read_figures(otel_client, project) == figures([root, versions[1]])
    assert read_members(otel_client, project) == {span.identity: "s" for span in (root, child)}


@pytest.mark.remote_too(first_case=True)
def test_as_many_rows_as_were_counted_are_not_taken_for_the_same_where_a_span_is_among_them_twice(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One span is deleted and the other comes again, between the count and what goes by it."""
    project = new_project()
    receiver = Receiver(otel_client, project)
    child = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "2", start=EPOCH, end=EPOCH + 5)
    root = OracleSpan(project, child.trace_id, "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1, claim_id="s")
    receiver.take([[child]])
    receiver.restart()
    receiver.take([[root]])
    whole, ran = attribution._run, list[str]()

    def run(client: Client, sql: str, *more: Any) -> None:
        if "INTO _corrections" in sql and not ran:
            ran.append(sql)
            away = "DELETE FROM otel_traces WHERE Project = {p:String} AND SpanId = {s:String}"
            otel_client.command(away, {"p": project, "s": child.span_id})
            receiver.take([[root]])
        whole(client, sql, *more)

    monkeypatch.setattr(attribution, "_run", run)
    attribution.correct(otel_client, [(project, root.trace_id)])
    assert ran
    assert read_figures(otel_client, project) == figures([root])
    assert read_members(otel_client, project) == {root.identity: "s"}


def test_a_better_claim_of_the_same_session_is_no_doubt(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    child = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "2", False, EPOCH, EPOCH + 5, level=1, claim_id="s")
    root = OracleSpan(project, child.trace_id, "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1, claim_id="s")
    receiver.take([[child]])
    receiver.take([[root]])
    assert attribution.find(otel_client, [(project, root.trace_id)]) == []
    assert read_figures(otel_client, project) == figures([root, child])


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("on_all", [True, False], ids=["id on all spans", "id on the root, which comes first"])
def test_a_trace_that_comes_in_several_requests_costs_the_short_look_alone(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, on_all: bool
) -> None:
    project = new_project()
    root = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1, claim_id="s")
    claim = (1, "s") if on_all else (9, "")
    others = [OracleSpan(project, root.trace_id, f"{n:016x}", False, EPOCH, EPOCH + n, *claim) for n in (2, 3, 4)]
    receiver, looked = Receiver(otel_client, project), list[tuple[str, str]]()
    monkeypatch.setattr(attribution, "_doubtful", lambda _client, traces, _names: looked.extend(traces) or [])
    for span in (root, *others):
        receiver.take([[span]])
        receiver.attribute([span])
    assert looked == []
    assert read_figures(otel_client, project) == figures([root, *others])
    assert read_members(otel_client, project) == {span.identity: "s" for span in (root, *others)}
    receiver.take([[others[0]]])
    receiver.attribute([root])
    assert looked == [(project, root.trace_id)]


@pytest.mark.remote_too
def test_a_trace_of_many_long_sessions_is_corrected(otel_client: Client) -> None:
    """More of them than one parameter takes, with characters that JSON and parameters write longer."""
    project = new_project()
    receiver, trace = Receiver(otel_client, project), "0" * 31 + "1"
    ids = [chr(1 + number) * 4000 + "\\'" * 500 for number in range(6)] + [str(number) for number in range(40)]
    spans = [
        OracleSpan(project, trace, f"{number + 1:016x}", number == 0, EPOCH, EPOCH + 9, level=1, claim_id=id_)
        for number, id_ in enumerate(ids)
    ]
    receiver.take([spans])
    receiver.take([spans])
    receiver.attribute(spans)
    assert read_figures(otel_client, project) == figures(spans)


def test_inserting_every_row_again_changes_no_figure(otel_client: Client) -> None:
    project = new_project()
    spans = [
        OracleSpan(
            project, f"{t + 1:032x}", f"{s + 1:016x}", s == 0, EPOCH, EPOCH + 9, *(1, "a") if s == 0 else (9, "")
        )
        for t in range(3)
        for s in range(4)
    ]
    receiver = Receiver(otel_client, project)
    receiver.take([spans])
    before = [view(otel_client, name, project) for name in VIEWS]
    otel_client.command("INSERT INTO otel_traces SELECT * FROM otel_traces WHERE Project = {p:String}", {"p": project})
    receiver.attribute(spans)
    assert [view(otel_client, name, project) for name in VIEWS] == before
    assert len(read_members(otel_client, project)) == len(spans)


def test_a_trace_of_more_spans_than_hashes_are_kept_of_is_held_against_the_whole_proof(otel_client: Client) -> None:
    project, trace, spans = new_project(), f"{1:032x}", 70_000  # some hashes of 20 bits are equal
    otel_client.command(
        "INSERT INTO otel_traces (Project, TraceId, SpanId, SpanName, ClaimLevel, ClaimId, SessionHint) "
        "SELECT {p:String}, {t:String}, lower(hex(number)), 'step', 1, 's', 's' FROM numbers({n:UInt32})",
        {"p": project, "t": trace, "n": spans},
    )
    kept = "SELECT max(length(Spans)) FROM _trace_claims WHERE Project = {p:String}"
    assert otel_client.query(kept, {"p": project}).result_rows == [(65_536,)]
    assert attribution.find(otel_client, [(project, trace)]) == []
    otel_client.command(
        "INSERT INTO otel_traces SELECT * FROM otel_traces WHERE Project = {p:String} LIMIT 1", {"p": project}
    )
    [doubt] = attribution.find(otel_client, [(project, trace)])
    attribution.correct(otel_client, [doubt.trace])
    counted = "SELECT SpanCount FROM sessions WHERE Project = {p:String}"
    assert otel_client.query(counted, {"p": project}).result_rows == [(spans,)]


def test_a_trace_whose_hashes_are_gone_is_in_order_until_a_span_comes_again(otel_client: Client) -> None:
    project, spans = new_project(), 8
    trace = project.encode().hex().rjust(32, "0")[-32:]
    otel_client.command(
        "INSERT INTO otel_traces (Project, TraceId, SpanId, SpanName, ClaimLevel, ClaimId, SessionHint, ReceivedAt) "
        "SELECT {p:String}, {t:String}, leftPad(hex(number), 16, '0'), 'step', 1, 's', 's', now() - INTERVAL 2 DAY "
        "FROM numbers({n:UInt32})",
        {"p": project, "t": trace, "n": spans},
    )
    otel_client.command("OPTIMIZE TABLE _trace_claims FINAL")
    kept = "SELECT sum(Rows), sum(length(Spans)) FROM _trace_claims WHERE Project = {p:String}"
    assert otel_client.query(kept, {"p": project}).result_rows == [(spans, 0)]
    assert attribution.find(otel_client, [(project, trace)]) == []
    otel_client.command(
        "INSERT INTO otel_traces SELECT * REPLACE (now() AS ReceivedAt) FROM otel_traces "
        "WHERE Project = {p:String} LIMIT 1",
        {"p": project},
    )
    [doubt] = attribution.find(otel_client, [(project, trace)])
    attribution.correct(otel_client, [doubt.trace])
    counted = "SELECT SpanCount FROM sessions WHERE Project = {p:String}"
    assert otel_client.query(counted, {"p": project}).result_rows == [(spans,)]


def _fields(span: OracleSpan) -> dict[str, Any]:
    return {name: getattr(span, name) for name in OracleSpan.__slots__}


def score(client: Client, span: OracleSpan, *, on_trace: bool = False) -> None:
    """Gives a score to a span, or to its trace."""
    client.command(
        "INSERT INTO _scores (Project, ScoreId, TraceId, SpanId, Name) "
        "SELECT {p:String}, generateUUIDv4(), {t:String}, {s:String}, 'quality'",
        {"p": span.project, "t": span.trace_id, "s": "" if on_trace else span.span_id},
    )


def scored(client: Client, project: str) -> list[tuple[str, str]]:
    """The trace and session of each score of a project."""
    sql = "SELECT TraceId, SessionId FROM session_scores WHERE Project = {p:String} ORDER BY ALL"
    return [(trace, session) for trace, session in client.query(sql, {"p": project}).result_rows]


@pytest.mark.remote_too
def test_a_score_of_a_span_that_is_stored_twice_shows_once(otel_client: Client) -> None:
    project = new_project()
    root = OracleSpan(project, "0" * 31 + "1", "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1, claim_id="s")
    receiver = Receiver(otel_client, project)
    receiver.take([[root]])
    receiver.take([[root]])
    score(otel_client, root)
    assert scored(otel_client, project) == [(root.trace_id, "s")]


def test_a_trace_is_scored_in_the_session_of_the_versions_that_count(otel_client: Client) -> None:
    """Of two versions whose claims differ behind fourteen bytes the content decides, not the claim."""
    project = new_project()
    receiver = Receiver(otel_client, project)
    root = OracleSpan(project, "", "0" * 15 + "1", True, EPOCH, EPOCH + 9, level=1)
    roots = [
        replace(root, trace_id=f"{n:032x}", claim_id="a" * 20 + end, mark=f"{n}{end}")
        for n in range(1, 9)
        for end in "xy"
    ]
    for span in roots:
        receiver.take([[span]])
    receiver.attribute(roots)
    for span in roots[::2]:
        score(otel_client, span, on_trace=True)
    members = {trace: session for (_, trace, _), session in read_members(otel_client, project).items()}
    assert set(members.values()) == {"a" * 20 + "x", "a" * 20 + "y"}
    assert scored(otel_client, project) == sorted(members.items())
