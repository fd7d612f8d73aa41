"""Sessions that are deleted are nowhere any more, and what is kept for a time only is deleted when it is over.

Statements are the same behind HTTP: `remote_too` are those tests that together run each of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.exporters.clickhouse.forgotten import Forgotten
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.listing import Wanted, list_sessions
from otel_sessions.sessions import additions, attribution, deletion, retention, scores
from otel_sessions.sessions.scores import Score
from otel_sessions.testing.otlp import Span, new_trace_id, request, span
from tests.integration.delivery import insert, new_project

SESSIONS = "SELECT SessionId, SpanCount, TraceCount FROM sessions WHERE Project = {p:String} ORDER BY SessionId"
DAY_NS = 86_400 * 10**9
S, R, C = "session.id", "resource session.id", "gen_ai.conversation.id"
TABLES = (
    "otel_traces",
    "_session_turns",
    "_session_activity",
    "_trace_claims",
    "_corrections",
    "_corrected_turns",
    "_corrected_spans",
    "_session_bookmarks",
)


@pytest.fixture
def client(own_client: Client) -> Client:
    return own_client


def batch(project: str, *spans: Span) -> SpanBatch:
    decoded = decode([request(*spans).SerializeToString()], [project]).batch
    return SessionProcessor(SessionConfig()).process(decoded)


def store(client: Client, project: str, *spans: Span) -> None:
    """One insert, and the look after it."""
    insert(client, batch(project, *spans))
    traces = sorted({(project, each.trace_id.hex()) for each in spans})
    attribution.correct(client, [doubt.trace for doubt in attribution.find(client, traces)])


def sessions(client: Client, project: str) -> list[tuple[object, ...]]:
    return list(client.query(SESSIONS, {"p": project}).result_rows)


def left(client: Client, project: str) -> dict[str, int]:
    """The rows that the tables have of a project."""
    query = "SELECT count() FROM {table:Identifier} WHERE Project = {p:String}"
    counts = {t: int(client.query(query, {"table": t, "p": project}).result_rows[0][0]) for t in TABLES}
    return {table: count for table, count in counts.items() if count}


@pytest.mark.remote_too
def test_a_deleted_session_leaves_nothing_behind(client: Client) -> None:
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    store(client, project, span("child", parent=root))
    store(client, project, root)  # a late claim: there are corrections
    additions.set_bookmark(client, project=project, session_id="gone", wanted=True)
    assert set(left(client, project)) == set(TABLES)
    assert deletion.delete(client, [(project, "gone")]) == 1
    assert (left(client, project), sessions(client, project)) == ({}, [])
    assert deletion.delete(client, [(project, "gone")]) == 0


def test_a_shared_trace_keeps_the_spans_of_the_session_that_stays(client: Client) -> None:
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    other = span("other", parent=root, attributes={"session.id": "stays"})
    store(client, project, root, span("child", parent=root), other)
    store(client, project, span("elsewhere", attributes={"session.id": "stays"}))
    deletion.delete(client, [(project, "gone")])
    assert sessions(client, project) == [("stays", 2, 2)]
    listed = client.query("SELECT SpanName FROM session_spans WHERE Project = {p:String}", {"p": project})
    assert sorted(name for (name,) in listed.result_rows) == ["elsewhere", "other"]


@pytest.mark.remote_too
def test_what_is_forgotten_is_known_with_its_traces_until_its_time_is_over(client: Client) -> None:
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    store(client, project, root)
    deletion.delete(client, [(project, "gone")], forget_for=None)
    assert deletion.forgotten(client)[project, "gone"].traces == [root.trace_id.hex()]
    deletion.delete(client, [(project, "gone")], forget_for=timedelta(seconds=-1))
    assert (project, "gone") not in deletion.forgotten(client)


def expire(client: Client, now_ns: int, **bounds: timedelta | None) -> int:
    now = datetime.fromtimestamp(now_ns / 1e9, UTC)
    return retention.expire(client, now=now, **{"sessions": None, "unassigned": None, **bounds})  # type: ignore[arg-type]


@pytest.mark.remote_too
def test_sessions_go_whole_by_their_last_activity_but_for_those_that_are_kept(client: Client) -> None:
    project = new_project()
    begin = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()) * 10**9  # before all that other tests store
    for name, day in (("old", 0), ("starred", 0), ("active", 0), ("active", 9)):
        moment = begin + day * DAY_NS
        store(client, project, span(start=moment, end=moment + 5, attributes={"session.id": name}))
    store(client, project, span("nobody's", start=begin), span("nobody's", start=begin + 9 * DAY_NS))
    additions.set_bookmark(client, project=project, session_id="starred", wanted=True)
    assert expire(client, begin + 10 * DAY_NS) == 0
    assert expire(client, begin + 10 * DAY_NS, sessions=timedelta(days=7), unassigned=timedelta(days=7)) == 1
    assert sessions(client, project) == [("active", 2, 2), ("starred", 1, 1)]
    unassigned = "SELECT count() FROM otel_traces WHERE Project = {p:String} AND SpanName = 'nobody''s'"
    assert client.query(unassigned, {"p": project}).result_rows == [(1,)]


def test_what_was_stored_of_a_deleted_session_all_the_same_goes_with_the_next_check(client: Client) -> None:
    project = new_project()
    store(client, project, span(attributes={"session.id": "gone"}))
    deletion.delete(client, [(project, "gone")])
    store(client, project, span(attributes={"session.id": "gone"}))
    expire(client, 10**18)
    assert sessions(client, project) == []


@pytest.mark.remote_too
def test_spans_of_a_deleted_session_go_though_their_turns_went_before_them(client: Client) -> None:
    """An insert stored spans after the deletion of spans, and turns before that of turns."""
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    store(client, project, root, span("child", parent=root))
    deletion.delete(client, [(project, "gone")])
    before = deletion.forgotten(client)[project, "gone"].updated_ns
    assert deletion.delete_stored_again(client, before) == 0
    insert(client, batch(project, root, span("child", parent=root)))
    client.command("DELETE FROM _session_turns WHERE Project = {p:String}", {"p": project})
    assert sessions(client, project) == []
    assert deletion.delete_stored_again(client, before) == 1
    assert left(client, project) == {}
    assert deletion.stored_again(client, before) == []


def drop(client: Client, project: str, *spans: Span) -> int:
    """How many of these spans a receiver that has just started keeps away; it stores the others."""
    forgotten = Forgotten(lambda count: None)
    forgotten.look(client)
    left = forgotten.without(client, [batch(project, *spans)])
    for some in left:
        insert(client, some)
    traces = sorted({(project, each.trace_id.hex()) for each in spans})
    attribution.correct(client, [doubt.trace for doubt in attribution.find(client, traces)])
    return len(spans) - sum(map(len, left))


def names(client: Client, project: str) -> list[tuple[object, ...]]:
    query = "SELECT SessionId, SpanName FROM session_spans WHERE Project = {p:String} ORDER BY 1, 2"
    return list(client.query(query, {"p": project}).result_rows)


def test_of_a_trace_of_a_deleted_session_only_what_names_another_is_stored(client: Client) -> None:
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    store(client, project, root)
    deletion.delete(client, [(project, "gone")])
    before = deletion.forgotten(client)[project, "gone"].updated_ns
    other = span("other", parent=root, attributes={"session.id": "another"})
    store(client, project, root, other, span("child", parent=root))  # an insert that does not know of the deletion
    assert deletion.delete_stored_again(client, before) == 1
    assert names(client, project) == [("another", "other")]
    assert deletion.stored_again(client, before) == []
    assert drop(client, project, root, other, span("late", parent=root)) == 2
    assert sessions(client, project) == [("another", 1, 1)]
    deletion.delete(client, [(project, "gone")])
    assert sessions(client, project) == [("another", 1, 1)]
    deletion.delete(client, [(project, "another")])
    assert drop(client, project, root, other) == 2
    assert set(left(client, project)) <= {"_session_activity"}, "a bound, which may be too great"


@pytest.mark.parametrize(
    ("key", "late", "stays"), [(R, S, "late"), (R, R, "late"), (S, R, ""), (C, R, "late"), (C, C, "")]
)
def test_what_names_another_session_by_a_worse_claim_than_the_deleted_one_stays_away(
    client: Client, key: str, late: str, stays: str
) -> None:
    """As the rule has it: a worse claim, or a conversation, is in the session of the best claim of its trace."""
    project, trace = new_project(), new_trace_id()

    def claiming(key: str, id_: str) -> SpanBatch:
        of_resource, name = key.startswith("resource "), key.removeprefix("resource ")
        attributes = {} if of_resource else {name: id_}
        body = request(span(id_, trace_id=trace, attributes=attributes), resource={name: id_} if of_resource else {})
        return SessionProcessor(SessionConfig()).process(decode([body.SerializeToString()], [project]).batch)

    insert(client, claiming(key, "gone"))
    deletion.delete(client, [(project, "gone")])
    forgotten = Forgotten(lambda count: None)
    forgotten.look(client)
    for some in forgotten.without(client, [claiming(late, "late")]):
        insert(client, some)
    assert names(client, project) == ([(stays, "late")] if stays else [])


def test_spans_of_a_deleted_session_stay_out_of_the_one_that_it_shared_their_trace_with(client: Client) -> None:
    """Also after a restart: it is the trace that says whose they are."""
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    child, other = span("child", parent=root), span("other", parent=root, attributes={"session.id": "stays"})
    store(client, project, root, child, other)
    deletion.delete(client, [(project, "gone")])
    assert drop(client, project, child, other, span("late", parent=root)) == 2
    assert names(client, project) == [("stays", "other")]
    store(client, project, child)  # an insert that does not know of the deletion
    assert names(client, project) == [("stays", "child"), ("stays", "other")]
    assert deletion.delete_stored_again(client, 0) == 1
    assert names(client, project) == [("stays", "other")]


@pytest.mark.remote_too
def test_a_session_that_stays_keeps_what_has_no_session_of_its_own_in_a_trace_that_is_its_own(
    client: Client,
) -> None:
    project = new_project()
    root = span("root", attributes={"session.id": "stays"})
    other = span("other", parent=root, start=root.start_time_unix_nano + 1, attributes={"session.id": "gone"})
    agent = span("agent", parent=root, attributes={"gen_ai.conversation.id": "gone"})
    store(client, project, root, other)
    deletion.delete(client, [(project, "gone")])
    assert drop(client, project, span("late", parent=root), other, agent) == 1
    assert names(client, project) == [("stays", "agent"), ("stays", "late"), ("stays", "root")]


@pytest.mark.remote_too
def test_scores_of_what_a_deleted_session_had_of_a_shared_trace_go_with_it(client: Client) -> None:
    project = new_project()
    root = span("root", attributes={"session.id": "gone"})
    child, other = span("child", parent=root), span("other", parent=root, attributes={"session.id": "stays"})
    store(client, project, root, child, other)
    moment, trace_id = datetime(2026, 1, 1, tzinfo=UTC), root.trace_id.hex()
    anchors = {"trace": "", "child": child.span_id.hex(), "other": other.span_id.hex()}
    scored = [
        Score(
            project=project,
            score_id=name,
            name="n",
            data_type="NUMERIC",
            timestamp=moment,
            updated_at=moment,
            trace_id=trace_id,
            span_id=span_id,
        )
        for name, span_id in anchors.items()
    ]
    scores.store(client, scored)
    deletion.delete(client, [(project, "gone")])
    query = "SELECT ScoreId FROM _scores WHERE Project = {p:String}"
    assert client.query(query, {"p": project}).result_rows == [("other",)]


def test_metadata_of_a_deleted_trace_hide_no_session_under_which_it_was_stored(client: Client) -> None:
    """It was stored under a session that stays, was of the one that goes, and had the last value of both."""
    project, key = new_project(), "langfuse.trace.metadata.k"
    store(client, project, span("kept", start=1, attributes={"session.id": "stays", key: "kept"}))
    child = span("child", start=5, attributes={"gen_ai.conversation.id": "stays", key: "gone"})
    root = span("root", start=5, trace_id=child.trace_id, attributes={"session.id": "gone"})
    store(client, project, child)
    store(client, project, root)
    for query, after in (("metadata.k:kept", ["stays"]), ("metadata.k:gone", [])):
        chosen = Wanted(project, Filter(query=query))
        deletion.delete(client, [(project, "gone")])
        page = list_sessions(client, chosen, now_ns=0)
        assert [row["SessionId"] for row in page.rows] == after


def test_what_is_deleted_again_stays_away_as_long_as_before_and_with_all_its_traces(client: Client) -> None:
    project = new_project()
    first, second = (span(attributes={"session.id": "gone"}) for _ in range(2))
    store(client, project, first)
    deletion.delete(client, [(project, "gone")], forget_for=None)
    before = deletion.forgotten(client)[project, "gone"].updated_ns
    store(client, project, second)
    assert (project, "gone") in deletion.stored_again(client, before)
    assert deletion.delete_stored_again(client, before) == 1
    assert (left(client, project), sessions(client, project)) == ({}, [])
    assert (project, "gone") not in deletion.stored_again(client, before)
    forgotten = deletion.forgotten(client)
    assert forgotten[project, "gone"].traces == sorted(each.trace_id.hex() for each in (first, second))
    query = "SELECT toYear(Until) FROM _forgotten FINAL WHERE Project = {p:String}"
    assert client.query(query, {"p": project}).result_rows == [(2261,)]
