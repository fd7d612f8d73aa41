from __future__ import annotations

import pytest

from otel_sessions.clickhouse.attempts import (
    FRUGAL,
    MEMORY,
    NEEDY,
    RESULT,
    SPILLING,
    WITH_LITTLE,
    WITH_MUCH,
    Needy,
    attempts_at,
)

MIB = 1 << 20


class Failed(Exception):
    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code = code


def test_a_statement_is_tried_with_little_then_with_much_then_by_way_of_the_disk() -> None:
    assert attempts_at("SELECT 1", None, {}) == [WITH_LITTLE, WITH_MUCH, SPILLING, FRUGAL]


def test_one_that_says_how_much_it_may_have_is_not_tried_with_less() -> None:
    assert attempts_at("SELECT 1", None, {MEMORY: MIB}) == [WITH_MUCH, SPILLING, FRUGAL]


def test_a_page_that_ends_where_it_is_full_is_tried_twice() -> None:
    page = "SELECT 1 SETTINGS result_overflow_mode = 'break'"
    assert attempts_at(page, None, {}) == [WITH_LITTLE, FRUGAL]
    NEEDY.note(page, {"session_id": "wide"})
    assert attempts_at(page, {"session_id": "wide"}, {}) == [FRUGAL]


def test_one_that_needed_much_of_late_is_not_tried_with_little() -> None:
    NEEDY.note("SELECT 'much'")
    assert attempts_at("SELECT 'much'", None, {}) == [WITH_MUCH, SPILLING, FRUGAL]


def test_that_a_statement_needed_much_of_one_session_says_nothing_of_others() -> None:
    wide, other = ({"project": "p", "session_id": id_, "limit": 1} for id_ in ("wide", "other"))
    NEEDY.note("SELECT 'turns'", wide)
    assert attempts_at("SELECT 'turns'", {**wide, "limit": 2}, {}) == [WITH_MUCH, SPILLING, FRUGAL]
    assert attempts_at("SELECT 'turns'", other, {})[0] is WITH_LITTLE
    assert attempts_at("SELECT 'turns'", {**wide, "project": "q"}, {})[0] is WITH_LITTLE


def test_what_needed_much_is_remembered_of_so_many_statements() -> None:
    needy = Needy()
    for number in range(1_001):
        needy.note(f"SELECT {number}")
    assert not needy.has("SELECT 0")
    assert needy.has("SELECT 1")


def test_bounds_that_are_less_than_what_there_is_hold() -> None:
    few = WITH_MUCH.chosen({MEMORY: "1000", RESULT: 10, "limit": 3}, 512 * MIB, 96 * MIB)
    assert (few[MEMORY], few[RESULT], few["limit"]) == (1000, 10, 3)
    many = WITH_MUCH.chosen({MEMORY: 1024 * MIB, RESULT: 1024 * MIB}, 512 * MIB, 96 * MIB)
    assert (many[MEMORY], many[RESULT]) == (512 * MIB, 96 * MIB)
    assert WITH_LITTLE.chosen({}, 64 * MIB, 96 * MIB) == {MEMORY: 64 * MIB, RESULT: 8 * MIB}
    assert FRUGAL.chosen({}, 192 * MIB, MIB)["max_bytes_before_external_sort"] == 96 * MIB


@pytest.mark.parametrize(
    ("error", "of_little", "of_much"),
    [
        (Failed(241, "Query memory limit exceeded: would use 64.81 MiB"), True, True),
        (Failed(241, "(total) memory limit exceeded: would use 1.02 GiB"), False, False),
        (Failed(396, "Limit for result exceeded"), True, False),
        (Failed(158), False, False),
        (Failed(307), False, False),
        (Failed(173), False, False),
        (ValueError("no code"), False, False),
    ],
)
def test_only_what_more_memory_helps_is_tried_again(error: Exception, of_little: bool, of_much: bool) -> None:
    assert WITH_LITTLE.is_short(error) is of_little
    assert FRUGAL.is_short(error) is of_much
