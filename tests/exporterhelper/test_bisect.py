"""Bisection: all that can be taken is, and only those to blame are blamed."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.errors import Permanent, Retryable
from otel_sessions.exporterhelper.bisect import PATIENCE, bisect


def run(items: Sequence[int], bad: set[int]) -> tuple[list[int], list[tuple[list[int], Exception]], int]:
    """What was taken, who was blamed with what, and how many attempts that took."""
    taken: list[int] = []
    blamed: list[tuple[list[int], Exception]] = []
    attempts = 0

    def attempt(part: Sequence[int]) -> None:
        nonlocal attempts
        attempts += 1
        if bad & set(part):
            raise Permanent("no")
        taken.extend(part)

    bisect(items, attempt, lambda part, error: blamed.append((list(part), error)))
    return taken, blamed, attempts


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), max_size=8))))
def test_each_item_is_taken_in_order_or_blamed_alone(case: tuple[int, set[int]]) -> None:
    count, bad = case
    taken, blamed, _ = run(range(count), bad)
    assert taken == [item for item in range(count) if item not in bad]
    assert [part for part, _ in blamed] == [[item] for item in sorted(bad)]


def test_where_everything_is_refused_patience_ends_and_the_rest_may_come_again() -> None:
    taken, blamed, attempts = run(range(100_000), set(range(100_000)))
    assert taken == []
    assert attempts < 2 * PATIENCE
    assert sorted(item for part, _ in blamed for item in part) == list(range(100_000))
    assert {type(error) for part, error in blamed if len(part) > 1} == {Retryable}


def test_what_asks_for_time_is_not_halved() -> None:
    blamed: list[list[int]] = []

    def attempt(_: Sequence[int]) -> None:
        raise Retryable("later")

    bisect(range(50), attempt, lambda part, _: blamed.append(list(part)))
    assert blamed == [list(range(50))]
