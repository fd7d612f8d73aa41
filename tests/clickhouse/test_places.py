from __future__ import annotations

import threading
import time

import pytest

from otel_sessions.clickhouse.places import Busy, Places


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


def test_as_many_wait_as_may_and_the_next_is_told_at_once_to_come_back() -> None:
    places = Places(10, waiting=1)
    places.take(10, 1)
    waiting = threading.Thread(target=places.take, args=(10, 10))
    waiting.start()
    while not places._line:
        time.sleep(0.01)
    begin = time.monotonic()
    with pytest.raises(Busy):
        places.take(1, 10)
    assert time.monotonic() - begin < 5
    places.give_back(10)
    waiting.join(10)


def test_an_answer_that_has_begun_waits_however_many_do() -> None:
    places = Places(10, waiting=1)
    places.take(10, 1)
    waiting = [
        threading.Thread(target=places.take, args=(5, 10), kwargs={"has_begun": begun}) for begun in (False, True)
    ]
    for count, thread in enumerate(waiting, 1):
        thread.start()
        while len(places._line) < count:
            time.sleep(0.01)
    with pytest.raises(Busy):
        places.take(5, 10)
    places.give_back(10)
    for thread in waiting:
        thread.join(10)
    assert not any(thread.is_alive() for thread in waiting)
