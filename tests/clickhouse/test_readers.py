from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import code_of
from otel_sessions.clickhouse.readers import LARGEST, LITTLE, LITTLE_ANSWER, Places, Reader
from otel_sessions.errors import Retryable


class Line(Places):
    """Notes what is taken."""

    def __init__(self, nbytes: int) -> None:
        super().__init__(nbytes)
        self.taken: list[int] = []

    def take(self, nbytes: int, timeout: float) -> None:
        super().take(nbytes, timeout)
        self.taken.append(nbytes)


@pytest.fixture
def line() -> Line:
    return Line(LARGEST + LITTLE)


@pytest.fixture
def reader(chdb_endpoint: Endpoint, line: Line) -> Iterator[Reader]:
    found = Reader(lambda: connect(chdb_endpoint), LARGEST, 20 << 20, line)
    yield found
    found.close()


def texts(count: int, nbytes: int) -> str:
    return f"SELECT repeat(toString(number % 10), {nbytes}) FROM numbers({count})"


def test_a_statement_that_needs_little_takes_one_small_place(reader: Reader, line: Line) -> None:
    assert reader.raw_query("SELECT 1") == b"1\n"
    assert line.taken == [LITTLE]


def test_one_that_needs_more_memory_is_asked_again_with_all_there_is(reader: Reader, line: Line) -> None:
    sql = "SELECT arrayMax(groupArray(number)) FROM numbers(5000000) SETTINGS max_threads = 1"
    assert reader.raw_query(sql) == b"4999999\n"
    assert line.taken == [LITTLE, LARGEST]
    assert reader.raw_query("SELECT getSetting('max_memory_usage')") == b"%d\n" % LITTLE


def test_one_that_all_there_is_does_not_do_for_fails_and_the_next_does_not(reader: Reader) -> None:
    with pytest.raises(Exception, match="memory limit exceeded") as caught:
        reader.raw_query("SELECT uniqExact(number) FROM numbers(40000000)")
    assert code_of(caught.value) == 241
    assert reader.raw_query("SELECT 1") == b"1\n"


def test_a_large_answer_keeps_its_place_until_it_is_settled(reader: Reader, line: Line) -> None:
    assert len(reader.raw_query(texts(15, 1_000_000))) > LITTLE_ANSWER
    assert line.taken == [LITTLE, LARGEST]
    assert reader.raw_query("SELECT 1") == b"1\n", "whoever keeps some does not wait for others"
    with pytest.raises(Retryable):
        line.take(LARGEST + LITTLE, 0.01)
    reader.settle()
    line.take(LARGEST + LITTLE, 0.01)


def test_an_answer_beyond_the_bound_is_refused(reader: Reader) -> None:
    with pytest.raises(Exception, match="Limit for result exceeded") as caught:
        reader.raw_query(texts(30, 1_000_000))
    assert code_of(caught.value) == 396


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
