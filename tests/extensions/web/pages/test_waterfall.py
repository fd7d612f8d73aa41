"""Bars of spans along time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.extensions.web.pages.waterfall import WIDTH, view, waterfall

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
        assert bar.width >= 0
        assert bar.x + bar.width <= WIDTH + 0.01


def test_a_part_of_the_time_is_cut_out_and_leads_to_its_neighbours() -> None:
    fall = waterfall([span("a", "", 0, 10, "t"), span("b", "", 3610, 10, "u")])
    seen = view(fall, "3610000000-3615000000")
    first, second = fall.bars
    assert not seen.shows(first)
    assert seen.shows(second)
    assert seen.x == second.x
    assert [label for _, label in seen.ticks][::4] == ["1 h", "+5.0 s"]
    assert view(fall, seen.moves["out"]).width > seen.width > view(fall, seen.moves["in"]).width
    assert view(fall, seen.moves["left"]).x < seen.x < view(fall, seen.moves["right"]).x


@given(st.text(max_size=30) | st.from_regex(r"\d{1,18}-\d{1,18}", fullmatch=True))
def test_whatever_part_is_asked_for_some_of_the_drawing_is_seen(zoom: str) -> None:
    for fall in (waterfall([span("a", "", 0, 10)]), waterfall([])):
        seen = view(fall, zoom)
        assert 0 <= seen.x <= WIDTH
        assert 0 < seen.width <= WIDTH - seen.x + 0.01


def test_lanes_say_when_each_agent_worked_itself() -> None:
    def step(id_: str, kind: str, agent: str, parent: str, start: float, seconds: float) -> dict[str, Any]:
        return {**span(id_, parent, start, seconds), "step_kind": kind, "agent_name": agent}

    spans = [
        step("lead", "agent", "Lead", "", 0, 10),
        step("call", "model", "", "lead", 0, 2),
        step("other", "agent", "Other", "lead", 2, 6),
        step("tool", "tool", "", "other", 3, 4),
    ]
    first, second = waterfall(spans).lanes
    assert (first.agent, first.bars) == ("Lead", [(0.0, 200.0)])
    assert (second.agent, second.bars) == ("Other", [(300.0, 400.0)])
    assert waterfall(spans[:2]).lanes == []
