"""How many messages are read at a time, by their bytes."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field

import pytest

from otel_sessions.component import Host
from otel_sessions.errors import Retryable
from otel_sessions.footprint import CROWD, RECEIVED_BYTES, TIGHT, Room
from otel_sessions.receivers.otlp import grpc_slots
from otel_sessions.receivers.otlp.grpc_slots import EXPECTED_BYTES, FAIR, FEW, LITTLE, READING, Messages
from otel_sessions.telemetry import Metrics
from tests.integration.running import wait_until

MOST = 64 << 20
LEFT = RECEIVED_BYTES - FEW * EXPECTED_BYTES


@dataclass(eq=False)
class Call:
    begun: deque[Call]
    nbytes: int = 0
    connection: int = 1
    cancelled: list[Call] = field(default_factory=list)
    is_sent_away: bool = False

    def read(self) -> bool:
        self.begun.append(self)
        return True

    def cancel(self) -> None:
        self.cancelled.append(self)

    def send_away(self) -> None:
        self.is_sent_away = True

    def peer(self) -> str:
        return f"ipv4:127.0.0.1:{self.connection}"


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def messages(room: Room, monkeypatch: pytest.MonkeyPatch) -> Messages:
    monkeypatch.setattr(grpc_slots, "resident", lambda: grpc_slots.LITTLE)
    return Messages("otlp/grpc", Host(Metrics(), received=room))


@pytest.mark.parametrize("nbytes", [1000, 6 << 20, MOST])
def test_few_messages_are_waited_for_at_a_time_whatever_their_connections_have_sent(
    messages: Messages, nbytes: int
) -> None:
    """As many may turn out to be as large as is allowed, after small ones too."""
    begun = deque[Call]()
    for connection in range(64):
        messages.enter(Call(begun, connection=connection))
    for _ in range(40):  # small ones, each answered at once
        messages.release(begun[0], 1000)
        messages.leave(begun.popleft())
        assert len(begun) == FEW
    messages.release(begun[0], nbytes)
    assert len(begun) == (FEW if nbytes > LEFT else FEW + 1), "what was read and waits for its outcome has room first"
    messages.leave(begun.popleft())
    assert len(begun) == FEW


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


def test_whoever_stands_in_line_is_read_once_another_transport_has_given_its_room_back(
    messages: Messages, room: Room
) -> None:
    begun = deque[Call]()
    other = object()
    assert room.take(other, RECEIVED_BYTES)
    messages.enter(Call(begun))
    room.give_back(other)
    messages._look(time.monotonic(), LITTLE)
    assert len(begun) == 1


def look(messages: Messages, later_s: float = 3.0, memory: int = LITTLE) -> None:
    """As the thread that watches does, so many seconds after the last message was asked for."""
    messages._look(max(messages._placed.values()) + later_s, memory)


def test_who_sends_nothing_does_not_fill_the_room(messages: Messages) -> None:
    begun = deque[Call]()
    for connection in range(READING):
        messages.enter(Call(begun, connection=connection))
    for number in range(READING):
        look(messages, 3.0 * (number + 1))
        for call in [each for each in begun if each.cancelled]:
            messages.leave(call)
        if len(begun) == READING:
            return
    raise AssertionError(f"only {len(begun)} were waited for")


def test_no_more_silent_calls_are_waited_for_than_memory_has_room_for_what_they_may_send(messages: Messages) -> None:
    begun = deque[Call]()
    for connection in range(READING):
        messages.enter(Call(begun, connection=connection))
    for number in range(READING):
        look(messages, 3.0 * (number + 1))
    assert len(begun) == FEW + (TIGHT - LITTLE) // RECEIVED_BYTES


def test_one_slow_message_at_a_time_is_passed_over_as_all_are_slow_where_the_machine_is(messages: Messages) -> None:
    begun = deque[Call]()
    for connection in range(READING):
        messages.enter(Call(begun, connection=connection))
    look(messages, 3.0)
    look(messages, 3.1)
    assert len(begun) == FEW + 1
    look(messages, 5.2)
    assert len(begun) == FEW + 2


def test_the_calls_of_one_connection_that_sends_nothing_do_not_keep_another_waiting(messages: Messages) -> None:
    mute, begun = deque[Call](), deque[Call]()
    for _ in range(100):
        messages.enter(Call(mute, connection=1))
    look(messages)
    messages.enter(Call(begun, connection=2))
    look(messages, 6.0)
    assert len(begun) == 1
    assert len(mute) < FAIR


def test_large_messages_in_line_keep_small_ones_waiting_little_and_have_their_turn(messages: Messages) -> None:
    begun = deque[Call]()
    for connection in range(2 * FAIR):
        messages.enter(Call(begun, MOST, connection))
        messages.enter(Call(begun, 1000, 100 + connection))
    order = list[int]()
    while begun:
        call = begun.popleft()
        order.append(call.nbytes)
        messages.release(call, call.nbytes)
        messages.leave(call)
        if call.nbytes == MOST and len(order) < 10 * FAIR:
            messages.enter(Call(begun, MOST, call.connection))
        elif len(order) < 10 * FAIR:
            messages.enter(Call(begun, 1000, call.connection))
    assert order[: 10 * FAIR].count(MOST) >= 9
    assert order[4 * FAIR : 10 * FAIR].count(1000) > 4 * FAIR


def test_one_message_is_waited_for_at_a_time_where_memory_is_tight(messages: Messages) -> None:
    begun = deque[Call]()
    messages._look(0.0, TIGHT)
    for connection in range(4):
        messages.enter(Call(begun, connection=connection))
    assert len(begun) == 1
    messages._look(0.0, LITTLE)
    messages.leave(begun.popleft())
    assert len(begun) == FEW


def test_slow_messages_are_given_up_where_memory_is_tight(messages: Messages) -> None:
    """Each may be large, and all may come at once."""
    begun, cancelled = deque[Call](), list[Call]()
    for connection in range(READING):
        messages.enter(Call(begun, connection=connection, cancelled=cancelled))
    for number in range(READING):
        look(messages, 3.0 * (number + 1))
    cancelled.clear()
    begun_before = len(begun)
    look(messages, memory=TIGHT)
    assert cancelled == list(begun)[FEW:], "those that are left are as many as are waited for of others"
    assert len(begun) == begun_before


def test_whoever_waits_in_line_costs_no_more_than_a_look_now_and_then(
    messages: Messages, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc_slots, "GREEDY_S", 0.2)
    looks: list[float] = []
    whole = messages._look
    monkeypatch.setattr(messages, "_look", lambda now, memory: looks.append(now) or whole(now, memory))
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
    assert most <= 2 * MOST + RECEIVED_BYTES
    assert room.held == 0


def test_those_who_came_last_to_a_long_line_are_told_to_come_back_while_memory_is_tight(messages: Messages) -> None:
    begun = deque[Call]()
    calls = [Call(begun, connection=connection) for connection in range(FEW + 2 * CROWD)]
    for call in calls:
        messages.enter(call)
    look(messages, 0.1)
    assert not any(call.is_sent_away for call in calls)
    look(messages, 0.1, TIGHT)
    assert [call.is_sent_away for call in calls] == [False] * (FEW + CROWD) + [True] * CROWD
    with pytest.raises(Retryable, match="memory is tight"):
        messages.enter(Call(begun))
    for call in calls[FEW:]:
        messages.leave(call)
    look(messages, 0.1, TIGHT)
    assert len(begun) == FEW, "none that was sent away is read"


def test_small_calls_that_came_last_stay_in_a_long_line_while_memory_is_tight_as_they_take_nothing(
    messages: Messages,
) -> None:
    begun = deque[Call]()
    for connection in range(CROWD + 1):
        small = Call(begun, connection=10_000 + connection)
        messages.enter(small)
        messages.release(begun.popleft(), 1000)
        messages.leave(small)
    large = [Call(begun, connection=connection) for connection in range(FEW + 2 * CROWD)]
    small = [Call(begun, connection=10_000 + connection) for connection in range(CROWD)]
    for call in (*large, *small):
        messages.enter(call)
    look(messages, 0.1, TIGHT)
    assert [call.is_sent_away for call in large] == [False] * (FEW + CROWD) + [True] * CROWD
    assert not any(call.is_sent_away for call in small)
    with pytest.raises(Retryable, match="memory is tight"):
        messages.enter(Call(begun, connection=FEW + 2 * CROWD))
    with pytest.raises(Retryable, match="memory is tight"):
        messages.enter(Call(begun, connection=10_000 + CROWD))
    messages.leave(small[0])
    messages.enter(Call(begun, connection=10_000 + CROWD))
