"""Which sessions have a turn in a window of time, by the spells that their bounds have."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.language.superset import LAST_END
from otel_sessions.queries.listing import Wanted, list_sessions
from otel_sessions.queries.rows import composed, run
from otel_sessions.sessions import migrations, rebuild
from otel_sessions.sessions.rebuild import run as run_of_rebuild
from otel_sessions.testing.oracle import NO_CLAIM, OracleSpan
from tests.integration.delivery import EPOCH, Receiver, new_project
from tests.integration.viewed import HOUR, MINUTE, missed_by_spells

S = 10**9
_databases = itertools.count()


@pytest.fixture
def own_client(chdb_endpoint: Endpoint) -> Iterator[Client]:
    """A database of its own, for what works on all of one."""
    client = connect(chdb_endpoint)
    migrations.apply(client, f"windows_{next(_databases)}")
    yield client
    client.command("DROP DATABASE {d:Identifier}", {"d": client.database}, use_database=False)
    client.close()


def cut_turns(rnd: random.Random, project: str, traces: int = 24) -> list[OracleSpan]:
    """Spans of turns that pause for hours, each once, nearly all under the session that they claim."""
    spans = []
    for trace in range(1, traces + 1):
        session, step = f"s{trace % 8}", rnd.choice([40 * S, 7 * MINUTE, HOUR // 2, HOUR, 5 * HOUR, 60 * HOUR])
        begin = EPOCH + rnd.randint(0, 400) * HOUR + rnd.choice([-1, 0, 20 * 60 * S])
        for number in range(rnd.randint(1, 3)):
            start = begin + number * step
            claims = {"level": NO_CLAIM} if number == 0 and trace % 6 == 0 else {"level": 1, "claim_id": session}
            span_id = f"{trace * 10 + number:016x}"
            spans.append(OracleSpan(project, f"{trace:032x}", span_id, start=start, end=start + S, **claims))  # type: ignore[arg-type]
    return spans


def store_in_parts(client: Client, rnd: random.Random, spans: Sequence[OracleSpan]) -> None:
    """By a receiver that remembers nothing from one insert to the next, and looks at traces after each."""
    receiver, line = Receiver(client, spans[0].project), rnd.sample(spans, len(spans))
    while line:
        size = rnd.randint(5, 20)
        receiver.take([line[:size]])
        receiver.attribute(line[:size])
        receiver.restart()
        line = line[size:]


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_EXAMPLES", "1"))))
def test_no_window_misses_a_session_of_which_a_turn_pauses_in_it(otel_client: Client, seed: int) -> None:
    rnd = random.Random(seed)
    spans = cut_turns(rnd, new_project())
    store_in_parts(otel_client, rnd, spans)
    assert missed_by_spells(otel_client, spans[0].project, rnd, 150) == []


def test_nor_after_a_rebuild(own_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rnd = random.Random(4)
    spans = cut_turns(rnd, new_project())
    store_in_parts(own_client, rnd, spans)
    monkeypatch.setattr(run_of_rebuild, "_CLOCKS_DIFFER_S", -3600)  # nothing is looked at for having come meanwhile
    for _ in rebuild.everything(own_client):
        pass
    assert missed_by_spells(own_client, spans[0].project, rnd, 150) == []


def two_halves(project: str, session: str = "s", trace: int = 1, apart: int = 9 * HOUR) -> list[OracleSpan]:
    first = OracleSpan(project, f"{trace:032x}", f"{1:016x}", level=1, claim_id=session, start=EPOCH, end=EPOCH + S)
    return [first, replace(first, span_id=f"{2:016x}", start=EPOCH + apart, end=EPOCH + apart + S)]


def found_by_spells(client: Client, project: str, low: int, high: int) -> list[str]:
    chosen = Filter(from_ns=low, to_ns=high).superset(EPOCH)
    sql = composed("list_bounds", KEY=LAST_END, SUPERSET=chosen.sql)
    return [row["SessionId"] for row in run(client, sql, {"project": project, "limit": 99, **chosen.parameters})]


def test_what_a_receiver_that_died_has_left_pauses_too(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    for half in two_halves(project):
        receiver.take([[half]])
    receiver.recover()
    assert found_by_spells(otel_client, project, EPOCH + 4 * HOUR, EPOCH + 5 * HOUR) == ["s"]


def test_spells_tell_a_session_whose_turn_pauses_from_one_of_two_turns(otel_client: Client) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    pauses, apart = two_halves(project, "pauses"), two_halves(project, "apart", 2)
    apart[1] = replace(apart[1], trace_id=f"{3:032x}")
    for halves in zip(pauses, apart, strict=True):
        receiver.take([halves])
        receiver.attribute(halves)
    assert found_by_spells(otel_client, project, EPOCH + 4 * HOUR, EPOCH + 5 * HOUR) == ["pauses"]
    assert sorted(found_by_spells(otel_client, project, EPOCH, EPOCH)) == ["apart", "pauses"]
    assert found_by_spells(otel_client, project, EPOCH - 2 * HOUR, EPOCH - 1) == []


@pytest.mark.parametrize("apart", [HOUR + 1, 5000 * HOUR])
def test_a_spell_may_last_for_months(otel_client: Client, apart: int) -> None:
    project = new_project()
    (long, _) = two_halves(project, "lasts")
    receiver = Receiver(otel_client, project)
    receiver.take([[replace(long, end=EPOCH + apart)]])
    for half in two_halves(project, "pauses", 2, apart):
        receiver.take([[half]])
        receiver.attribute([half])
    for time in (EPOCH, EPOCH + apart // 2, EPOCH + apart):
        assert sorted(found_by_spells(otel_client, project, time, time)) == ["lasts", "pauses"]
    for low, high in ((EPOCH - 2 * HOUR, EPOCH - MINUTE), (EPOCH + apart + MINUTE, EPOCH + apart + HOUR)):
        assert found_by_spells(otel_client, project, low, high) == []


def test_a_turn_is_in_no_window_but_that_of_its_minutes(otel_client: Client) -> None:
    project = new_project()
    begin = EPOCH // MINUTE * MINUTE
    first, _ = two_halves(project)
    span = replace(first, start=begin, end=begin + MINUTE)
    elsewhere = [replace(two_halves(project, trace=2)[number], trace_id=f"{number:032x}") for number in (0, 1)]
    apart = [replace(elsewhere[0], start=begin - 3 * HOUR, end=begin - 3 * HOUR), elsewhere[1]]
    Receiver(otel_client, project).take([[span, *apart]])
    for low, high in ((begin - HOUR, begin), (begin + MINUTE, begin + 2 * HOUR), (begin + 1, begin + 2)):
        assert found_by_spells(otel_client, project, low, high) == ["s"]
    for length in (1, MINUTE, HOUR, 2 * HOUR):
        assert found_by_spells(otel_client, project, begin - length, begin - 1) == []
        assert found_by_spells(otel_client, project, begin + 2 * MINUTE, begin + 2 * MINUTE + length) == []


@pytest.mark.parametrize("lasts", [0, 10 * MINUTE, 38 * MINUTE])
def test_a_turn_may_pause_for_all_of_a_window_of_minutes(otel_client: Client, lasts: int) -> None:
    project = new_project()
    receiver = Receiver(otel_client, project)
    for name, trace, apart in (("pauses", 1, 40 * MINUTE), ("hour", 2, HOUR), ("apart", 3, 9 * HOUR)):
        halves = two_halves(project, name, trace, apart)
        for half in halves if name != "apart" else [halves[0], replace(halves[1], trace_id=f"{9:032x}")]:
            receiver.take([[half]])
            receiver.attribute([half])
    low = EPOCH + MINUTE
    assert sorted(found_by_spells(otel_client, project, low, low + lasts)) == ["hour", "pauses"]


@pytest.mark.parametrize("wrong", [0, 2**63 + 5], ids=["zero", "beyond 2262"])
def test_more_spells_than_are_kept_stand_for_any(own_client: Client, wrong: int) -> None:
    project = new_project()
    receiver = Receiver(own_client, project)
    (span, _) = two_halves(project)
    starts = [EPOCH + number * 3 * HOUR for number in range(1030)]
    spans = [replace(span, trace_id=f"{start:032x}", start=start, end=start) for start in starts]
    receiver.take([spans])
    receiver.take([[replace(span, trace_id=f"{1:032x}", start=wrong, end=wrong)]])
    own_client.command("OPTIMIZE TABLE _session_activity FINAL")
    time = min(wrong, 2**63 - 1)
    for low, high in ((EPOCH + 90 * MINUTE, EPOCH + 90 * MINUTE), (time, time)):
        assert found_by_spells(own_client, project, low, high) == ["s"]
    assert found_by_spells(own_client, project, EPOCH - 2 * HOUR, EPOCH - HOUR) == []


@pytest.mark.parametrize("wrong", [0, 2**63 + 5], ids=["zero", "beyond 2262"])
def test_a_turn_whose_times_make_no_sense_is_in_the_window_of_these(otel_client: Client, wrong: int) -> None:
    project = new_project()
    right, other = two_halves(project)
    span = replace(other, trace_id=f"{2:032x}", start=wrong, end=wrong)
    Receiver(otel_client, project).take([[right, span]])
    time = min(wrong, 2**63 - 1)
    page = list_sessions(otel_client, Wanted(project, Filter(from_ns=time, to_ns=time)), now_ns=EPOCH)
    assert [row["SessionId"] for row in page.rows] == ["s"]
    for beyond in (Filter(from_ns=2**63), Filter(to_ns=-(2**63) - 1)):
        assert list_sessions(otel_client, Wanted(project, beyond), now_ns=EPOCH).rows == []
    for all_of_time in (Filter(from_ns=-(2**70)), Filter(to_ns=2**70), Filter(from_ns=-(2**63), to_ns=2**63)):
        assert all_of_time == Filter()


def test_a_turn_is_in_a_window_that_ends_before_it_begins(otel_client: Client) -> None:
    project = new_project()
    whole, _ = two_halves(project, "whole")
    halves = two_halves(project, "halves", 2, 30 * MINUTE)
    longer = [replace(halves[0], end=EPOCH + 4 * HOUR), replace(halves[1], end=EPOCH + 9 * HOUR)]
    Receiver(otel_client, project).take([[replace(whole, end=EPOCH + 9 * HOUR), *longer]])
    assert sorted(found_by_spells(otel_client, project, EPOCH + 5 * HOUR, EPOCH + 10 * MINUTE)) == ["halves", "whole"]
