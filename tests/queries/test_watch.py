"""What a reader of a session is told: everything that arrives and changes, also over broken connections."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.errors import Retryable
from otel_sessions.footprint import Room
from otel_sessions.queries import watch as module
from otel_sessions.queries.paging import CursorError
from otel_sessions.queries.watch import Arrival, Watch
from tests.extensions.web.conftest import Api, span
from tests.integration.delivery import new_project
from tests.queries.noting import noting


@dataclass
class Turns:
    """A session of turns in memory, in the place of ClickHouse: what each statement of a watch answers."""

    turns: dict[str, tuple[int, int]] = field(default_factory=dict)  # start and version by trace

    def select(self, _: Any, name: str, parameters: Any, **__: str) -> list[dict[str, Any]]:
        rows = [
            {"TraceId": trace, "StartTime": f"{start:06}", "State": str(hash((trace, start, version)) % 2**32)}
            for trace, (start, version) in self.turns.items()
        ]
        rows.sort(key=lambda row: (row["StartTime"], row["TraceId"]), reverse=True)
        if name == "watched_turns":
            return rows[: parameters["limit"]]
        return [
            {**row, "Version": self.turns[row["TraceId"]][1]}
            for row in rows
            if row["TraceId"] in parameters["trace_ids"]
        ]


CHANGES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 500), st.integers(0, 5)), min_size=1, max_size=120)


@given(steps=st.lists(st.tuples(CHANGES, st.booleans(), st.integers(0, 200)), min_size=1, max_size=6))
def test_a_reader_that_breaks_off_anywhere_misses_nothing(steps: list[tuple[Any, bool, int]]) -> None:
    """What it has had last of every turn is what the turn is, whatever changed while it was away."""
    session, told, last = Turns(), {}, ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "select", session.select)
        watch = Watch("p", "s", from_start=True)
        for changes, breaks, received in steps:
            session.turns.update({f"{trace:032x}": (start, version) for trace, start, version in changes})
            if breaks:
                watch = Watch("p", "s", after=last, from_start=not last)
            arrivals = _all(watch)
            for arrival in arrivals[: received if breaks else None]:
                told[arrival.turn["TraceId"]] = (arrival.turn["StartTime"], arrival.turn["Version"])
                last = arrival.id
            if breaks and received < len(arrivals):
                watch = Watch("p", "s", after=last, from_start=not last)
        for arrival in _all(watch):
            told[arrival.turn["TraceId"]] = (arrival.turn["StartTime"], arrival.turn["Version"])
    assert told == {trace: (f"{start:06}", version) for trace, (start, version) in session.turns.items()}


def _all(watch: Watch) -> list[Arrival]:
    """What is told until nothing is new; turns are told when they have stayed as they are for a look."""
    found: list[Arrival] = []
    for _ in range(2):
        found += watch.look(None)  # type: ignore[arg-type] # `select` is replaced
        while not watch.pause_after(0):
            found += watch.look(None)  # type: ignore[arg-type]
    return found


def test_a_short_session_is_told_exactly_once_over_broken_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Turns({f"{n:032x}": (n, 0) for n in range(module._LATEST)})
    monkeypatch.setattr(module, "select", session.select)
    first = _all(Watch("p", "s", from_start=True))
    assert len(first) == module._LATEST
    session.turns |= {f"{5:032x}": (5, 1), f"{999:032x}": (3, 0)}
    again = _all(Watch("p", "s", after=first[9].id))
    assert [int(each.turn["TraceId"], 16) for each in again] == [999, 5, *range(10, module._LATEST)]
    assert len(first[-1].id) < 700


def test_one_change_in_a_long_session_brings_a_small_part_of_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Turns({f"{n:032x}": (n, 0) for n in range(8_000)})
    monkeypatch.setattr(module, "select", session.select)
    watch = Watch("p", "s")
    assert _all(watch) == []
    session.turns |= {f"{8_001:032x}": (8_001, 0)}
    (last,) = _all(watch)
    session.turns |= {f"{7:032x}": (7, 1)}
    assert [int(each.turn["TraceId"], 16) for each in _all(watch)] == [7], "exactly, while it stays"
    again = _all(Watch("p", "s", after=last.id))
    assert 7 in {int(each.turn["TraceId"], 16) for each in again}
    assert len(again) < 8_000 / 32
    assert len(last.id) < 1100


def test_what_is_told_at_once_is_bounded_in_bytes_and_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Turns({f"{n:032x}": (n, 0) for n in range(300)})

    def select(client: object, name: str, *arguments: Any, **more: Any) -> list[Any]:
        rows = session.select(client, name, *arguments, **more)
        return [{**row, "Tags": "x" * 10_000} for row in rows] if name == "turns_of" else rows

    monkeypatch.setattr(module, "select", select)
    watch, told = Watch("p", "s", from_start=True), list[list[Arrival]]()
    while not told or told[-1]:
        told.append(list(watch.look(None)))  # type: ignore[arg-type]
    assert max(map(len, told)) <= module._BYTES // 10_000
    assert [int(each.turn["TraceId"], 16) for look in told for each in look] == [*range(300)]


def test_what_all_readers_remember_is_bounded_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Turns({f"{n:032x}": (n, 0) for n in range(10)})
    monkeypatch.setattr(module, "select", session.select)
    monkeypatch.setattr(module, "FOLLOWED", Room(25 * module._TURN_BYTES, is_shared=False))
    monkeypatch.setattr(module, "_lengths", module._Lengths())
    first, second, third = (Watch("p", "s") for _ in range(3))
    for watch in (first, second, second):
        assert list(watch.look(None)) == []  # type: ignore[arg-type]
    with pytest.raises(Retryable, match="no room"):
        list(third.look(None))  # type: ignore[arg-type]
    asked: list[str] = []
    monkeypatch.setattr(module, "select", lambda _, name, *__, **___: asked.append(name))
    with pytest.raises(Retryable, match="no room"):
        Watch("p", "s", from_start=True)
    assert not asked, "who comes back is refused before anything is looked at"
    monkeypatch.setattr(module, "select", session.select)
    del first
    assert list(third.look(None)) == []  # type: ignore[arg-type]


def test_a_turn_that_never_rests_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    session, looks = Turns(), 0
    monkeypatch.setattr(module, "select", session.select)
    watch = Watch("p", "s")
    found = list(watch.look(None))  # type: ignore[arg-type]
    while not found and looks < 50:
        looks += 1
        session.turns["f" * 32] = (1, looks)
        found = list(watch.look(None))  # type: ignore[arg-type]
    assert 2 < looks < 20


def test_a_long_session_is_looked_at_less_often_unless_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Turns({"a" * 32: (1, 0)})
    monkeypatch.setattr(module, "select", session.select)
    watch = Watch("p", "s")
    assert list(watch.look(None)) == []  # type: ignore[arg-type]
    assert (watch.pause_after(0.01), watch.pause_after(2)) == (module.POLL_S, 10)
    session.turns["a" * 32] = (1, 1)
    assert list(watch.look(None)) == []  # type: ignore[arg-type]
    assert watch.pause_after(2) == 2


def test_ids_of_other_sessions_and_texts_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Turns({"a" * 32: (1, 0)})
    monkeypatch.setattr(module, "select", session.select)
    (arrival,) = _all(Watch("p", "s", from_start=True))
    for project, session_id, after in (("p", "t", arrival.id), ("q", "s", arrival.id), ("p", "s", "x")):
        with pytest.raises(CursorError):
            Watch(project, session_id, after=after)


def test_what_changes_of_a_turn_is_told(otel_client: Client) -> None:
    api = Api("", new_project(), otel_client)
    api.store(span("s", 1, start=0), span("s", 2, start=10))
    watch = Watch(api.project, "s", from_start=True)
    first = list(watch.look(otel_client))
    assert [int(each.turn["TraceId"], 16) for each in first] == [1, 2]
    assert list(watch.look(otel_client)) == []
    api.store(span("s", 1, number=2, start=1, attributes={"output.value": "late"}))
    assert list(watch.look(otel_client)) == [], "it may be about to change again"
    (changed,) = watch.look(otel_client)
    assert (int(changed.turn["TraceId"], 16), changed.turn["SpanCount"]) == (1, 2)
    assert re.fullmatch(r"[\w-]+", changed.id)


@pytest.mark.skipif(
    "config.getoption('--clickhouse') != 'embedded'", reason="parts of other servers do not tell what has changed"
)
def test_turns_are_not_looked_at_while_nothing_is_stored(otel_client: Client) -> None:
    api = Api("", new_project(), otel_client)
    api.store(span("s", 1, start=0), span("s", 2, start=10))
    client, asked = noting(otel_client, is_embedded=True)
    watch = Watch(api.project, "s")
    for _ in range(3):  # parts may be merged meanwhile, but not each time
        asked.clear()
        assert list(watch.look(client)) == []
    assert len(asked) == 1
    api.store(span("s", 1, number=2, start=1))
    assert [len(list(watch.look(client))) for _ in range(3)] == [0, 1, 0]
