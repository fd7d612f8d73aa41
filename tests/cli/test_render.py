from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from otel_sessions.cli import render

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def shown(table: Any, width: int = 120) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=-3), "0 s ago"),
        (timedelta(seconds=59.9), "59 s ago"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=29), "29 d ago"),
        (timedelta(days=31), "2026-04-03"),
        (timedelta(days=-2), "2026-05-06"),
    ],
)
def test_a_time_is_said_relative_to_now_while_that_helps(before: timedelta, text: str) -> None:
    assert render.ago(NOW - before, NOW) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ms"),
        (1, "0 ms"),
        (999_000_000, "999 ms"),
        (1_500_000_000, "1.5 s"),
        (59_990_000_000, "1 min 0 s"),
        (61_000_000_000, "1 min 1 s"),
        (3_660_000_000_000, "1 h 1 min"),
        (90_000_000_000_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_said_in_the_units_that_matter(nanoseconds: int, text: str) -> None:
    assert render.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(0, "-"), (0.00001, "<$0.0001"), (0.0123, "$0.0123"), (99.5, "$99.5000"), (1234.5, "$1,234.50")],
)
def test_a_cost_is_said_to_the_hundredth_of_a_cent(dollars: float, text: str) -> None:
    assert render.cost(dollars) == text


@pytest.mark.parametrize(("value", "text"), [(0, ""), (1, "▏"), (50, "██"), (55, "██▎"), (100, "████")])
def test_a_bar_is_as_long_as_its_value(value: int, text: str) -> None:
    assert render.bar(value, 100, width=4) == text


def test_a_bar_can_be_plain_characters() -> None:
    assert render.bar(1, 100, width=4, ascii_only=True) == "#"
    assert render.bar(100, 100, width=4, ascii_only=True) == "####"


def test_text_is_on_one_line_and_commands_nothing() -> None:
    assert render.plain("a\nb\t c\x1b[2J\x00") == "a b c\\u001b[2J\\u0000"
    assert render.plain("日本 👩‍🚀 é") == "日本 👩‍🚀 é"


def minute(number: int, spans: int = 2) -> dict[str, Any]:
    time = NOW + timedelta(minutes=number)
    return {
        "Minute": f"{time:%Y-%m-%d %H:%M:%S}.000000000",
        "TraceCount": 1,
        "SpanCount": spans,
        "ErrorCount": 0,
        "InputTokens": 1,
        "OutputTokens": 2,
        "Cost": 0.5,
    }


def test_minutes_without_spans_are_shown_between_others() -> None:
    lines = shown(render.timeline_table([minute(0), minute(3, spans=1)]))
    assert [line.split()[0] for line in lines[1:]] == ["12:00", "12:01", "12:02", "12:03"]
    assert lines[2] == "12:01"


def test_a_long_timeline_shows_only_minutes_with_spans_and_their_days() -> None:
    lines = shown(render.timeline_table([minute(0), minute(2000)]))
    assert [line[:16] for line in lines[1:]] == ["2026-05-04 12:00", "2026-05-05 21:20"]


def test_a_timeline_of_nothing_is_empty() -> None:
    assert len(shown(render.timeline_table([]))) == 1


@pytest.mark.parametrize("width", [60, 80, 120, 300])
def test_a_turn_takes_three_lines_whatever_the_width(width: int) -> None:
    turn = {
        "StartTime": "2026-05-04 12:00:00.123456789",
        "Name": "n" * 400,
        "Input": "question " * 100,
        "Output": "answer [bold]\n" * 100,
        "Duration": 1_500_000_000,
        "TotalTokens": 7,
        "Cost": 0.5,
        "ErrorCount": 1,
    }
    lines = shown(render.turns_table([turn], width), width)
    assert [line.split()[0] for line in lines[1:]] == ["12:00:00", ">", "<"]
