"""How many messages are read at a time, by their bytes."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass

import pytest

from otel_sessions.component import Host
from otel_sessions.footprint import RECEIVED_BYTES, Room
from otel_sessions.receivers.otlp import grpc_slots
from otel_sessions.receivers.otlp.grpc_slots import LEAST_BYTES, READING, Messages
from otel_sessions.telemetry import Metrics
from tests.integration.running import wait_until

MOST = 64 << 20


@dataclass(eq=False)
class Call:
    begun: deque[Call]
    nbytes: int = 0
    connection: int = 1

    def read(self) -> bool:
        self.begun.append(self)
        return True

    def cancel(self) -> None: ...

    def peer(self) -> str:
        return f"ipv4:127.0.0.1:{self.connection}"


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def messages(room: Room, monkeypatch: pytest.MonkeyPatch) -> Messages:
    monkeypatch.setattr(grpc_slots, "resident", lambda: grpc_slots.LITTLE)
    return Messages("otlp/grpc", Host(Metrics(), received=room))


@pytest.mark.parametrize(("nbytes", "at_once"), [(1000, READING), (6 << 20, 10), (MOST, 1)])
def test_messages_are_read_as_far_as_they_have_room_together(messages: Messages, nbytes: int, at_once: int) -> None:
    begun = deque[Call]()
    for _ in range(100):
        messages.enter(Call(begun))
    assert len(begun) == 2, "of a connection that is new nobody knows how long its messages are"
    at_work = []
    for _ in range(100):
        call = begun.popleft()
        messages.release(call, nbytes)
        messages.leave(call)
        at_work.append(len(begun))
    assert at_work[50] == at_once, "after fifty it is known what comes"


def test_no_message_is_asked_for_while_those_at_work_fill_the_room(messages: Messages, room: Room) -> None:
    begun = deque[Call]()
    other = object()
    assert room.take(other, RECEIVED_BYTES), "over another transport"
    messages.enter(Call(begun))
    assert not begun
    room.give_back(other)
    messages.enter(Call(begun))
    messages.release(begun[0], MOST)
    messages.enter(Call(begun))
    assert len(begun) == 2, "those that were asked for before it was known"
    messages.leave(begun[0])
    messages.leave(begun[1])
    assert len(begun) == 3


def test_who_sends_nothing_does_not_fill_the_room(messages: Messages) -> None:
    begun = deque[Call]()
    for connection in range(READING):
        messages.enter(Call(begun, connection=connection))
    for now in range(READING):
        following = messages._pass_over_slow(messages._placed[begun[-1]] + 1.0 + now)
        if following is not None:
            messages._have_read(following)
    assert len(begun) > READING // 2


def test_whoever_waits_in_line_costs_no_more_than_a_look_now_and_then(
    messages: Messages, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc_slots, "GREEDY_S", 0.2)
    looks: list[float] = []
    monkeypatch.setattr(messages, "_pass_over_slow", lambda before: looks.append(before) or whole(before))
    whole = Messages._pass_over_slow.__get__(messages)
    begun, began = deque[Call](), time.monotonic()
    assert room.take(object(), RECEIVED_BYTES), "over another transport"
    messages.start()
    messages.enter(Call(begun))
    wait_until(lambda: len(looks) >= 4)
    messages.close()
    assert messages._worker.join(60)
    assert len(looks) <= (time.monotonic() - began) / (0.2 / 8) + 2
    assert not begun


@pytest.mark.parametrize("seed", range(20))
def test_what_is_read_together_is_bounded_in_any_order_and_nobody_starves(
    messages: Messages, room: Room, seed: int
) -> None:
    """Connections each with messages of one size, small to the largest; they come, are read and answered at random."""
    rnd = random.Random(seed)
    sizes = [rnd.choice([1000, 1 << 20, 5 << 20, 40 << 20, MOST]) for _ in range(rnd.randrange(1, 40))]
    begun, read, waiting = deque[Call](), list[Call](), 0
    left, done, most = 300, 0, 0
    while done < 300:
        match rnd.randrange(3):
            case 0 if left:
                connection = rnd.randrange(len(sizes))
                messages.enter(Call(begun, sizes[connection], connection))
                left, waiting = left - 1, waiting + 1
            case 1 if begun:
                begun.rotate(rnd.randrange(len(begun)))
                call = begun.popleft()
                messages.release(call, call.nbytes)
                read.append(call)
            case 2 if read:
                messages.leave(read.pop(rnd.randrange(len(read))))
                done, waiting = done + 1, waiting - 1
        assert begun or read or not waiting, "somebody is always being read"
        held = sum(call.nbytes for call in (*begun, *read))
        most = max(most, held)
    assert most <= 2 * MOST + RECEIVED_BYTES // 4 + READING * LEAST_BYTES // 2
    assert room.held == 0
