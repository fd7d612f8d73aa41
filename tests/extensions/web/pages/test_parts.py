"""A session that long pauses divide: its parts by REST and on its page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.extensions.web.conftest import span
from tests.extensions.web.pages.browsing import Browser

HOUR = 3600


@pytest.fixture
def split(browser: Browser, limits: Callable[..., None]) -> Browser:
    """Four turns with pauses of 59 s, 2 h and 3 h between them; what is longer than an hour divides."""
    browser.api.store(
        span("s", 1, start=0, attributes={"input.value": "first question"}),
        span("s", 2, start=60, attributes={"output.value": "first answer"}),
        span("s", 3, start=61 + 2 * HOUR, status="Error", message="boom"),
        span("s", 4, start=62 + 5 * HOUR),
    )
    limits(split_after_of={browser.api.project: HOUR})
    return browser


def test_parts_are_paged_with_their_figures(split: Browser) -> None:
    parts, cursor = [], {}
    while True:
        page = split.api.get("/sessions/s/parts", limit=2, preview=8, **cursor)
        parts += page["parts"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    figures = [
        [part[name] for name in ("part", "trace_count", "error_count", "gap_ns", "last_error")] for part in parts
    ]
    assert figures == [[1, 2, 0, 0, ""], [2, 1, 1, 2 * HOUR * 10**9, "boom"], [3, 1, 0, 3 * HOUR * 10**9, ""]]
    assert [(parts[0][name], parts[0][f"{name}_length"]) for name in ("input", "output")] == [
        ("first qu", 14),
        ("first an", 12),
    ]
    assert split.api.get("/sessions/s")["life"]["parts"] == 3


def test_late_spans_that_fill_a_pause_join_what_it_divided(split: Browser) -> None:
    split.api.store(span("s", 5, start=61 + HOUR))
    assert [part["trace_count"] for part in split.api.get("/sessions/s/parts")["parts"]] == [4, 1]


def test_the_page_marks_where_a_part_begins_and_leads_to_those_beside(split: Browser) -> None:
    page = split.get("/sessions/s")
    text = " ".join(page.text.split())
    assert "Part 2 after 2 h idle: 1 turn in 1.0 s" in text
    assert text.count("after 2 h idle") == 2, "in the replay and in the waterfall"
    begun = ((1, 1), (3, 2), (4, 3))
    assert {f"/sessions/s?at={number:032x}#part-{part}" for number, part in begun} <= set(page.links())
    assert "Part 3 after 3 h idle" in " ".join(split.get("/sessions/s?show=waterfall").text.split())
    tools = split.get("/sessions/s?show=tools").text
    assert ("Part 1" in tools, "Part 2" in tools) == (True, True), "before the next turn of which something is shown"


def test_a_session_of_one_part_has_no_marks(split: Browser, limits: Callable[..., None]) -> None:
    limits()
    assert "Part 1" not in split.get("/sessions/s").text
    assert [part["trace_count"] for part in split.api.get("/sessions/s/parts")["parts"]] == [4]
