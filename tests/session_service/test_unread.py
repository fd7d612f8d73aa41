"""Answers that clients do not take count together with those over HTTP, until their calls are over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import grpc
import pytest

from otel_sessions.errors import Retryable
from otel_sessions.http import answers
from otel_sessions.http.answers import SMALL, Unsent
from otel_sessions.session_service import service

LARGE = 3 << 20


class Call:
    """What is asked of the context of a call."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], None]] = []

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self.callbacks.append(callback)
        return True

    def cancel(self) -> None:
        self.end()

    def end(self) -> None:
        for callback in self.callbacks:
            callback()


def answered(call: Call, nbytes: int = LARGE) -> int:
    return len(service._unsent(bytes(nbytes), cast("grpc.ServicerContext", cast(Any, call))))


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> Unsent:
    unsent = Unsent(2 * LARGE)
    monkeypatch.setattr(service, "UNSENT", unsent)
    monkeypatch.setattr(answers, "WAIT_S", 0.1)
    return unsent


def test_answers_that_are_not_taken_have_a_bound_and_small_ones_go(unsent: Unsent) -> None:
    first = Call()
    assert answered(first) + answered(Call()) == unsent.held
    with pytest.raises(Retryable, match="read slowly"):
        answered(Call())
    assert answered(Call(), SMALL) == SMALL
    first.end()
    assert answered(Call()) == LARGE


def test_a_call_whose_answer_is_not_taken_is_cancelled_where_another_needs_the_room(
    unsent: Unsent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SLOW_S", -1.0)
    assert answered(Call()) + answered(Call()) == unsent.held
    assert answered(Call()) == LARGE
    assert unsent.held == 2 * LARGE


def test_turns_that_watchers_do_not_take_count_as_well_until_they_are_taken(unsent: Unsent) -> None:
    def taken(call: Call) -> Iterator[bytes]:
        return service._taken([bytes(LARGE - 10), bytes(10)], cast("grpc.ServicerContext", cast(Any, call)))

    first, second = taken(Call()), taken(Call())
    assert len(next(first)) + 10 == unsent.held
    next(second)
    with pytest.raises(Retryable, match="read slowly"):
        next(taken(Call()))
    assert [len(message) for message in first] == [10]
    second.close()  # type: ignore[attr-defined] # as gRPC does when the call is over
    assert not unsent.held
