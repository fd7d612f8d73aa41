"""Lists of sessions, against all sessions as the views have them."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any, cast, get_args

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_sessions.clickhouse.schema import TABLE
from otel_sessions.queries import keyed, listing, whole
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.language import FIELDS
from otel_sessions.queries.language.superset import BOUNDS, LAST_END, superset
from otel_sessions.queries.language.tree import Matches, Value
from otel_sessions.queries.listing import Sort, Wanted, list_sessions
from otel_sessions.queries.paging import Readers
from otel_sessions.queries.rows import Row, composed, run, select
from otel_sessions.testing.oracle import NO_CLAIM, OracleSpan
from otel_sessions.testing.oracle_views import views
from tests.integration.crowds import crowd
from tests.integration.delivery import EPOCH, TURNS_ALONE, Receiver, deliver, new_project, span_sets

SORTS = get_args(Sort)
COLUMNS = {
    "last_activity": "EndTime",
    "start": "StartTime",
    "duration": "Duration",
    "traces": "TraceCount",
    "spans": "SpanCount",
    "errors": "ErrorCount",
    "tokens": "TotalTokens",
    "cost": "Cost",
}
EXAMPLES = int(os.environ.get("HYPOTHESIS_LISTING_EXAMPLES", "3"))
S = 1_000_000_000
SANE = 2**63  # of a time that makes sense
SENSELESS = (0, 2**63 + 5, 2**64 - 1)  # times that make none
ANY_SHARD = {"insert_distributed_one_random_shard": 1}
FILTERS: list[tuple[Filter, Any]] = [
    (Filter(), lambda row: True),
    (Filter(query="has:error"), lambda row: row["ErrorCount"] > 0),
    (Filter(query="-has:error"), lambda row: row["ErrorCount"] == 0),
    (Filter(query="id:s1,s2"), lambda row: row["SessionId"] in ("s1", "s2")),
    (Filter(query="cost>0.5"), lambda row: row["Cost"] > 0.5),
    (Filter(query="tokens>=50 OR errors>1"), lambda row: row["TotalTokens"] >= 50 or row["ErrorCount"] > 1),
    (Filter(query="duration:40s"), lambda row: row["Duration"] == 40 * S),
    (Filter(query="turns<2 spans>2"), lambda row: row["TraceCount"] < 2 and row["SpanCount"] > 2),
    (Filter(query="user:nobody"), lambda row: False),
    (Filter(query="user:g1-ada,g2-bob"), lambda row: {"g1-ada", "g2-bob"} & {*row["UserIds"]}),
    (Filter(query="-has:user model:gpt-x"), lambda row: not row["UserIds"] and "gpt-x" in row["Models"]),
    (Filter(tag="a", environment="prod"), lambda row: "a" in row["Tags"] and "prod" in row["Environments"]),
    (Filter(service="shop", has_error=True), lambda row: "shop" in row["ServiceNames"] and row["ErrorCount"] > 0),
    (Filter(query="metadata.k:one"), lambda row: row["Metadata"].get("k") == "one"),
    (Filter(query="metadata.k:two,three,one"), lambda row: row["Metadata"].get("k") in ("one", "two", "three")),
    (Filter(query="metadata.k:t*"), lambda row: row["Metadata"].get("k", "").startswith("t")),
    (
        Filter(query="-metadata.k:one has:metadata"),
        lambda row: row["Metadata"].get("k", "one") != "one" or row["Metadata"].keys() == {"l"},
    ),
    (Filter(query="-has:metadata"), lambda row: not row["Metadata"]),
    (Filter(query="metadata.l>=7"), lambda row: row["Metadata"].get("l") == "7"),
    (Filter(query="is:unpriced"), lambda row: row["UnpricedCalls"] > 0),
    (Filter(min_cost=1.5, min_duration_ms=40_000), lambda row: row["Cost"] >= 1.5 and row["Duration"] >= 40 * S),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few sessions are looked at first that even small lists have to look on, some of them in texts."""
    monkeypatch.setattr(listing, "_FIRST_LOOK", 1)
    monkeypatch.setattr(listing, "_MORE", 1)
    monkeypatch.setattr(listing, "_MANY", 9)
    monkeypatch.setattr(listing, "_ROWS_A_SESSION", 1)
    monkeypatch.setattr(keyed, "MANY_MINUTES", 3)


@pytest.mark.usefixtures("impatient")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(spans=span_sets(), seed=st.integers(0, 2**32), limit=st.integers(1, 3), wrong=st.sampled_from(SENSELESS))
def test_every_list_is_exact_whatever_was_delivered_how(
    otel_client: Client, spans: list[OracleSpan], seed: int, limit: int, wrong: int
) -> None:
    rnd = random.Random(seed)
    spans = [replace(span, start=wrong, end=wrong) if rnd.random() < 0.2 else span for span in spans]
    deliver(otel_client, spans, random.Random(seed))
    project = spans[0].project
    everything = run(otel_client, "SELECT * FROM sessions WHERE Project = {p:String}", {"p": project})
    for sort in SORTS:
        order, (chosen, holds) = rnd.choice(["desc", "desc", "asc"]), rnd.choice(FILTERS)
        ordered = sorted((row for row in everything if holds(row)), key=lambda row: row["SessionId"])
        ordered.sort(key=lambda row: row[COLUMNS[sort]], reverse=order == "desc")
        assert pages(otel_client, project, chosen, sort, order, limit) == [row["SessionId"] for row in ordered]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_EXAMPLES", "1"))))
def test_every_list_is_what_the_oracle_says(otel_client: Client, seed: int) -> None:
    rnd = random.Random(seed)
    spans = crowd(rnd, new_project(), 6, versions=0)
    deliver(otel_client, spans, rnd)
    everything = [{"SessionId": key[1], **row} for key, row in views(spans)["sessions"].items()]
    for number, (chosen, holds) in enumerate(FILTERS):
        sort, order = SORTS[(number + seed) % len(SORTS)], rnd.choice(["desc", "desc", "asc"])
        ordered = sorted((row for row in everything if holds(row)), key=lambda row: row["SessionId"].encode())
        ordered.sort(key=lambda row: row[COLUMNS[sort]], reverse=order == "desc")
        found = pages(otel_client, spans[0].project, chosen, sort, order, 7)
        assert found == [row["SessionId"] for row in ordered], (chosen, sort, order)


@pytest.fixture(scope="module")
def without_bounds(otel_client: Client) -> str:
    """A project of one session `s`, whose insert was broken off before its bounds were stored."""
    project = new_project()
    span = OracleSpan(project, f"{1:032x}", f"{1:016x}", level=1, claim_id="s", start=EPOCH, end=EPOCH + 5)
    Receiver(otel_client, project).break_off([[span]], (TABLE, TURNS_ALONE))
    return project


@pytest.mark.parametrize("sort", SORTS)
def test_a_session_that_a_broken_insert_has_left_out_of_the_bounds_is_listed(
    otel_client: Client, without_bounds: str, sort: Sort
) -> None:
    assert pages(otel_client, without_bounds, Filter(), sort, "desc", 1) == ["s"]


def test_sessions_whose_spans_were_corrected_are_picked_by_what_they_have(otel_client: Client) -> None:
    project = new_project()
    model = {"kind": "model", "input_tokens": 10, "start": EPOCH, "end": EPOCH + 5}
    spans = [
        OracleSpan(project, f"{trace:032x}", f"{trace:016x}", level=1, claim_id=f"s{trace}", **model)  # type: ignore[arg-type]
        for trace in range(1, 4)
    ]
    late = [replace(span, span_id=f"{number + 8:016x}", level=9, claim_id="") for number, span in enumerate(spans)]
    receiver = Receiver(otel_client, project)
    receiver.take([[*spans, late[0], spans[1]]])
    receiver.restart()
    receiver.take([[late[2]]])
    receiver.attribute(spans)
    rows = run(
        otel_client, composed("list_bounds", KEY=BOUNDS["TotalTokens"], SUPERSET="1"), {"project": project, "limit": 9}
    )
    assert {row["SessionId"]: row["Bound"] for row in rows} == {"s1": 20, "s2": 20, "s3": 20}


@pytest.fixture(scope="module")
def crowded(otel_client: Client) -> str:
    """A project of some sessions that nobody adds to."""
    spans = crowd(random.Random(3), new_project(), 6)
    deliver(otel_client, spans, random.Random(3))
    return spans[0].project


def _windows(client: Client, project: str) -> list[tuple[int, int]]:
    """Some around and between the turns of the crowd, and of all of time."""
    rnd = random.Random(11)
    starts = [EPOCH + rnd.randint(-5 * S, 210 * S) for _ in range(8)]
    return [(-(2**63), 2**63 - 1), (0, 0), *((start, start + rnd.choice([0, S, 25 * S])) for start in starts)]


_IN_WINDOW = (
    "SELECT DISTINCT SessionId FROM session_traces WHERE Project = {p:String}"
    " AND toUnixTimestamp64Nano(EndTime) >= {low:Int64} AND toUnixTimestamp64Nano(StartTime) <= {high:Int64}"
)


def test_a_look_at_all_turns_leaves_every_session_that_has_one_in_a_window_and_few_others(
    otel_client: Client, crowded: str
) -> None:
    others = 0
    for low, high in _windows(otel_client, crowded):
        wanted = {row["SessionId"] for row in run(otel_client, _IN_WINDOW, {"p": crowded, "low": low, "high": high})}
        chosen = Filter(from_ns=low, to_ns=high).superset(EPOCH, with_texts=True, with_times=True)
        bounds = composed("list_bounds", KEY=LAST_END, SUPERSET=chosen.sql)
        found = run(otel_client, bounds, {"project": crowded, "limit": 1000, **chosen.parameters})
        assert wanted <= {row["SessionId"] for row in found}
        others += len(found) - len(wanted)
    assert others < 50, "the sums of what was corrected into another session"


def test_a_turn_is_in_a_window_in_which_it_pauses_and_a_session_is_not(otel_client: Client) -> None:
    project = new_project()
    turns = (("pauses", 1), ("pauses", 1), ("apart", 2), ("apart", 3))
    spans = [
        OracleSpan(project, f"{trace:032x}", f"{n:016x}", level=1, claim_id=session, start=start, end=start + S)
        for n, (session, trace) in enumerate(turns, 1)
        for start in [EPOCH + n % 2 * 600 * S]
    ]
    receiver = Receiver(otel_client, project)
    receiver.take([spans[:1] + spans[2:3]])
    receiver.take([spans[1:2] + spans[3:]])
    chosen = Filter(from_ns=EPOCH + 200 * S, to_ns=EPOCH + 300 * S)
    narrow = chosen.superset(EPOCH, with_texts=True, with_times=True)
    bounds = composed("list_bounds", KEY=LAST_END, SUPERSET=narrow.sql)
    found = run(otel_client, bounds, {"project": project, "limit": 9, **narrow.parameters})
    assert [row["SessionId"] for row in found] == ["pauses"] == pages(otel_client, project, chosen, "cost", "desc", 1)


@pytest.mark.usefixtures("impatient")
def test_a_list_of_a_window_is_exact_however_few_sessions_have_a_turn_in_it(otel_client: Client, crowded: str) -> None:
    everything = run(otel_client, "SELECT SessionId, EndTime FROM sessions WHERE Project = {p:String}", {"p": crowded})
    everything.sort(key=lambda row: row["SessionId"])
    everything.sort(key=lambda row: row["EndTime"], reverse=True)
    for low, high in _windows(otel_client, crowded)[1:6]:
        wanted = {row["SessionId"] for row in run(otel_client, _IN_WINDOW, {"p": crowded, "low": low, "high": high})}
        page = list_sessions(otel_client, Wanted(crowded, Filter(from_ns=low, to_ns=high), limit=2), now_ns=EPOCH)
        assert [row["SessionId"] for row in page.rows] == [
            row["SessionId"] for row in everything if row["SessionId"] in wanted
        ][:2]


@pytest.mark.parametrize("rows", [1, 3, 9, 1000])
def test_among_the_latest_rows_are_all_sessions_that_may_end_as_late(
    otel_client: Client, crowded: str, rows: int
) -> None:
    named = {"project": crowded, "limit": 1000}
    bounds = run(otel_client, composed("list_bounds", KEY=LAST_END, SUPERSET="1"), named)
    latest = select(otel_client, "list_latest", {**named, "rows": rows})
    found = {row["SessionId"]: row["Bound"] for row in latest}
    assert [row["Bound"] for row in latest] == sorted(found.values(), reverse=True)
    assert all(found[row["SessionId"]] >= row["Bound"] for row in bounds if row["Bound"] >= latest[-1]["Bound"])
    assert rows < 1000 or len(found) == len(bounds)


def test_the_latest_session_may_be_one_of_which_only_a_correction_says_when_it_ended(otel_client: Client) -> None:
    project = new_project()
    otel_client.command(
        "INSERT INTO _session_activity (Project, SessionId, LastEnd) VALUES ({p:String}, 'early', {end:UInt64})",
        parameters={"p": project, "end": SANE + 5},
        settings=ANY_SHARD,
    )
    for session, end in (("late", 7), ("earlier", 3)):
        otel_client.command(
            "INSERT INTO _corrections (Project, SessionId, TraceId, `Minutes.Minute`, `Minutes.LastEnd`)"
            " SELECT {p:String}, {s:String}, 't', [now64(9)], [{end:UInt64}]",
            parameters={"p": project, "s": session, "end": SANE + end},
        )
    latest = select(otel_client, "list_latest", {"project": project, "limit": 9, "rows": 9})
    assert [(row["SessionId"], row["Bound"]) for row in latest] == [("late", 7), ("early", 5)]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("wrong", SENSELESS)
def test_a_session_that_is_left_without_a_time_that_makes_sense_is_listed_by_what_it_has(
    otel_client: Client, wrong: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_ROWS_A_SESSION", 9)  # rows that are not in force are looked at too
    project = new_project()
    span = OracleSpan(project, f"{99:032x}", f"{99:016x}", level=1, claim_id="left", start=wrong, end=wrong)
    sibling = replace(span, span_id=f"{98:016x}", level=NO_CLAIM, claim_id="", start=EPOCH - S, end=EPOCH - S)
    root = replace(sibling, span_id=f"{97:016x}", level=1, claim_id="other", is_root=True)
    receiver = Receiver(otel_client, project)
    for spans in ([span, sibling], [root], _ending_after_each_other(project)):
        receiver.take([spans])
        receiver.attribute(spans)
    time = min(wrong, 2**63 - 1)
    everything = run(otel_client, "SELECT SessionId, EndTime FROM sessions WHERE Project = {p:String}", {"p": project})
    assert [row["EndTime"][:4] for row in everything if row["SessionId"] == "left"] == ["2262" if wrong else "1970"]
    for order in ("desc", "asc"):
        ordered = sorted(everything, key=itemgetter("SessionId"))
        ordered.sort(key=itemgetter("EndTime"), reverse=order == "desc")
        for limit in (1, 3):
            found = pages(otel_client, project, Filter(), "last_activity", order, limit)
            assert found == [row["SessionId"] for row in ordered]
        window = Filter(from_ns=time, to_ns=time)
        assert pages(otel_client, project, window, "last_activity", order, 1) == ["left"]


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the sessions that are read whole."""
    ids, select_whole = list[str](), whole.select

    def look(client: Client, name: str, named: Mapping[str, Any], *kinds: Any, **texts: str) -> list[Row]:
        ids.extend(named["session_ids"])
        return select_whole(client, name, named, *kinds, **texts)

    monkeypatch.setattr(whole, "select", look)
    return ids


def _ending_after_each_other(project: str, long: str = "") -> list[OracleSpan]:
    """A span each of `s1` to `s8`, and ten more traces of one of them that end no later."""
    each = [(f"s{n}", n) for n in range(1, 9)] + [(long, 0) for _ in range(10 if long else 0)]
    return [
        OracleSpan(project, f"{n:032x}", f"{n:016x}", level=1, claim_id=session, start=EPOCH, end=EPOCH + end)
        for n, (session, end) in enumerate(each, 1)
    ]


def test_where_bounds_are_too_great_as_many_more_sessions_are_looked_at_as_it_takes(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, looked_at: list[str]
) -> None:
    project = new_project()
    Receiver(otel_client, project).take([_ending_after_each_other(project)])
    otel_client.command(  # `s1` may have ended last, as far as its bounds say
        "INSERT INTO _session_activity (Project, SessionId, LastEnd) VALUES ({p:String}, 's1', {end:UInt64})",
        parameters={"p": project, "end": SANE + EPOCH + 99},
        settings=ANY_SHARD,
    )
    monkeypatch.setattr(listing, "_MORE", 1)
    page = list_sessions(otel_client, Wanted(project, limit=2), now_ns=EPOCH)
    assert [row["SessionId"] for row in page.rows] == ["s8", "s7"]
    assert sorted(looked_at) == ["s1", "s6", "s7", "s8"]


@pytest.mark.parametrize(("long", "is_looked_at"), [("s3", False), ("s7", True), ("s6", True)])
def test_a_session_of_many_turns_is_read_where_its_bounds_say_that_it_may_be_on_the_page(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, looked_at: list[str], long: str, is_looked_at: bool
) -> None:
    project = new_project()
    Receiver(otel_client, project).take([_ending_after_each_other(project, long)])
    monkeypatch.setattr(keyed, "MANY_MINUTES", 5)
    chosen = Filter(query="spans>0")
    page = list_sessions(otel_client, Wanted(project, chosen, limit=2), now_ns=EPOCH)
    assert [row["SessionId"] for row in page.rows] == ["s8", "s7"]
    assert sorted(looked_at) == sorted({*(f"s{n}" for n in range(1, 9))} - ({long} if not is_looked_at else set()))


@pytest.mark.parametrize(("every", "looks"), [(500, 1), (1, 5)])
def test_who_looks_for_a_rare_word_begins_with_the_sessions_that_have_it(
    otel_client: Client, looked_at: list[str], every: int, looks: int
) -> None:
    project = new_project()
    said = {n: "zanzibar" if n % every == 0 else f"w{n}" for n in range(1, 501)}
    spans = [
        OracleSpan(project, f"{n:032x}", f"{n:016x}", level=1, claim_id=f"s{n}", start=EPOCH, end=EPOCH + n, input=text)
        for n, text in said.items()
    ]
    Receiver(otel_client, project).take([spans])
    page = list_sessions(otel_client, Wanted(project, Filter(query="Zanzibar"), limit=4), now_ns=EPOCH)
    assert [row["SessionId"] for row in page.rows] == [f"s{n}" for n in range(500, 0, -every)][:4]
    assert len(looked_at) == looks


@pytest.mark.parametrize("table", ["_session_turns", "_corrections"])
def test_bounds_know_the_metadata_of_a_session_and_hardly_any_other(otel_client: Client, table: str) -> None:
    project = new_project()
    metadata = {"tenant": "acme", "odd key": 'ä " * 5', "": "", "long": "x" * 300, "k": "v", "k2": "v2"}
    stamped = "mapFromArrays({keys:Array(String)}, {values:Array(String)})"
    columns, values = "Metadata", stamped
    if table == "_corrections":
        columns, values = "`Minutes.Minute`, `Minutes.Metadata`", f"[now64(9)], [{stamped}]"
    otel_client.command(
        f"INSERT INTO {table} (Project, SessionId, TraceId, {columns}) SELECT {{p:String}}, 's', 't', {values}",
        {"p": project, "keys": [*metadata], "values": [f"12345678{value}" for value in metadata.values()]},
    )

    def found(key: str, *values: str) -> list[Row]:
        chosen = superset(Matches(FIELDS["metadata."], key, tuple(map(Value, values))), now_ns=0)
        bounds = composed("list_bounds", KEY=BOUNDS["Cost"], SUPERSET=chosen.sql)
        return run(otel_client, bounds, {"project": project, "limit": 9, **chosen.parameters})

    assert all(found(key, "nothing", value) for key, value in metadata.items())
    assert sum(bool(found(key, f"{value}?")) for key, value in metadata.items()) <= 1


def _of_metadata(client: Client, project: str, query: str, *, with_texts: bool = False) -> set[str]:
    """The sessions of which the bounds do not say that the query does not choose them."""
    chosen = Filter(query=query).superset(0, with_texts=with_texts)
    bounds = composed("list_bounds", KEY=LAST_END, SUPERSET=chosen.sql)
    return {row["SessionId"] for row in run(client, bounds, {"project": project, "limit": 99, **chosen.parameters})}


def test_bounds_decide_by_the_last_value_of_a_key_where_no_correction_is_of_the_session(otel_client: Client) -> None:
    project = new_project()
    said = [("a", "one"), ("a", "two"), ("b", "two"), ("b", "one"), ("c", None), ("d", "7"), ("e", "x" * 80)]
    spans = [
        OracleSpan(
            project, f"{n:032x}", f"{n:016x}", level=1, claim_id=session, start=EPOCH + n, end=EPOCH + n + 5,
            metadata=(("k", value),) if value else (),
        )
        for n, (session, value) in enumerate(said, 1)
    ]  # fmt: skip
    receiver = Receiver(otel_client, project)
    for span in spans:
        receiver.take([[span]])
    assert _of_metadata(otel_client, project, "metadata.k:one") == {"b"}
    assert _of_metadata(otel_client, project, "metadata.k:t*") == {"a", "e"}
    assert _of_metadata(otel_client, project, "metadata.k>5") == {"d", "e"}
    assert _of_metadata(otel_client, project, f'metadata.k:"{"x" * 80}"') == {"e"}
    assert _of_metadata(otel_client, project, "has:metadata") == {"a", "b", "d", "e"}
    assert _of_metadata(otel_client, project, "-metadata.k:one", with_texts=True) == {"a", "c", "d", "e"}
    assert _of_metadata(otel_client, project, "-(metadata.k:one OR metadata.k:two)", with_texts=True) == {"c", "d", "e"}
    assert _of_metadata(otel_client, project, "-has:metadata", with_texts=True) == {"c", "e"}
    # Another trace of `a` is stored under it and is of `b`, of which it has the last value then.
    late = [
        OracleSpan(
            project, f"{99:032x}", f"{n:016x}", n == 2, level=level, claim_id=session, start=EPOCH + 99, end=EPOCH + 99,
            metadata=(("k", "late"),) if n == 1 else (),
        )
        for n, (session, level) in enumerate([("a", 4), ("b", 1)], 1)
    ]  # fmt: skip
    receiver.restart()
    receiver.take([late[:1]])
    receiver.restart()
    receiver.take([late[1:]])
    receiver.attribute(late)
    for with_texts in (False, True):
        assert _of_metadata(otel_client, project, "metadata.k:two", with_texts=with_texts) == {"a", "b"}
    assert {"a", "b"} <= _of_metadata(otel_client, project, "-metadata.k:late", with_texts=True)
    found = pages(otel_client, project, Filter(query="metadata.k:two"), "cost", "desc", 5)
    assert (found, pages(otel_client, project, Filter(query="metadata.k:late"), "cost", "desc", 5)) == (["a"], ["b"])


class _MovingClient:
    """A client to which a session has moved, whenever it has read keys."""

    def __init__(self, client: Client, move: Callable[[], None]) -> None:
        self._client = client
        self._move = move

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def raw_query(self, sql: str, *args: Any, **named: Any) -> bytes:
        found: bytes = self._client.raw_query(sql, *args, **named)
        if "ORDER BY _key" in sql:
            self._move()
        return found


def test_a_session_that_moves_between_two_looks_for_one_page_is_on_it_once(otel_client: Client) -> None:
    project, readers = new_project(), Readers()
    receiver, numbers = Receiver(otel_client, project), itertools.count(1)

    def fail(session: str, times: int = 1) -> None:
        for _ in range(times):
            trace, id_ = f"{next(numbers):032x}", f"{next(numbers):016x}"
            receiver.take(
                [[OracleSpan(project, trace, id_, level=1, claim_id=session, start=EPOCH, end=EPOCH, error=True)]]
            )

    for session, times in (("a", 1), ("b", 1), ("c", 1), ("x", 2), ("y", 2), ("z", 3)):
        fail(session, times)
    wanted = Wanted(project, Filter(), "errors", "asc", 3)
    first = list_sessions(otel_client, wanted, now_ns=EPOCH, readers=readers)
    fail("a")  # both come again behind the place, so that a page of three wants a second look
    fail("b")
    moving = cast(Client, _MovingClient(otel_client, lambda: fail("x")))
    second = list_sessions(moving, replace(wanted, cursor=first.next_cursor), now_ns=EPOCH, readers=readers)
    ids = [row["SessionId"] for row in (*first.rows, *second.rows)]
    assert ids == ["a", "b", "c", "x", "y", "z"]


def pages(client: Client, project: str, chosen: Filter, sort: Sort, order: Any, limit: int) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = list_sessions(client, Wanted(project, chosen, sort, order, limit, cursor), now_ns=EPOCH)
        found += [row["SessionId"] for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return found
