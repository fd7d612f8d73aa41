"""What people do with the pages, in a browser: an error on the console or a breach of the policy fails a test."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.extensions.web.browser.conftest import Reader, playwright, until
from tests.extensions.web.conftest import Api, span
from tests.extensions.web.test_access import guarded  # noqa: F401 - a fixture
from tests.integration.delivery import new_project

CHAT = "/sessions/chat-1"
PAGES = (
    "/sessions?facets=1",
    CHAT,
    f"{CHAT}?show=calls",
    "/users?window=all",
    "/users/ada",
    "/models?window=all",
    "/status",
)
TABLES = (f"{CHAT}?show=outline", *PAGES[3:6], "/errors?window=all")
PAGES_TOO = ("/errors?window=all", "/connect", "/compare?a=chat-1&b=chat-1", "/shares")
EMPTY = "/sessions?window=all"
BARE = ("/unassigned?window=all", "/sessions/none", "/sessions?query=user:nobody", "/login", EMPTY)
"""Pages with little on them; the last of a project without a session."""
INSIDE = """[...document.querySelectorAll(".empty, .empty *")].every(
    (one) => one.getBoundingClientRect().right <= innerWidth
)"""

CONTRAST = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
"""Of axe: that texts stand out against what is behind them."""
UNCUT = """[...document.querySelectorAll(".scroll")].every((one) => one.scrollWidth <= one.clientWidth)"""


def expect(what: Any) -> Any:
    return playwright.expect(what)


def _settle(page: Any, path: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")


def test_a_session_is_searched_with_completion_and_opened(page: Any) -> None:
    _settle(page, "/sessions")
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search sessions")
    expect(box).to_be_focused()
    box.press_sequentially("use")
    page.get_by_role("option", name=re.compile("^user:")).click()
    page.get_by_role("option", name=re.compile("user:ada")).click()
    expect(box).to_have_value("user:ada")
    box.press("Enter")
    page.wait_for_url("**/sessions?query=user%3Aada*")
    expect(page.get_by_label("Remove user:ada")).to_be_visible()
    page.get_by_role("link", name="Is the *rope* in stock?").click()
    page.wait_for_url(f"**{CHAT}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("rope")


def test_a_filter_is_added_with_its_count_and_removed_as_a_chip(page: Any) -> None:
    _settle(page, "/sessions")
    page.get_by_role("link", name="Filter").click()
    page.get_by_label("Conditions to add").get_by_role("link", name="gpt-4.1-mini").click()
    page.wait_for_url("**query=model%3Agpt-4.1-mini*")
    page.get_by_label("Remove model:gpt-4.1-mini").click()
    page.wait_for_url(lambda url: "query" not in url)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_dragging_over_a_chart_sets_the_window_of_time(reader: Reader, page: Any) -> None:
    reader.api.store(span("later", 9, start=3_000))
    _settle(page, "/sessions")
    box = page.locator(".chart svg").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, y, steps=4)
    page.mouse.up()
    page.wait_for_url("**from=*")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("Remove the window of time")).to_be_visible()


def test_the_keys_walk_open_star_and_help(reader: Reader, page: Any) -> None:
    reader.api.store(span("later", 9, start=3_000))
    _settle(page, "/sessions")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(page.locator("tr[data-current] .star")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{CHAT}")
    expect(page.get_by_label("Star this session")).to_have_attribute("aria-pressed", "true")
    page.wait_for_load_state("networkidle")
    for key, turn in (("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        marked = page.locator(".turn[data-current]")
        expect(marked).to_be_focused()
        expect(marked.locator(".no")).to_have_text(f"Turn {turn}")
    page.keyboard.press("s")
    expect(page.get_by_label("Star this session")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("j")
    page.keyboard.press("t")
    rows = page.locator("#rows a.wf")
    expect(rows.nth(3)).to_be_focused()  # the first of the turn that was current
    page.keyboard.press("j")
    expect(rows.nth(4)).to_be_focused()
    page.keyboard.press("t")
    expect(page.locator(".turn").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#span")).to_be_focused()
    assert "span=" in page.url
    page.locator("summary", has_text="Export").click()
    page.keyboard.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    expect(page.locator("#span")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#span")).to_have_count(0)
    assert "span=" not in page.url
    rows.nth(1).click()
    expect(page.locator("#span")).to_be_focused()
    page.keyboard.press("Escape")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("t")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("from the turn to its rows in the waterfall")
    page.keyboard.press("Escape")
    assert page.evaluate("document.getElementById('turns').contains(document.activeElement)"), "focus comes back"
    page.keyboard.press("/")
    page.wait_for_url("**/sessions#query")
    expect(page.get_by_role("combobox", name="Search sessions")).to_be_focused()


def test_a_replay_shows_each_thing_once_and_a_span_opens_beside_it(page: Any) -> None:
    _settle(page, CHAT)
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator("#turns").get_by_text("Yes, three are.").locator("visible=true")).to_have_count(1)
    page.locator("#turns").get_by_role("link", name="check_stock").click()
    expect(page.get_by_label("Span", exact=True)).to_contain_text("gen_ai.tool.call.arguments")
    assert "span=" in page.url
    page.go_back()
    expect(page.get_by_label("Span", exact=True)).to_have_count(0)
    page.locator("#rows a").first.click()
    expect(page.get_by_label("Span", exact=True)).to_contain_text("Resource")
    page.get_by_role("link", name="Tools and errors").click()
    expect(page.locator("#turns")).not_to_contain_text("Yes, three are.")


SHOWN = """[...document.querySelectorAll("#turns .page")].every((page) => {
    const box = page.getBoundingClientRect();
    return !page.dataset.empty || box.bottom < 0 || box.top > innerHeight;
})"""
"""Whether all turns in sight are there."""


def test_long_sessions_load_as_they_are_read_and_let_go_of_what_was_read(reader: Reader, page: Any) -> None:
    said = {"input.value": "What is that?\n\nAnd that?\n\n" * 3, "output.value": "It is this.\n\n" * 3}
    reader.api.store(*(span("long", 100 + turn, start=turn * 10, attributes=said) for turn in range(165)))
    page.goto("/sessions/long")
    most = 0
    for _ in range(30):
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        until(page, SHOWN)
        most = max(most, page.locator(".turn").count())
        if page.locator(".turn", has_text="165").count():
            break
    expect(page.locator(".turn").last).to_contain_text("165")
    assert most <= 100, "turns far from the window give their elements back"
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator("aside .waterfall")).to_contain_text("5 spans")
    assert page.locator("#rows a.wf").count() == 5, "the waterfall follows the turns"
    page.evaluate("scrollTo(0, 0)")
    until(page, SHOWN)
    expect(page.locator(".turn .no").first).to_have_text("Turn 1")


def test_labels_scores_thumbs_and_comments_are_added(reader: Reader, page: Any) -> None:
    _settle(page, CHAT)
    page.locator("summary", has_text="Label").click()
    page.get_by_label("Label", exact=True).fill("for review")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Remove the label for review")).to_be_visible()
    page.locator("summary", has_text="Score").first.click()
    page.get_by_label("Name").fill("quality")
    page.get_by_label("Value").fill("0.5")
    page.get_by_role("button", name="Add the score").click()
    expect(page.locator("#notes")).to_contain_text("quality 0.5")
    page.get_by_role("button", name="Good: turn 1").click()
    expect(page.get_by_role("button", name="Good: turn 1")).to_have_attribute("aria-pressed", "true")
    page.locator("#comment").fill("look at this")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator("#notes")).to_contain_text("look at this")


def test_a_session_is_published_read_in_a_fresh_profile_and_revoked(reader: Reader, page: Any) -> None:
    _settle(page, CHAT)
    page.set_viewport_size({"width": 360, "height": 780})
    page.locator("summary", has_text="Share").click()
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    page.locator("nav summary").click()
    connect = page.locator("nav").get_by_role("link", name="Connect")
    assert connect.evaluate("(one) => one.parentElement.getBoundingClientRect().right <= innerWidth")
    page.locator("nav summary").click()
    expect(page.locator(".shows-users")).to_be_hidden()
    page.get_by_label("Hide user ids").uncheck()
    expect(page.locator(".shows-users")).to_contain_text("ada")
    page.get_by_label("Hide metadata and attributes").uncheck()
    page.get_by_role("button", name="Publish").click()
    link = page.locator("#share-link").get_attribute("href")
    stranger = reader.profile(known=False)
    _settle(stranger, link)
    expect(stranger.locator("#turns")).to_contain_text("Yes, three are.")
    expect(stranger.get_by_role("navigation", name="Pages")).to_have_count(0)
    expect(stranger.locator("form[method=post]")).to_have_count(0)
    assert "turns" in stranger.locator("meta[property='og:description']").get_attribute("content")
    _settle(page, "/shares")
    expect(page.locator("tbody tr")).to_contain_text("as it is")
    expect(page.locator("tbody tr").get_by_role("link", name="in stock?")).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator("main")).to_contain_text("Nothing is published")
    assert stranger.request.get(link).status == 404


def test_a_session_is_deleted(reader: Reader, page: Any) -> None:
    _settle(page, CHAT)
    page.locator("summary", has_text=re.compile("^More$")).click()
    page.locator("#delete > summary").click()
    page.get_by_role("button", name="Delete this session").click()
    page.wait_for_url("**/sessions")
    expect(page.get_by_role("status").filter(has_text="The session chat-1 is deleted")).to_be_visible()
    assert page.request.get(CHAT).status == 404


def test_two_sessions_and_two_selections_are_compared(reader: Reader, page: Any) -> None:
    reader.api.store(span("plain", 50, attributes={"user.id": "grace"}))
    _settle(page, "/compare")
    page.get_by_label("Session", exact=True).fill("chat-1")
    page.get_by_label("with").first.fill("plain")
    page.get_by_role("button", name="Compare sessions").click()
    expect(page.locator("thead")).to_contain_text("plain")
    expect(page.locator(".turn .user em").first).to_have_text("rope")
    page.get_by_label("Query").fill("has:error")
    page.get_by_label("with").last.fill("-has:error")
    page.get_by_role("button", name="Compare selections").click()
    expect(page.locator("main")).to_contain_text("What tells them apart")
    expect(page.locator("main")).to_contain_text("grace")


def test_turns_that_arrive_are_announced_and_shown_at_the_end_where_that_is_in_sight(reader: Reader, page: Any) -> None:
    now = page.evaluate("Date.now()") / 1000 - 1_767_225_600
    reader.api.store(span("live", 60, start=now - 60))
    page.set_viewport_size({"width": 1280, "height": 450})
    _settle_live(page)
    expect(page.locator(".live")).to_have_class(re.compile(r"\bon\b"))
    reader.api.store(span("live", 61, start=now - 5))
    later = page.locator("#later")
    expect(later).to_be_in_viewport()
    expect(page.get_by_role("status").filter(has_text="1 new turn: show")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".figures dl").first).to_contain_text("Turns2")
    later.click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(later).to_have_count(0)
    reader.api.store(span("live", 62, start=now - 3))
    expect(page.locator(".turn")).to_have_count(3)
    expect(page.locator(".turn").last).to_be_in_viewport()
    expect(later).to_have_count(0)
    expect(page.locator(".figures dl").first).to_contain_text("Turns3")


def _settle_live(page: Any) -> None:
    """A page that follows is never idle."""
    page.goto("/sessions/live")
    expect(page.locator(".turn")).to_have_count(1)


@pytest.mark.parametrize(
    ("paths", "settings"),
    [
        (PAGES, {"color_scheme": "light"}),
        ((*PAGES_TOO, *BARE), {"color_scheme": "dark"}),
        ((*PAGES[:2], *TABLES, "/connect", *BARE), {"viewport": {"width": 360, "height": 780}}),
    ],
    ids=["light and dark", "others", "phone"],
)
def test_pages_are_accessible_and_no_wider_than_the_screen(
    reader: Reader,
    guarded: Api,  # noqa: F811 - the fixture
    paths: tuple[str, ...],
    settings: dict[str, Any],
) -> None:
    page = reader.profile(**settings)
    for path in paths:
        if path == EMPTY:
            page.set_extra_http_headers({"X-Project": new_project()})
        _settle(page, f"http://{guarded.address}{path}" if path == "/login" else path)
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        if settings.get("color_scheme") == "light":  # all but its colours is the same in the dark
            page.emulate_media(color_scheme="dark")
            found = Axe().run(page, options=CONTRAST)
            assert found.violations_count == 0, (path, "dark", found.generate_report())
            page.emulate_media(color_scheme="light")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(INSIDE), f"{path}: its panels hold what is in them"
        assert "viewport" not in settings or page.evaluate(UNCUT), f"{path}: its tables show all there is"
    reader.complaints = [one for one in reader.complaints if "status of 404" not in one]  # of that page itself


@pytest.mark.parametrize("width", [360, 1280])
def test_long_ids_break_and_leave_the_page_as_wide_as_the_screen(reader: Reader, width: int) -> None:
    long = "L" * 200
    reader.api.store(span(long, 9, attributes={"user.id": "u" * 200, "gen_ai.request.model": "m" * 200}))
    page = reader.profile(viewport={"width": width, "height": 800})
    for path in ("/sessions", f"/sessions/{long}", f"/sessions/{long}?show=outline", f"/users/{'u' * 200}"):
        _settle(page, path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_pages_read_without_scripts(reader: Reader) -> None:
    page = reader.profile(java_script_enabled=False)
    page.goto("/sessions")
    page.get_by_role("link", name="Is the *rope* in stock?").click()
    expect(page.locator("#turns")).to_contain_text("Yes, three are.")
    page.locator("#turns").get_by_role("link", name="check_stock").click()
    expect(page.get_by_label("Span", exact=True)).to_contain_text("ROPE-60")
    page.get_by_label("Star this session").click()
    expect(page.get_by_label("Star this session")).to_have_attribute("aria-pressed", "true")
