"""Bars of spans along time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.extensions.web.pages.waterfall import WIDTH, waterfall

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def span(id_: str, parent: str = "", start: float = 0, seconds: float = 1, trace: str = "t") -> dict[str, Any]:
    time = (BEGIN + timedelta(seconds=start)).isoformat()
    return {
        "trace_id": trace,
        "span_id": id_,
        "parent_span_id": parent,
        "start_time": time,
        "duration_ns": int(seconds * 1e9),
    }


def test_children_stand_below_their_parent_in_the_order_of_their_start() -> None:
    fall = waterfall([span("c", "a", 2), span("b", "a", 1), span("a", "", 0, 4), span("d", "b", 1.2, 0.2)])
    assert [(bar.span["span_id"], bar.depth) for bar in fall.bars] == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]


def test_idle_time_between_turns_takes_little_room_and_says_how_long_it_was() -> None:
    fall = waterfall([span("a", "", 0, 10, "t"), span("b", "", 3610, 10, "u")])
    (gap,) = fall.gaps
    assert gap.duration_ns == 3600 * 10**9
    first, second = fall.bars
    assert first.width > 400
    assert second.x >= gap.x + gap.width
    assert fall.duration_ns == 3620 * 10**9


def test_the_critical_path_goes_through_what_ended_last() -> None:
    spans = [
        span("root", "", 0, 10),
        span("fast", "root", 0, 2),
        span("slow", "root", 0, 6),
        span("last", "root", 6, 4),
    ]
    fall = waterfall(spans)
    assert {bar.span["span_id"] for bar in fall.bars if bar.critical} == {"root", "slow", "last"}


def test_spans_that_are_each_others_parents_are_shown_all_the_same() -> None:
    fall = waterfall([span("a", "b"), span("b", "a"), span("c", "c")])
    assert sorted(bar.span["span_id"] for bar in fall.bars) == ["a", "b", "c"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("tuv"),
            st.integers(0, 12),
            st.integers(-1, 12),
            st.floats(0, 1e6, allow_nan=False),
            st.floats(0, 1e4, allow_nan=False),
        ),
        max_size=25,
        unique_by=lambda each: each[:2],
    )
)
def test_every_span_is_drawn_once_and_inside(given_: list[tuple[str, int, int, float, float]]) -> None:
    spans = [
        span(str(number), str(parent) if parent >= 0 else "", start, seconds, trace)
        for trace, number, parent, start, seconds in given_
    ]
    fall = waterfall(spans)
    assert len(fall.bars) == len(spans)
    for bar in fall.bars:
        assert 0 <= bar.x <= WIDTH
        assert bar.width >= 2
        assert bar.x + bar.width <= WIDTH + 2.01
