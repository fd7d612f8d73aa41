"""Figures, times and texts as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.extensions.web.pages import format as formats
from otel_sessions.queries.language import FIELDS
from otel_sessions.queries.language.parse import parse
from otel_sessions.queries.language.tree import Matches, Value

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ms"),
        (400_000, "0.4 ms"),
        (850_000_000, "850 ms"),
        (12_340_000_000, "12.3 s"),
        (192_000_000_000, "3 min 12 s"),
        (7_500_000_000_000, "2 h 5 min"),
        (7_200_000_000_000, "2 h"),
        (360_000_000_000_000, "4 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(ns: int, text: str) -> None:
    assert formats.duration(ns) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0"),
        (0.0000001, "< $0.000001"),
        (0.00005, "$0.00005"),
        (0.0123, "$0.0123"),
        (0.012, "$0.0120"),
        (0.4, "$0.40"),
        (1204, "$1,204"),
    ],
)
def test_money_is_written_to_what_matters(usd: float, text: str) -> None:
    assert formats.money(usd) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (950, "950"), (12_300, "12.3k"), (4_560_000, "4.56M")])
def test_great_counts_are_written_in_three_digits(value: float, text: str) -> None:
    assert formats.compact(value) == text


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5, seconds=40), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=2), "2 d ago"),
        (timedelta(days=40), "2026-01-20"),
    ],
)
def test_a_moment_is_as_long_ago_as_it_is(past: timedelta, text: str) -> None:
    assert f">{text}</time>" in formats.ago(NOW - past, NOW)


def test_times_keep_their_zone_and_their_nanoseconds_do_no_harm() -> None:
    assert formats.instant("2026-03-01T13:00:00.123456789+01:00") == datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


@given(st.text(min_size=1, max_size=60).filter(lambda text: "\x00" not in text))
def test_a_quoted_value_is_that_value_in_the_language(value: str) -> None:
    node = parse(f"user:{formats.quoted(value)}")
    assert isinstance(node, Matches)
    assert node.field is FIELDS["user"]
    (found,) = node.values
    assert isinstance(found, Value)
    assert found.pieces == (value,)


def test_characters_that_turn_text_around_are_made_visible() -> None:
    assert formats.visible("a\u202eb\x1bc\td") == "a\\u202eb\\u001bc\td"


@given(st.text(max_size=300), st.integers(5, 60))
def test_first_words_are_one_line_of_bounded_length(text: str, length: int) -> None:
    line = formats.first_words(text, length)
    assert len(line) <= length + 1
    assert "\n" not in line
