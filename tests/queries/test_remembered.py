"""Rows of sessions are remembered as long as nothing has changed of them, and not a moment longer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from struct import pack, unpack
from types import SimpleNamespace
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.at_once import lend
from otel_sessions.clickhouse.connection import Store
from otel_sessions.queries import keyed, remembered, whole
from otel_sessions.queries.remembered import Remembered, remembered_by
from otel_sessions.queries.rows import Row, run
from otel_sessions.sessions import deletion
from otel_sessions.testing.oracle import OracleSpan
from tests.integration.delivery import EPOCH, Receiver, new_project
from tests.queries.noting import noting

pytestmark = pytest.mark.skipif(
    "config.getoption('--clickhouse') != 'embedded'", reason="only the embedded engine remembers"
)


def span(project: str, number: int, **more: Any) -> OracleSpan:
    given: dict[str, Any] = {"level": 1, "claim_id": "s", "start": EPOCH, "end": EPOCH + 5, **more}
    return OracleSpan(project, f"{number:032x}", f"{number:016x}", **given)


class Watched:
    """A client that notes the statements which work figures out of turns."""

    def __init__(self, client: Client, after: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._after = after
        self.worked_out = 0

    def raw_query(self, sql: str, *args: Any, **named: Any) -> bytes:
        found: bytes = self._client.raw_query(sql, *args, **named)
        if "AS LongestGap" in sql:
            self.worked_out += 1
            self._after()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def rows(client: Client, project: str, ids: Sequence[str] = ("s",), condition: str = "1", limit: int = 9) -> list[Row]:
    texts = {"COLUMNS": "*", "KEY": "Cost", "DIRECTION": "DESC", "AMONG": "1", "CONDITION": condition, "BEHIND": "1"}
    named = {"project": project, "session_ids": list(ids), "limit": limit}
    found = whole.select(client, "list_keys", named, **texts)
    return [{name: value for name, value in row.items() if name != "_key"} for row in found]


def view(client: Client, project: str) -> list[Row]:
    return run(client, "SELECT * FROM sessions WHERE Project = {p:String}", {"p": project})


@pytest.fixture(params=[1, 2], ids=["once", "in doubt"])
def stored(otel_client: Client, request: pytest.FixtureRequest) -> tuple[Receiver, OracleSpan]:
    """A session `s` of which a span was stored once, or twice."""
    project = new_project()
    receiver, one = Receiver(otel_client, project), span(project, 1)
    receiver.take([[one]] * request.param)
    receiver.attribute([one])
    return receiver, one


@pytest.fixture
def no_merges(otel_client: Client) -> Iterator[None]:
    """What others have stored is not merged with what is remembered meanwhile. Deletions would wait for it to end."""
    otel_client.command("SYSTEM STOP MERGES")
    yield
    otel_client.command("SYSTEM START MERGES")


@pytest.mark.usefixtures("no_merges")
def test_a_session_is_worked_out_once(otel_client: Client, stored: tuple[Receiver, OracleSpan]) -> None:
    project, watched = stored[0].project, Watched(otel_client)
    client = cast(Client, watched)
    assert rows(client, project) == rows(client, project) == view(otel_client, project)
    assert rows(client, project, condition="SpanCount = 1 AND ErrorCount = 0") == view(otel_client, project)
    assert rows(client, project, condition="SpanCount = 2") == []
    assert watched.worked_out == 1


@pytest.mark.usefixtures("no_merges")
def test_clients_of_one_store_remember_together(otel_client: Client, stored: tuple[Receiver, OracleSpan]) -> None:
    project, clients = stored[0].project, [Watched(otel_client) for _ in range(3)]
    store = Store(None, "test", threads=1, max_waiting=1)
    for client in clients[:2]:
        lend(cast(Client, client), store)
    assert all(rows(cast(Client, client), project) == view(otel_client, project) for client in clients)
    assert [client.worked_out for client in clients] == [1, 0, 1]
    store.close()


def test_sessions_that_a_condition_leaves_out_are_remembered_too(
    otel_client: Client, stored: tuple[Receiver, OracleSpan]
) -> None:
    receiver = stored[0]
    project, watched = receiver.project, Watched(otel_client)
    dear = span(project, 2, claim_id="dear", kind="model", cost=Decimal(2))
    receiver.take([[dear], [dear]])
    receiver.attribute([dear])
    client, ids = cast(Client, watched), ("s", "dear")
    worked_out = []
    for _ in range(2):
        assert [row["SessionId"] for row in rows(client, project, ids, "Cost < 1", limit=1)] == ["s"]
        assert rows(client, project, ids, "SpanCount = 2") == []
        worked_out.append(watched.worked_out)
    assert worked_out[0] == worked_out[1]


def test_sessions_that_are_too_great_to_be_remembered_are_chosen_all_the_same(
    otel_client: Client, stored: tuple[Receiver, OracleSpan], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = stored[0].project
    monkeypatch.setattr(remembered, "_MOST_BYTES", 10)
    assert rows(otel_client, project, condition="SpanCount = 1") == view(otel_client, project)
    assert rows(otel_client, project, condition="SpanCount = 2") == []


def _stored(client: Client, receiver: Receiver, one: OracleSpan) -> None:
    receiver.take([[span(one.project, 2)]])


def _corrected(client: Client, receiver: Receiver, one: OracleSpan) -> None:
    """A span without a claim of its own, of a trace that is in doubt already, makes no turn."""
    late = replace(one, span_id=f"{2:016x}", level=9, claim_id="", error=True)
    receiver.restart()
    receiver.take([[late]])
    receiver.attribute([late])


def _deleted(client: Client, receiver: Receiver, one: OracleSpan) -> None:
    deletion.delete(client, [(one.project, "s")])


@pytest.mark.parametrize("change", [_stored, _corrected, _deleted])
def test_what_changes_a_session_is_seen_at_once(
    otel_client: Client, stored: tuple[Receiver, OracleSpan], change: Callable[[Client, Receiver, OracleSpan], None]
) -> None:
    receiver, one = stored
    before = rows(otel_client, one.project)
    change(otel_client, receiver, one)
    after = [row for row in view(otel_client, one.project) if row["SessionId"] == "s"]
    assert rows(otel_client, one.project) == after != before


def test_what_is_stored_while_a_session_is_worked_out_is_seen_the_next_time(
    otel_client: Client, stored: tuple[Receiver, OracleSpan]
) -> None:
    receiver, one = stored
    client = cast(Client, Watched(otel_client, lambda: receiver.take([[span(one.project, 7)]])))
    assert [row["SpanCount"] for _ in range(2) for row in rows(client, one.project)] == [1, 2]


def test_in_which_parts_sessions_lie_is_asked_once_while_there_are_no_others(otel_client: Client) -> None:
    project = new_project()
    receiver, one = Receiver(otel_client, project), span(project, 1)
    receiver.take([[one]])
    client, asked = noting(otel_client, is_embedded=True)

    def is_asked() -> bool:
        asked.clear()
        assert rows(client, project) == [row for row in view(otel_client, project) if row["SessionId"] == "s"]
        return any("AS Version" in query for query in asked)

    assert [is_asked() for _ in range(2)] == [True, False]
    receiver.take([[span(project, 2, claim_id="other")]])
    assert [is_asked() for _ in range(2)] == [True, False]
    _corrected(otel_client, receiver, one)
    assert [is_asked() for _ in range(2)] == [True, False]


def test_versions_are_of_the_parts_they_were_read_with_and_not_more_than_some(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, parts = Remembered(), frozenset("ab")
    monkeypatch.setattr(remembered, "_MOST_VERSIONS", 2)
    memory.keep_versions(parts, "p", {"a": "1", "b": "2"})
    assert memory.versions(parts, "p", ["a", "c"]) == {"a": "1"}
    assert memory.versions(frozenset("a"), "p", ["a"]) == memory.versions(parts, "other", ["a"]) == {}
    memory.keep_versions(parts, "p", {"c": "3"})
    assert memory.versions(parts, "p", ["a", "b", "c"]) == {"c": "3"}
    memory.keep_versions(frozenset("abc"), "p", {"d": "4"})
    assert memory.versions(parts, "p", ["c"]) == memory.versions(frozenset("abc"), "p", ["c"]) == {}


def test_another_table_with_parts_of_the_same_names_is_another_version(otel_client: Client) -> None:
    for name in ("first", "second"):
        otel_client.command(f"CREATE DATABASE remembering_{name}")
        for table in ("_session_turns", "_session_activity", "_corrections", "_corrected_turns"):
            otel_client.command(f"CREATE TABLE remembering_{name}.{table} AS {table}")
        otel_client.command(
            f"INSERT INTO remembering_{name}._session_turns (Project, SessionId, TraceId, NamePick) "
            f"VALUES ('p', 's', 't', '{name}')"
        )
    database = otel_client.query("SELECT currentDatabase()").result_rows[0][0]
    try:
        otel_client.command("USE remembering_first")
        parts = "SELECT DISTINCT _part FROM _session_turns"
        before = whole.known_of(otel_client, "p", ["s"]).versions, otel_client.query(parts).result_rows
        otel_client.command("EXCHANGE TABLES _session_turns AND remembering_second._session_turns")
        after = whole.known_of(otel_client, "p", ["s"]).versions, otel_client.query(parts).result_rows
    finally:
        otel_client.command(f"USE {database}")
        for name in ("first", "second"):
            otel_client.command(f"DROP DATABASE remembering_{name}")
    assert before[1] == after[1]
    assert before[0] != after[0]


def test_remembered_rows_have_the_columns_of_the_view(otel_client: Client) -> None:
    columns = "SELECT name, replace(type, 'LowCardinality(String)', 'String') FROM"
    of_database = "database = currentDatabase() AND table = 'sessions'"
    of_view = otel_client.query(f"{columns} (SELECT * FROM system.columns WHERE {of_database} ORDER BY position)")
    assert [tuple(row) for row in of_view.result_rows] == [*whole._columns().items()]


def test_conditions_hold_of_remembered_numbers_to_the_last_bit(otel_client: Client) -> None:
    rnd = random.Random(5)
    costs = {f"s{n}": rnd.choice([rnd.random(), rnd.random() * 1e-6, rnd.randint(0, 10**12) / 1e6]) for n in range(300)}
    texts = "\n".join(f'{{"SessionId": "{id_}", "Cost": {cost!r}}}' for id_, cost in costs.items())
    table = keyed.tables(keyed.SOME)["sessions.remembered"].replace("COLUMNS", "SessionId String, Cost Float64")
    found = run(otel_client, f"SELECT reinterpretAsUInt64(Cost) AS Bits FROM {table}", {"rows": texts})
    assert [row["Bits"] for row in found] == [unpack("<Q", pack("<d", cost))[0] for cost in costs.values()]


def test_a_server_remembers_nothing_and_each_client_for_itself(otel_client: Client) -> None:
    assert remembered_by(cast(Client, SimpleNamespace(uri="http://127.0.0.1:8123"))) is None
    assert remembered_by(otel_client) is remembered_by(otel_client)
    assert remembered_by(cast(Client, Watched(otel_client))) is not remembered_by(otel_client)


def test_texts_that_are_none_are_not_remembered_nor_rows_without_a_version() -> None:
    memory = Remembered()
    memory.keep("p", {"a": "1", "b": "1"}, [{"SessionId": "a", "Input": "\ufffd"}, {"SessionId": "c"}])
    assert memory.texts("p", {"a": "1", "b": "1", "c": "1"}) == {}


def test_what_was_asked_for_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Remembered()
    monkeypatch.setattr(remembered, "_MOST_BYTES", 50)
    versions = dict.fromkeys("abc", "1")
    memory.keep("p", versions, [{"SessionId": "a"}, {"SessionId": "b"}])
    assert [*memory.texts("p", {"a": "1"})] == ["a"]
    memory.keep("p", versions, [{"SessionId": "c"}, {"SessionId": "a", "_key": 1}])
    assert [*memory.texts("p", versions)] == ["a", "c"]
    assert memory.texts("p", {"a": "2"}) == memory.texts("other", versions) == {}
