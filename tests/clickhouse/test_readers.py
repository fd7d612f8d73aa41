from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from otel_sessions.clickhouse import readers, surface
from otel_sessions.clickhouse.attempts import LITTLE_ANSWER
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import code_of, reading
from otel_sessions.clickhouse.places import LARGEST, LITTLE, Lanes, Places
from otel_sessions.clickhouse.readers import Reader
from otel_sessions.errors import Retryable
from otel_sessions.queries.limits import LimitExceeded, limited


class Line(Places):
    """Notes what is taken."""

    def __init__(self, nbytes: int, taken: list[int]) -> None:
        super().__init__(nbytes, 2)
        self.taken = taken

    def take(self, nbytes: int, timeout: float, *, is_first: bool = False, has_begun: bool = False) -> None:
        super().take(nbytes, timeout, is_first=is_first, has_begun=has_begun)
        self.taken.append(nbytes)


@pytest.fixture
def taken() -> list[int]:
    return []


@pytest.fixture
def lanes(taken: list[int]) -> Lanes:
    return Lanes(Line(LITTLE, taken), Line(LARGEST, taken))


@pytest.fixture
def reader(chdb_endpoint: Endpoint, lanes: Lanes) -> Iterator[Reader]:
    found = Reader(lambda: connect(chdb_endpoint), lambda: connect(chdb_endpoint), LARGEST, 20 << 20, lanes)
    yield found
    found.close()


def texts(count: int, nbytes: int) -> str:
    return f"SELECT repeat(toString(number % 10), {nbytes}) FROM numbers({count})"


def test_a_statement_that_needs_little_takes_one_small_place(reader: Reader, taken: list[int]) -> None:
    assert reader.raw_query("SELECT 1") == b"1\n"
    assert taken == [LITTLE]


def test_a_statement_that_needs_little_is_one_of_the_engine(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    # what a client sets for one statement is read, set and set back by statements of their own
    behind, set_for_it = reader.behind, list[object]()

    def noted(*asked: Any, settings: object = None, **more: Any) -> bytes:
        set_for_it.append(settings)
        return raw_query(*asked, settings=settings, **more)

    raw_query = behind.raw_query
    monkeypatch.setattr(behind, "raw_query", noted)
    bounds = "SELECT getSetting('max_memory_usage'), getSetting('max_result_bytes')"
    assert reader.raw_query(bounds) == b"%d\t%d\n" % (LITTLE, LITTLE_ANSWER)
    assert reader.raw_query(bounds, settings={"max_result_bytes": 99}) == b"%d\t99\n" % LITTLE
    assert set_for_it == [{}, {"max_result_bytes": 99}]


def test_one_that_needs_more_memory_is_asked_again_with_all_there_is(reader: Reader, taken: list[int]) -> None:
    sql = "SELECT arrayMax(groupArray(number)) FROM numbers(5000000) SETTINGS max_threads = 1"
    assert reader.raw_query(sql) == b"4999999\n"
    assert taken == [LITTLE, LARGEST]
    assert reader.raw_query("SELECT getSetting('max_memory_usage')") == b"%d\n" % LITTLE


def test_one_that_all_there_is_does_not_do_for_fails_and_the_next_does_not(reader: Reader) -> None:
    with pytest.raises(Exception, match="memory limit exceeded") as caught:
        reader.raw_query("SELECT uniqExact(number) FROM numbers(40000000)")
    assert code_of(caught.value) == 241
    assert reader.raw_query("SELECT 1") == b"1\n"


def test_a_large_answer_keeps_its_place_until_it_is_settled(reader: Reader, taken: list[int], lanes: Lanes) -> None:
    assert len(reader.raw_query(texts(15, 1_000_000))) > LITTLE_ANSWER
    assert taken == [LITTLE, LARGEST]
    assert reader.raw_query("SELECT 1") == b"1\n", "whoever keeps some does not wait for others"
    with pytest.raises(Retryable):
        lanes.large.take(LARGEST, 0.01)
    reader.settle()
    lanes.large.take(LARGEST, 0.01)


def test_who_keeps_some_is_not_behind_those_who_wait_for_it(reader: Reader, lanes: Lanes) -> None:
    assert len(reader.raw_query(texts(15, 1_000_000))) > LITTLE_ANSWER
    waiting = [threading.Thread(target=lanes.large.take, args=(LARGEST, 60)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while len(lanes.large._line) < 2:
        time.sleep(0.01)
    begin = time.monotonic()
    assert len(reader.raw_query(texts(16, 1_000_000))) > LITTLE_ANSWER
    assert time.monotonic() - begin < 15
    reader.settle()
    for thread in waiting:
        thread.join(0.1)
        lanes.large.give_back(LARGEST)
    for thread in waiting:
        thread.join(10)


def test_an_answer_beyond_the_bound_is_refused(reader: Reader) -> None:
    with pytest.raises(Exception, match="Limit for result exceeded") as caught:
        reader.raw_query(texts(30, 1_000_000))
    assert code_of(caught.value) == 396


def test_who_needs_little_is_answered_while_others_wait_for_much(reader: Reader, lanes: Lanes) -> None:
    lanes.large.take(LARGEST, 1)
    waiting = [threading.Thread(target=lanes.large.take, args=(LARGEST, 10)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    time.sleep(0.05)
    assert reader.raw_query("SELECT 1") == b"1\n"
    begin = time.monotonic()
    with pytest.raises(Retryable, match=r"max_memory_usage.*preview"):
        reader.raw_query("SELECT arrayMax(groupArray(number)) FROM numbers(5000000) SETTINGS max_threads = 1")
    assert time.monotonic() - begin < 10, "two wait already"
    for thread in waiting:
        lanes.large.give_back(LARGEST)
        thread.join(10)
    for thread in waiting:
        thread.join(10)


HUNDREDS_OF_MIB = "SELECT length(groupArray(number)) FROM numbers(15000000) SETTINGS max_threads = 1"


@pytest.fixture
def unbounded(chdb_endpoint: Endpoint, lanes: Lanes) -> Iterator[Reader]:
    found = Reader(lambda: connect(chdb_endpoint), lambda: connect(chdb_endpoint), lanes=lanes)
    yield found
    found.close()


def test_what_a_quiet_service_would_answer_is_asked_for_again_in_one_that_has_less(
    unbounded: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "resident", lambda: 300 << 20)
    assert unbounded.raw_query(HUNDREDS_OF_MIB) == b"15000000\n"
    monkeypatch.setattr(readers, "resident", lambda: 800 << 20)
    with pytest.raises(Retryable, match="others read or store"), limited(), reading():
        unbounded.raw_query(HUNDREDS_OF_MIB)
    assert unbounded.raw_query("SELECT 1") == b"1\n"


def test_what_a_quiet_service_has_too_little_for_is_beyond_the_limit_everywhere(
    unbounded: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "resident", lambda: 300 << 20)
    with pytest.raises(LimitExceeded, match="memory"), limited(), reading():
        unbounded.raw_query(HUNDREDS_OF_MIB.replace("15000000", "150000000"))


def test_what_changes_something_takes_a_small_place_and_has_all_the_memory(reader: Reader, taken: list[int]) -> None:
    reader.command("CREATE TEMPORARY TABLE had (M UInt64)")
    reader.command("INSERT INTO had SELECT getSetting('max_memory_usage')")
    reader.raw_insert("had", insert_block=b"5\n", fmt="TSV")
    assert taken == [LITTLE] * 3
    assert reader.raw_query("SELECT M FROM had ORDER BY M") == b"5\n%d\n" % LARGEST


def test_nothing_of_the_client_behind_is_within_reach_but_what_takes_a_place() -> None:
    public = {name for name in dir(Reader) if not name.startswith("_")}
    promised = {name for name in dir(surface.Client) if not name.startswith("_")}
    assert public == promised | {"settle", "foreign_query"}
    assert not hasattr(Reader, "__getattr__")
