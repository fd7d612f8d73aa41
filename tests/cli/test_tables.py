from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from otel_sessions.cli import tables

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def shown(table: Any, width: int = 120) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


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
    lines = shown(tables.timeline_table([minute(0), minute(3, spans=1)]))
    assert [line.split()[0] for line in lines[1:]] == ["12:00", "12:01", "12:02", "12:03"]
    assert lines[2] == "12:01"


def test_a_long_timeline_shows_only_minutes_with_spans_and_their_days() -> None:
    lines = shown(tables.timeline_table([minute(0), minute(2000)]))
    assert [line[:16] for line in lines[1:]] == ["2026-05-04 12:00", "2026-05-05 21:20"]


def test_a_timeline_of_nothing_is_empty() -> None:
    assert len(shown(tables.timeline_table([]))) == 1


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
        "TraceId": "a",
    }
    lines = shown(tables.turns([turn], width), width)
    assert [line.split()[0] for line in lines[1:]] == ["12:00:00", ">", "<"]
    assert all(len(line) <= width for line in lines)


def turn(**more: Any) -> dict[str, Any]:
    return {
        "TraceId": "a",
        "StartTime": "2026-05-04 12:00:00.000000000",
        "Name": "chat turn",
        "Input": "",
        "Output": "",
        "Duration": 1_500_000_000,
        "TotalTokens": 7,
        "Cost": 0.5,
        "ErrorCount": 0,
        **more,
    }


def test_previews_use_the_width_there_is() -> None:
    (line,) = (line for line in shown(tables.turns([turn(Input="x" * 500)], 200), 200) if ">" in line)
    assert len(line) == 200
    assert line.endswith("…")


def test_turns_of_several_days_have_dates() -> None:
    later = turn(StartTime="2026-05-05 01:00:00.000000000")
    assert [line.split("  ")[0] for line in shown(tables.turns([turn(), later], 80), 80)[1:]] == [
        "2026-05-04 12:00:00",
        "2026-05-05 01:00:00",
    ]


def test_a_turn_tells_its_last_error_and_its_scores() -> None:
    score = {"Name": "quality", "DataType": "NUMERIC", "Value": 0.5, "StringValue": "", "Comment": "slow"}
    lines = shown(tables.turns([turn(ErrorCount=1, LastError="no route")], 80, scores={"a": [score]}), 80)
    assert lines[2:] == ["  ! no route", "  * quality 0.5 (slow)"]


def test_full_texts_are_not_cut() -> None:
    text = "first line\n" + "word " * 100
    lines = shown(tables.turns([turn(Input=text)], 80, full=True), 80)[2:]
    assert " ".join(line.removeprefix("  > ") for line in lines).split() == text.split()


def span(id_: str, parent: str = "", **more: Any) -> dict[str, Any]:
    figures = {"Duration": 1_000_000, "Model": "", "TotalTokens": 0, "Cost": 0.0, "Error": ""}
    return {"SpanId": id_, "ParentSpanId": parent, "SpanName": id_, **figures, **more}


def test_spans_stand_below_their_parents_and_orphans_at_the_top() -> None:
    rows = [
        span("a"),
        span("b", "a", Error="boom"),
        span("c", "b", Model="gpt", TotalTokens=5, Cost=1.0),
        span("d", "x"),
    ]
    assert shown(tables.span_tree(rows)) == [
        "a  1 ms",
        "└── b  1 ms  ! boom",
        "    └── c  1 ms  gpt  5 tokens  $1.0000",
        "d  1 ms",
    ]


@given(st.lists(st.integers(0, 30), max_size=60))
def test_every_span_is_shown_once_whatever_its_parent(parents: list[int]) -> None:
    rows = [span(f"n{number}.", f"n{parent}.") for number, parent in enumerate(parents)]
    lines = shown(tables.span_tree(rows), 400)
    found = [name for line in lines for name in re.findall(r"n\d+\.", line)]
    assert sorted(found) == sorted(str(row["SpanId"]) for row in rows)


@pytest.mark.parametrize("width", [60, 80, 109, 110, 200])
def test_the_list_names_every_model_whatever_the_width(width: int) -> None:
    row = {
        "SessionId": "chat-42",
        "EndTime": "2026-05-04 11:00:00.000000000",
        "TraceCount": 1,
        "SpanCount": 2,
        "ErrorCount": 0,
        "TotalTokens": 12_345,
        "Cost": 0.0123,
        "UserIds": ["katherine"],
        "Models": ["claude-sonnet-4-5-20250929", "text-embedding-3-small"],
    }
    lines = shown(tables.sessions_table([row], NOW, width), width)
    assert all(len(line) <= width for line in lines)
    if width >= 80:
        text = "\n".join(lines)
        assert "claude-sonnet-4-5" in text
        assert "text-embedding-3-small" in text
