"""How many messages are read at a time, by their bytes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from otel_sessions.component import Host
from otel_sessions.receivers.otlp.grpc_slots import FEWEST, MESSAGE_BYTES, READING, Messages
from otel_sessions.telemetry import Metrics


@dataclass(eq=False)
class Call:
    begun: list[Call]

    def read(self) -> bool:
        self.begun.append(self)
        return True

    def cancel(self) -> None: ...

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"


@pytest.fixture
def messages() -> Messages:
    return Messages("otlp/grpc", Host(Metrics()))


@pytest.mark.parametrize(("nbytes", "at_once"), [(1000, READING), (6 << 20, 10), (64 << 20, FEWEST)])
def test_messages_are_read_as_far_as_they_have_room_together(messages: Messages, nbytes: int, at_once: int) -> None:
    begun = list[Call]()
    for _ in range(100):
        messages.enter(Call(begun))
    at_work = []
    for done in range(100):
        messages.release(begun[done], nbytes)
        messages.leave(begun[done])
        at_work.append(len(begun) - done - 1)
    assert at_work[50] == at_once, "after fifty it is known what comes"


def test_no_message_is_asked_for_while_those_at_work_fill_the_room(messages: Messages) -> None:
    begun = list[Call]()
    messages.enter(Call(begun))
    messages.release(begun[0], MESSAGE_BYTES)
    messages.enter(Call(begun))
    assert len(begun) == 1
    messages.leave(begun[0])
    assert len(begun) == 2
