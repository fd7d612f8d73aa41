"""Reads that do not wait for each other run beside each other where threads are free."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.at_once import at_once
from otel_sessions.clickhouse.connection import Store
from otel_sessions.errors import Retryable
from tests.clickhouse.test_connection import Idle


def meet(_: Client, *, barrier: threading.Barrier) -> int:
    """Which of those it is that wait for each other here."""
    return barrier.wait(10)


@pytest.mark.parametrize(("threads", "are_met"), [(3, True), (1, False)])
def test_reads_run_beside_each_other_where_threads_are_free_and_else_one_after_the_other(
    threads: int, are_met: bool
) -> None:
    barrier = threading.Barrier(3)
    used: list[Client] = []

    def one(client: Client) -> Any:
        used.append(client)
        return client if not are_met else (client, meet(client, barrier=barrier))

    async def calls() -> list[Any]:
        store = Store(cast("Any", Idle), "few", threads=threads, max_waiting=1)
        found = await store.run(lambda client: at_once(client, one, one, one))
        store.close()
        return found

    found = asyncio.run(calls())
    assert len(found) == 3
    assert len({id(client) for client in used}) == threads
    if are_met:
        assert sorted(number for _, number in found) == [0, 1, 2]


def test_reads_that_wait_for_threads_of_each_other_all_come_to_an_end() -> None:
    async def calls() -> None:
        store = Store(cast("Any", Idle), "few", threads=2, max_waiting=50)

        def nested(client: Client) -> list[Any]:
            return at_once(client, lambda one: at_once(one, lambda _: 1, lambda _: 2), lambda _: 3)

        found = await asyncio.gather(*(store.run(nested) for _ in range(50)))
        assert found == [[[1, 2], 3]] * 50
        store.close()

    asyncio.run(asyncio.wait_for(calls(), 30))


@pytest.mark.parametrize("which", [0, 1])
def test_one_that_fails_is_told_once_all_have_ended(which: int) -> None:
    ended: list[int] = []

    def slow(_: Client) -> None:
        time.sleep(0.1)
        ended.append(1)

    def fails(_: Client) -> None:
        raise Retryable("gone")

    async def calls() -> None:
        store = Store(cast("Any", Idle), "few", threads=3, max_waiting=1)
        works = [slow, slow]
        works.insert(which, fails)
        with pytest.raises(Retryable, match="gone"):
            await store.run(lambda client: at_once(client, *works))
        store.close()

    asyncio.run(calls())
    assert sum(ended) >= which


def test_reads_of_a_client_that_no_store_opened_follow_each_other() -> None:
    assert at_once(cast("Any", Idle()), lambda _: 1, lambda _: 2) == [1, 2]
