"""On a cluster of shards everything is as on one server: `pytest --clickhouse cluster tests/integration/on_cluster.py`.

tests/clickhouse/test_cluster.py runs this; other modules that take `otel_client` can be run so by hand.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import DEFAULT_DATABASE
from otel_sessions.clickhouse.cluster import mutate
from otel_sessions.errors import Permanent, SchemaError
from otel_sessions.pdata import NO_CLAIM
from otel_sessions.queries import listing
from otel_sessions.sessions import deletion, migrations, rebuild
from otel_sessions.testing.oracle import OracleSpan, assign, figures
from tests.integration.delivery import EPOCH, Receiver, new_project
from tests.integration.test_attribution import read_figures, read_members
from tests.sessions.test_bounds_left_behind import bounds, of_turns

TRACES, SESSIONS = 14, 4


def some_spans(project: str, rnd: random.Random) -> list[OracleSpan]:
    """Traces with claims of every level, of several sessions, some of none."""
    spans = []
    for trace in range(TRACES):
        for number in range(rnd.randint(1, 4)):
            level = rnd.choice([1, 1, 2, 3, 4, NO_CLAIM, NO_CLAIM])
            start = EPOCH + rnd.randint(0, 200) * 1_000_000_000
            spans.append(
                OracleSpan(
                    project=project,
                    trace_id=f"{trace + 1:032x}",
                    span_id=f"{trace * 100 + number + 1:016x}",
                    is_root=number == 0,
                    start=start,
                    end=start + rnd.randint(0, 3) * 1_000_000_000,
                    level=level,
                    claim_id="" if level == NO_CLAIM else f"s{rnd.randrange(SESSIONS)}",
                    error=rnd.random() < 0.2,
                    input_tokens=rnd.randint(0, 50),
                    output_tokens=rnd.randint(0, 50),
                    cost=Decimal(rnd.randint(0, 1000)) / 1000,
                )
            )
    return spans


@pytest.fixture(scope="module")
def stored(otel_client: Client) -> list[OracleSpan]:
    """Spans in any order, some twice, from two receivers that forget."""
    rnd = random.Random(20)
    spans = some_spans(new_project(), rnd)
    line = [*spans, *(replace(span) for span in rnd.sample(spans, len(spans) // 4))]
    rnd.shuffle(line)
    fleet = [Receiver(otel_client, spans[0].project) for _ in range(2)]
    while line:
        size = rnd.randint(4, 16)
        parcel, line = line[:size], line[size:]
        fleet[0].take([parcel])
        if rnd.random() < 0.3:
            fleet[0].attribute(parcel)
        fleet.reverse()
    fleet[0].restart()
    fleet[0].recover()
    fleet[0].attribute(spans)
    return spans


def test_the_sessions_are_those_of_the_rule(otel_client: Client, stored: list[OracleSpan]) -> None:
    project = stored[0].project
    assert read_figures(otel_client, project) == figures(stored)
    held = {identity: session for identity, session in assign(stored).items() if session is not None}
    assert read_members(otel_client, project) == held


def test_bounds_that_are_lost_are_told_by_a_start_and_others_not_again(otel_client: Client) -> None:
    projects = [new_project(), new_project()]
    for project in projects:
        Receiver(otel_client, project).take([some_spans(project, random.Random(7))])
    told = [bounds(otel_client, project) for project in projects]
    assert told == [of_turns(otel_client, project) for project in projects]
    of_one = "DELETE FROM {table:Identifier} WHERE Project = {p:String}"
    mutate(otel_client, of_one, "_session_activity", {"p": projects[0]})
    assert bounds(otel_client, projects[0]) == {}
    Receiver(otel_client, projects[0]).recover()
    assert [bounds(otel_client, project) for project in projects] == told


def test_spans_lie_at_several_shards_and_each_figure_with_its_spans(
    otel_client: Client, stored: list[OracleSpan]
) -> None:
    """So what the test above has seen was put together from what shards say."""
    query = "SELECT shardNum(), groupUniqArray(TraceId) FROM {table:Identifier} WHERE Project = {p:String} GROUP BY 1"
    bound = {"p": stored[0].project}
    spans = dict(otel_client.query(query, {**bound, "table": "otel_traces"}).result_rows)
    assert len(spans) > 1
    for table in ("_session_turns", "_trace_claims", "_corrections"):
        for shard, traces in otel_client.query(query, {**bound, "table": table}).result_rows:
            assert set(traces) <= set(spans[shard]), table


@pytest.mark.parametrize("sort", ["cost", "last_activity", "spans"])
def test_a_list_by_bounds_is_in_order(
    otel_client: Client, stored: list[OracleSpan], sort: listing.Sort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_FIRST_LOOK", 1)
    monkeypatch.setattr(listing, "_MORE", 1)
    project, cursor, ids = stored[0].project, None, list[str]()
    while not ids or cursor is not None:
        wanted = listing.Wanted(project, sort=sort, limit=1, cursor=cursor)
        page = listing.list_sessions(otel_client, wanted, now_ns=EPOCH)
        ids += [row["SessionId"] for row in page.rows]
        cursor = page.next_cursor
    column = {"cost": "Cost", "last_activity": "EndTime", "spans": "SpanCount"}[sort]
    keys = {session: row[column] for (_, session), row in figures(stored).items()}
    assert [keys[session] for session in ids] == sorted(keys.values(), reverse=True)
    assert sorted(ids) == sorted(keys)


def test_a_period_is_rebuilt_and_all_of_time_at_once_is_not(otel_client: Client, stored: list[OracleSpan]) -> None:
    with pytest.raises(Permanent, match="on a cluster"):
        next(rebuild.everything(otel_client))


def test_its_database_is_not_taken_for_one_of_a_server(otel_client: Client) -> None:
    assert migrations.pending(otel_client, DEFAULT_DATABASE, "shards") == ()
    with pytest.raises(SchemaError, match=r"exporters\.clickhouse\.cluster"):
        migrations.pending(otel_client, DEFAULT_DATABASE)


def test_what_is_deleted_is_gone_at_every_shard(otel_client: Client, stored: list[OracleSpan]) -> None:
    project = stored[0].project
    ids = [session for _, session in figures(stored)]
    assert deletion.delete(otel_client, [(project, session) for session in ids[:1]]) == 1
    rest = read_figures(otel_client, project)
    assert (project, ids[0]) not in rest
    assert rest == {key: row for key, row in figures(stored).items() if key[1] != ids[0]}
