from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import code_of
from otel_sessions.clickhouse.readers import LARGEST, LITTLE, LITTLE_ANSWER, Lanes, Places, Reader
from otel_sessions.errors import Retryable


class Line(Places):
    """Notes what is taken."""

    def __init__(self, nbytes: int, taken: list[int]) -> None:
        super().__init__(nbytes, 2)
        self.taken = taken

    def take(self, nbytes: int, timeout: float) -> None:
        super().take(nbytes, timeout)
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
    behind, set_for_it = reader._client, list[object]()

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


def test_who_waits_for_much_is_not_passed_by_those_who_want_little() -> None:
    places, order = Places(10), list[str]()
    places.take(4, 1)

    def take(name: str, nbytes: int) -> None:
        places.take(nbytes, 10)
        order.append(name)
        places.give_back(nbytes)

    threads = [threading.Thread(target=take, args=each) for each in (("much", 10), ("little", 1))]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    assert order == []
    places.give_back(4)
    for thread in threads:
        thread.join(10)
    assert order == ["much", "little"]
