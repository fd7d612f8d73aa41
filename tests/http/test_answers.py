"""What clients leave unread of large answers has a joint bound; small answers always go."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from threading import Event
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse

from otel_sessions.component import Host
from otel_sessions.footprint import when_sent
from otel_sessions.http import answers
from otel_sessions.http.answers import SMALL, UNSENT, UNSENT_BYTES, Unsent, hold, next_held
from otel_sessions.http.server import HttpServer
from otel_sessions.telemetry import Metrics
from otel_sessions.types import HostPort

LARGE = 24 << 20
FITTING = UNSENT_BYTES // LARGE
WAIT = 60


class Sizes:
    """Answers so many bytes as the path says; of `/pieces` after a small piece, and of `/kept` with something kept for
    reading them that is `given_back`."""

    def __init__(self) -> None:
        self.given_back = Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        kind, nbytes = scope["path"].strip("/").split("/")
        if kind == "pieces":
            await StreamingResponse(self._pieces(int(nbytes)))(scope, receive, send)
            return
        if kind == "kept":
            when_sent(self.given_back.set)
        await Response(bytes(int(nbytes)))(scope, receive, send)

    async def _pieces(self, nbytes: int) -> Any:
        async def make() -> bytes:
            when_sent(self.given_back.set)
            return bytes(nbytes)

        yield bytes(SMALL)
        for part in answers.in_pieces(await next_held(make, nbytes)):
            yield part


@pytest.fixture
def app() -> Sizes:
    return Sizes()


@pytest.fixture
def address(app: Sizes, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(answers, "WAIT_S", 0.3)
    server = HttpServer(app, HostPort("127.0.0.1", 0), Host(Metrics()), name="a", path="a")
    server.start()
    host, _, port = server.endpoints["a"].rpartition(":")
    yield host, int(port)
    server.shutdown(5.0)
    assert not UNSENT.held


def asking(address: tuple[str, int], path: str) -> socket.socket:
    """A connection whose client has read the beginning of the answer, and no more."""
    taking = socket.socket()
    taking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    taking.settimeout(WAIT)
    taking.connect(address)
    taking.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert taking.recv(12) == b"HTTP/1.1 200"
    return taking


def status_of(address: tuple[str, int], path: str) -> tuple[int, str | None, int]:
    """Its status, when to come back, and how many bytes it has."""
    connection = HTTPConnection(*address, timeout=WAIT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.getheader("retry-after"), len(response.read())
    finally:
        connection.close()


def test_answers_that_clients_leave_unread_have_a_bound_and_small_ones_go(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as opened:
        for _ in range(FITTING):
            opened.enter_context(asking(address, f"/whole/{LARGE}"))
        assert UNSENT.held == FITTING * LARGE
        status, retry_after, _ = status_of(address, f"/whole/{LARGE}")
        assert (status, retry_after) == (503, "2")
        assert status_of(address, f"/whole/{SMALL}") == (200, None, SMALL)
    assert "answers are refused: clients leave 48 MiB of others unread" in caplog.text


def test_who_hardly_reads_is_cut_off_once_another_needs_the_room(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(answers, "WAIT_S", 30.0)
    monkeypatch.setattr(answers, "SLOW_S", 0.2)
    with asking(address, f"/whole/{LARGE}") as first, asking(address, f"/whole/{LARGE}"):
        assert status_of(address, f"/whole/{LARGE}") == (200, None, LARGE)
        assert UNSENT.held == LARGE, "the other is left alone"
        found = 0
        try:
            while part := first.recv(1 << 20):
                found += len(part)
        except ConnectionError:
            pass
        assert found < LARGE
    assert "cut off" in caplog.text


def test_places_for_reading_are_given_back_once_an_answer_is_made(address: tuple[str, int], app: Sizes) -> None:
    with asking(address, f"/kept/{LARGE}"):
        assert app.given_back.wait(WAIT)


def test_a_stream_that_has_begun_waits_for_room_and_comes_to_its_end(address: tuple[str, int], app: Sizes) -> None:
    with asking(address, f"/whole/{LARGE}"):
        with asking(address, f"/whole/{LARGE}"):
            connection = HTTPConnection(*address, timeout=WAIT)
            connection.request("GET", f"/pieces/{LARGE}")
            response = connection.getresponse()
            assert len(response.read(SMALL)) == SMALL
            time.sleep(2 * answers.WAIT_S)
            assert UNSENT.held == 2 * LARGE
            assert not app.given_back.is_set(), "nothing is read for it meanwhile"
        assert len(response.read()) == LARGE
        assert app.given_back.is_set()
        connection.close()


def test_an_answer_that_is_larger_than_the_room_has_it_alone() -> None:
    unsent, one, other = Unsent(), object(), object()
    assert unsent.enter(one, 2 * UNSENT_BYTES, print)
    assert not unsent.enter(other, SMALL + 1, print)
    unsent.leave(one)
    assert unsent.enter(other, SMALL + 1, print)


def test_the_one_that_was_slow_for_longest_is_cut_off_and_nobody_who_reads() -> None:
    now, cut = [0.0], list[str]()
    unsent, half = Unsent(now=lambda: now[0]), UNSENT_BYTES // 2
    assert unsent.enter("slow", half - 1, lambda: cut.append("slow"))
    assert unsent.enter("read", half, lambda: cut.append("read"))
    assert unsent.enter("not made", 1, None)
    now[0] = 11.0
    unsent.note_read("read")
    assert not unsent.enter("new", half, print)
    assert not unsent.enter("new", half, print)
    assert cut == ["slow"]
    unsent.leave("slow")
    unsent.leave("not made")
    assert unsent.enter("new", half, print)


def test_nothing_at_hand_holds_nothing() -> None:
    asyncio.run(hold(LARGE))
    assert not UNSENT.held
