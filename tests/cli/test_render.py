from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta

import pytest

from otel_sessions.cli import render

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("gpt-4o", "gpt-4o"),
        ("llama-3-70b-8192", "llama-3-70b-8192"),
    ],
)
def test_a_model_is_shown_without_the_date_of_its_release(name: str, shown: str) -> None:
    assert render.model(name) == shown


def test_a_pipe_has_no_colours_whatever_the_environment_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    console = render.console()
    console.print("plain", style="bold red")
    assert sys.stdout.getvalue() == "plain\n"  # type: ignore[attr-defined]
