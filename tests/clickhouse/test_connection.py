"""Stores beside an event loop take so many calls and send the others away at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import connection
from otel_sessions.clickhouse.connection import Store
from otel_sessions.errors import Permanent, QueryError, Retryable
from otel_sessions.footprint import one_request, when_sent


class Idle:
    """A client that is asked nothing."""

    def close(self) -> None:
        pass


def test_calls_beyond_those_that_may_wait_are_told_at_once_to_come_back_and_room_returns() -> None:
    release = threading.Event()

    def work(_: Client) -> int:
        release.wait(10)
        return 7

    async def calls() -> None:
        store = Store(cast("Any", Idle), "few", threads=1, max_waiting=2)
        waiting = [asyncio.create_task(store.run(work)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Retryable, match="2 requests are waiting already"):
            await store.run(work)
        release.set()
        assert await asyncio.gather(*waiting) == [7, 7]
        assert await store.run(lambda _: 8) == 8
        store.close()

    asyncio.run(calls())


def test_what_work_raises_frees_its_place() -> None:
    async def calls() -> None:
        store = Store(cast("Any", Idle), "few", threads=1, max_waiting=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await store.run(lambda _: 1 // 0)
        store.close()

    asyncio.run(calls())


def test_a_client_is_used_again_after_what_is_not_there_and_closed_after_what_failed() -> None:
    opened: list[Client] = []

    def one() -> Client:
        opened.append(cast("Any", Idle()))
        return opened[-1]

    def failing(because: Exception | None) -> None:
        raise Permanent("no") from because

    def failing_meanwhile() -> None:
        try:
            failing(None)
        except Permanent:
            raise QueryError("told by another") from None

    async def calls() -> None:
        store = Store(one, "few", threads=1, max_waiting=1)
        for work, clients in (
            (lambda: failing(None), 1),
            (lambda: failing(None), 1),
            (lambda: failing(OSError("gone")), 1),
            (lambda: failing(None), 2),
            (failing_meanwhile, 2),
            (lambda: failing(None), 3),
        ):
            with pytest.raises(Permanent):
                await store.run(lambda _, work=work: work())
            assert len(opened) == 1 + clients, "the anchor, and those in use"
        store.close()

    asyncio.run(calls())


def test_a_piece_that_has_gone_out_is_not_kept_while_the_next_is_made() -> None:
    kept: set[int] = set()

    class Piece(bytes):
        def __del__(self) -> None:
            kept.discard(self[0])

    def pieces(_: object) -> Iterator[bytes]:
        for number in range(5):
            assert not kept
            kept.add(number)
            yield Piece([number])

    async def calls() -> int:
        store = Store(cast("Any", Idle), "few", threads=1, max_waiting=1, max_streams=1)
        count = 0
        async for piece in store.stream(pieces):
            count += len(piece)
            del piece
        store.close()
        return count

    assert asyncio.run(calls()) == 5


def test_what_is_read_for_an_answer_that_has_begun_waits_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[dict[str, bool]] = []
    monkeypatch.setattr(connection, "settle", lambda _, **said: settled.append(said))

    async def calls() -> None:
        store = Store(cast("Any", Idle), "few", threads=1, max_waiting=1, max_streams=1)
        assert [piece async for piece in store.stream(lambda _: iter([b"1", b"2"]))] == [b"1", b"2"]
        store.close()

    asyncio.run(calls())
    assert settled == [{"has_begun": True}, {"has_begun": True}, {}]


def test_streams_that_wait_for_their_next_piece_leave_threads_to_others() -> None:
    release = threading.Event()

    def pieces(_: object) -> Iterator[bytes]:
        release.wait(10)
        yield b"1"

    async def calls() -> None:
        store = Store(cast("Any", Idle), "few", threads=4, max_waiting=1, max_streams=8)

        async def whole() -> bytes:
            return b"".join([piece async for piece in store.stream(pieces)])

        streams = [asyncio.create_task(whole()) for _ in range(8)]
        await asyncio.sleep(0.1)
        assert await asyncio.wait_for(store.run(lambda _: 7), 5) == 7
        assert not release.is_set()
        release.set()
        assert await asyncio.gather(*streams) == [b"1"] * 8
        store.close()

    asyncio.run(calls())


def test_what_is_read_for_a_client_that_has_gone_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, release, is_over = threading.Event(), threading.Event(), threading.Event()
    given_back: list[dict[str, bool]] = []

    def settle(_: object, **said: bool) -> None:
        when_sent(lambda: given_back.append(said))
        if not said:
            is_over.set()

    monkeypatch.setattr(connection, "settle", settle)

    def pieces(_: object) -> Iterator[bytes]:
        reading.set()
        release.wait(10)
        yield b"1"

    async def request(store: Store) -> None:
        with one_request():
            async for _ in store.stream(pieces):
                pass

    async def calls() -> None:
        store = Store(cast("Any", Idle), "few", threads=4, max_waiting=1, max_streams=1)
        task = asyncio.create_task(request(store))
        await asyncio.to_thread(reading.wait, 10)
        task.cancel()
        await asyncio.sleep(0.1)
        task.cancel()  # as of a group of tasks, whose every wait ends
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        assert await asyncio.to_thread(is_over.wait, 10)
        assert given_back == [{"has_begun": True}, {}]
        store.close()

    asyncio.run(calls())
