"""Whatever became of the tables behind the sessions: a verify sees it, and a rebuild puts it right."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import UTC, datetime
from itertools import zip_longest

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.clickhouse.chunks import Period, Piece
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.errors import Permanent, SchemaError
from otel_sessions.sessions import rebuild
from otel_sessions.sessions.rebuild.side import DERIVED
from otel_sessions.sessions.verify.differences import may_differ
from otel_sessions.testing.oracle import OracleSpan
from tests.examples import examples
from tests.integration.delivery import EPOCH, Receiver, deliver, new_project, span_sets
from tests.sessions.rebuild.conftest import agrees, compared, compared_one_by_one, drive, tables

DAMAGE = (
    "DELETE FROM _session_turns WHERE cityHash64(TraceId, {seed:UInt64}) % 3 = 0",
    "DELETE FROM _trace_claims WHERE cityHash64(TraceId, {seed:UInt64}) % 3 = 0",
    "DELETE FROM _corrections WHERE cityHash64(TraceId, {seed:UInt64}) % 3 = 0",
    "DELETE FROM _corrected_spans WHERE cityHash64(SpanId, {seed:UInt64}) % 3 = 0",
    "INSERT INTO _session_turns SELECT * FROM _session_turns LIMIT 2",
    "INSERT INTO _session_turns SELECT * REPLACE ('s9' AS SessionId) FROM _session_turns LIMIT 2",
    "INSERT INTO _corrections SELECT * REPLACE (Seen + 1 AS Seen, arrayPopBack(Members) AS Members, "
    "arrayMap(n -> n + 1, `Minutes.InputTokens`) AS `Minutes.InputTokens`) FROM _corrections LIMIT 2",
    "INSERT INTO _corrections SELECT * REPLACE ('s9' AS SessionId) FROM _corrections LIMIT 2",
    "DELETE FROM _corrected_turns WHERE cityHash64(TraceId, {seed:UInt64}) % 3 = 0",
    "INSERT INTO _corrected_turns SELECT * REPLACE (Seen + 1 AS Seen, arrayPopBack(Members) AS Members, "
    "Correction + 1 AS Correction) FROM _corrected_turns LIMIT 2",
    "INSERT INTO _corrected_turns SELECT * REPLACE ('s9' AS SessionId) FROM _corrected_turns LIMIT 2",
    "INSERT INTO _corrected_spans SELECT * REPLACE (InputTokens + 1 AS InputTokens, Version + 1 AS Version) "
    "FROM _corrected_spans LIMIT 3",
)


def some_spans(traces: int = 3) -> list[OracleSpan]:
    """Of each trace a child with a conversation of its own, one without any, and a root that names the session."""
    project = new_project()
    claims = {1: (1, "s"), 2: (3, "conversation"), 3: (9, "")}
    return [
        OracleSpan(
            project, f"{t + 1:032x}", f"{t * 10 + n:016x}", n == 1, EPOCH + n, EPOCH + 9, *claims[n], input_tokens=n
        )
        for t in range(traces)
        for n in (3, 2, 1)
    ]


def store_late(client: Client, spans: list[OracleSpan]) -> None:
    """Those of a trace one by one, so that its root claims it late."""
    traces = [[span for span in spans if span.trace_id == id_] for id_ in dict.fromkeys(s.trace_id for s in spans)]
    receiver = Receiver(client, spans[0].project)
    for together in zip_longest(*traces):
        receiver.restart()
        receiver.take([[span for span in together if span is not None]])
    receiver.attribute(spans)


@pytest.mark.timeout(600)
@settings(max_examples=examples(2), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sets=st.lists(span_sets(), min_size=1, max_size=2), seed=st.integers(0, 2**32), data=st.data())
def test_whatever_was_damaged_is_seen_and_put_right(
    client: Client, sets: list[list[OracleSpan]], seed: int, data: st.DataObject
) -> None:
    for name in ("otel_traces", *DERIVED):
        client.command(f"TRUNCATE TABLE {name}")
    for spans in sets:
        deliver(client, spans, random.Random(seed))
    assert compared(client) == ()
    for statement in data.draw(st.lists(st.sampled_from(DAMAGE), min_size=1, max_size=4, unique=True)):
        client.command(statement, {"seed": seed})
    found = compared(client)
    assert (found == ()) == all(agrees(client, spans) for spans in sets)
    assert found == compared_one_by_one(client)
    drive(rebuild.everything(client, rows_a_piece=20))
    assert all(agrees(client, spans) for spans in sets)
    assert compared(client) == ()


def test_sessions_that_are_right_are_not_looked_at_span_by_span(client: Client) -> None:
    spans = some_spans()
    store_late(client, [*spans, *spans, replace(spans[0], start=0, end=0, span_id="a" * 16, error=True)])
    everything = Piece("", None)
    assert may_differ(client, everything) == []
    assert may_differ(client, everything, period=Period(datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC))) == []
    client.command("DELETE FROM _corrected_turns WHERE 1")
    assert may_differ(client, everything) == [(spans[0].project, "conversation"), (spans[0].project, "s")]


def test_a_copy_with_other_contents_is_seen_where_every_id_and_figure_is_right(client: Client) -> None:
    spans = some_spans(2)
    store_late(client, spans)
    client.command(
        "INSERT INTO _corrected_spans SELECT * REPLACE ('altered' AS StatusMessage, Version + 1 AS Version) "
        "FROM _corrected_spans WHERE SpanId = {s:String}",
        {"s": spans[0].span_id},
    )
    [found] = compared(client)
    assert (found.session_id, found.different, found.views) == ("s", 1, ())
    assert compared_one_by_one(client) == (found,)
    drive(rebuild.everything(client))
    assert compared(client) == ()


def test_the_lesser_of_two_versions_in_the_place_of_the_greater_is_seen(client: Client) -> None:
    """The one that is listed lies in the session, the other in none, and nobody has looked at the trace."""
    spans = [replace(span, trace_id=f"{n:032x}") for n in (1, 2) for span in some_spans(1)]
    for (child, _, root), marks in zip((spans[:3], spans[3:]), ("ab", "ba"), strict=True):
        Receiver(client, root.project).take([[replace(child, mark=marks[0])]])
        Receiver(client, root.project).take([[replace(child, mark=marks[1]), root]])
    [found] = compared(client)
    assert (found.session_id, found.different, found.missing, found.extra) == ("s", 1, 0, 0)
    assert compared_one_by_one(client) == (found,)


def test_all_that_was_lost_comes_back(client: Client) -> None:
    spans = some_spans()
    store_late(client, spans)
    before = tables(client)
    made = [client.command(f"SHOW CREATE TABLE {name}") for name in DERIVED]
    for name in DERIVED:
        client.command(f"TRUNCATE TABLE {name}")
    found = {each.session_id: each for each in compared(client)}
    # Spans still lie where they were stored: a third under no session, a third under the conversation.
    assert (found["s"].missing, found["conversation"].extra) == (6, 3)
    assert found["s"].views == ("session_timeline", "session_traces", "sessions")
    assert drive(rebuild.everything(client)) == len(spans)
    assert agrees(client, spans)
    assert tables(client) == before
    assert [client.command(f"SHOW CREATE TABLE {name}") for name in DERIVED] == made


def test_a_claim_that_was_never_stored_is_forgotten(client: Client) -> None:
    spans = some_spans(2)
    store_late(client, spans)
    hinted = replace(spans[0], span_id="f" * 16)
    lost = replace(spans[0], trace_id="e" * 32)
    for span in (hinted, lost):
        Receiver(client, span.project).take([[span]])
        client.command(
            "INSERT INTO otel_traces SELECT * REPLACE ('phantom' AS SessionHint) FROM otel_traces "
            "WHERE SpanId = {s:String} AND TraceId = {t:String}",
            {"s": span.span_id, "t": span.trace_id},
        )
    assert "phantom" in {found.session_id for found in compared(client)}
    drive(rebuild.everything(client))
    assert agrees(client, [*spans, hinted, lost])
    assert compared(client) == ()
    # What comes after is filed and attributed as ever.
    late = replace(lost, span_id="d" * 16, is_root=True, level=1, claim_id="late")
    receiver = Receiver(client, late.project)
    receiver.take([[late]])
    receiver.attribute([late])
    assert agrees(client, [*spans, hinted, lost, late])


def test_one_version_of_a_span_counts(client: Client) -> None:
    spans = some_spans(1)
    twin = replace(spans[2], claim_id="t", input_tokens=50)
    store_late(client, [*spans, twin])
    drive(rebuild.everything(client))
    assert compared(client) == ()
    assert client.query("SELECT sum(SpanCount) FROM sessions").result_rows == [(3,)]


def test_a_rebuild_that_was_killed_leaves_the_old_tables_in_force(client: Client) -> None:
    spans = some_spans()
    store_late(client, spans)
    before = tables(client)
    steps = sum(1 for _ in rebuild.everything(client, rows_a_piece=8))
    killed = []
    for number in (1, steps - 2):
        killed.append(rebuild.everything(client, rows_a_piece=8, dead_after_s=0))
        for _ in range(number):
            next(killed[-1])
        assert agrees(client, spans)
    assert len(tables(client)) > len(before)
    spans += [replace(span, trace_id="c" * 32) for span in spans[:3]]
    store_late(client, spans[-3:])
    drive(rebuild.everything(client, rows_a_piece=8, dead_after_s=0))
    assert agrees(client, spans)
    assert tables(client) == before


def test_a_second_rebuild_is_refused_while_one_is_alive(client: Client) -> None:
    first = rebuild.everything(client)
    next(first)
    for second in (rebuild.everything(client), rebuild.period(client, Period(*[datetime.now(UTC)] * 2))):
        with pytest.raises(Permanent, match="another rebuild is under way"):
            next(second)
    drive(first)


def test_an_overtaken_rebuild_fails_and_changes_nothing(client: Client) -> None:
    spans = some_spans()
    store_late(client, spans)
    first = rebuild.everything(client)
    next(first)
    drive(rebuild.everything(client, dead_after_s=0))
    with pytest.raises(Exception, match="UNKNOWN_TABLE"):
        drive(first)
    assert agrees(client, spans)


def test_what_is_stored_meanwhile_is_not_lost(client: Client, chdb_endpoint: Endpoint) -> None:
    sets = [[replace(span, project=f"meanwhile-{number}") for span in some_spans()] for number in range(200)]
    ended = threading.Event()
    stored: list[list[OracleSpan]] = []

    def ingest() -> None:
        other = connect(chdb_endpoint, database=client.database)
        for spans in sets:
            if not ended.is_set():
                store_late(other, spans)
                stored.append(spans)
        other.close()

    thread = threading.Thread(target=ingest)
    thread.start()
    drive(rebuild.everything(client))
    ended.set()
    thread.join()
    assert stored
    assert compared(client) == ()
    assert all(agrees(client, spans) for spans in stored)


def test_a_period_is_about_the_traces_stored_in_it(client: Client) -> None:
    early, late = some_spans(2), some_spans(2)
    for spans in (early, late):
        store_late(client, spans)
    for statement in (
        "INSERT INTO otel_traces SELECT * REPLACE (toDateTime('2026-01-01 00:00:00', 'UTC') AS ReceivedAt) "
        "FROM otel_traces WHERE Project = {p:String}",
        "DELETE FROM otel_traces WHERE Project = {p:String} AND ReceivedAt > '2026-01-02 00:00:00'",
    ):
        client.command(statement, {"p": early[0].project})
    for name in DERIVED:
        client.command(f"TRUNCATE TABLE {name}")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    whole = Period(moment, moment)
    assert {found.project for found in compared(client, period=whole)} == {early[0].project}
    drive(rebuild.period(client, whole, rows_a_piece=3))
    assert agrees(client, early)
    assert compared(client, period=whole) == ()
    assert {found.project for found in compared(client)} == {late[0].project}
    drive(rebuild.period(client, Period(moment, datetime(2100, 1, 1, tzinfo=UTC))))
    assert compared(client) == ()


def test_hashes_of_old_spans_are_kept_until_the_rebuild_is_in_force(client: Client) -> None:
    store_late(client, some_spans())
    for statement in (
        "INSERT INTO otel_traces SELECT * REPLACE ('old' AS Project, toDateTime('2026-01-01 00:00:00', 'UTC') AS "
        "ReceivedAt) FROM otel_traces",
        "OPTIMIZE TABLE _trace_claims FINAL",
    ):
        client.command(statement)
    kept = "SELECT sum(length(Spans)) FROM {table:Identifier} WHERE Project = 'old'"
    steps = rebuild.everything(client)
    assert next(step for step in steps if step.doing == "correcting")
    tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '_trace_claims_rebuild%'"
    side = client.query(tables).result_rows[0][0]
    client.command(f"OPTIMIZE TABLE {side} FINAL")
    assert client.query(kept, {"table": side}).result_rows == [(9,)]
    drive(steps)
    client.command("OPTIMIZE TABLE _trace_claims FINAL")
    assert client.query(kept, {"table": "_trace_claims"}).result_rows == [(0,)]
    assert compared(client) == ()


def test_a_view_that_is_missing_is_a_schema_of_another_version(client: Client) -> None:
    client.command("DROP VIEW _trace_claims_mv")
    with pytest.raises(SchemaError, match="otel-sessions migrate"):
        next(rebuild.everything(client))
