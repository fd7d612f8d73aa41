"""The terms of a query as chips."""

from __future__ import annotations

import pytest

from otel_sessions.extensions.web.pages.chips import chips


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("", []),
        ("user:ada", ["user:ada"]),
        ('user:ada  cost>0.5 "not working"', ["user:ada", "cost>0.5", '"not working"']),
        ("a AND -(b c) d", ["a", "-(b c)", "d"]),
        ('user:"a \\" b" c', ['user:"a \\" b"', "c"]),
        ("a b OR c", ["a b OR c"]),
        ("(a OR b) c", ["(a OR b)", "c"]),
    ],
)
def test_terms_that_must_all_hold_are_chips(query: str, texts: list[str]) -> None:
    assert [chip.text for chip in chips(query)] == texts


def test_a_chip_says_what_is_left_without_it() -> None:
    assert [chip.rest for chip in chips("a AND b -c")] == ["b -c", "a -c", "a b"]
    assert [chip.negated for chip in chips("a -c")] == [False, True]
