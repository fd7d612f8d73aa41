"""What the demo's scenarios are there to show, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from clickhouse_connect.driver.client import Client

from otel_sessions.extensions.web import Web
from tests.demo.playing import play, store
from tests.extensions.web.browser.conftest import Reader, playwright, until
from tests.extensions.web.conftest import Api

WATCH = """window.shifted = [];
new PerformanceObserver((list) => {
    for (const one of list.getEntries())
        window.shifted.push([one.value, ...one.sources.map((each) => each.node?.outerHTML?.slice(0, 200))]);
}).observe({ type: "layout-shift", buffered: true });"""
"""Notes how far things on a page move by themselves, as browsers measure it, and which they are."""

PIECEMEAL = """async (path) => {
    const page = await (await fetch(path)).text();
    const pieces = page.split(/(?<=<\\/(?:a|button|details|div|dl|figure|form|h1|header|nav|select|t[dhr])>)/);
    window.shifted.length = 0;
    history.replaceState(null, "", path);
    document.open();
    for (const piece of pieces) {
        document.write(piece);
        if (document.body) await new Promise(requestAnimationFrame);
    }
    document.close();
    return pieces.length;
}"""
"""Writes a page an element at a time, each painted before the next: as by the slowest line and parser."""


@pytest.fixture(scope="module")
def scenes(web: Web, otel_client: Client) -> Api:
    """The scenarios in a project of their own."""
    return Api(
        web.endpoints["web"], store(play("long", "agent", "media", "errors", "outlier"), otel_client), otel_client
    )


@pytest.fixture
def page(chromium: Any, scenes: Api) -> Iterator[Any]:
    one = Reader(chromium, scenes)
    yield one.profile(viewport={"width": 1500, "height": 900})
    for context in one.contexts:
        context.close()
    assert one.complaints == []


def expect(what: Any) -> Any:
    return playwright.expect(what)


def test_agents_stand_in_lanes_hand_over_and_their_code_is_coloured(page: Any) -> None:
    page.goto("/sessions/tax-bug-test")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".handover").first).to_have_text("Coordinator hands over to Researcher")
    expect(page.locator(".lane-row")).to_have_count(4)
    expect(page.locator("#turns .hl-k").first).to_be_attached()
    names = page.locator(".wf .what").evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length")
    assert names == 0, "no name in the waterfall is cut"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_moves_while_a_page_loads(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(WATCH)
    for path in (
        "/sessions",
        "/sessions?query=shop",
        "/sessions?query=tag:agents",
        "/sessions/tax-bug-test",
        "/sessions/photos-test",
    ):
        page.route("**/*fragment=charts*", _hold)
        with page.expect_response("**/*fragment=charts*") as charts:
            page.goto(path)
        charts.value.finished()
        until(page, "document.querySelector('.charts rect.bar') && !document.querySelector('.chart.wait')")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate("window.shifted") == [], path


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_moves_while_a_page_comes_in_pieces(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(WATCH)
    for path in ("/sessions?query=tag:agents", "/sessions/photos-test"):
        page.goto("/connect")
        assert page.evaluate(PIECEMEAL, path) > 80
        assert page.evaluate("window.shifted") == [], path


def test_on_paper_stands_what_was_said_without_what_only_a_screen_can_do(page: Any) -> None:
    page.goto("/sessions/photos-test")
    page.emulate_media(media="print")
    expect(page.locator(".message.user").first).to_be_visible()
    for only in ("aside", ".tabs", ".thumbs", ".remark", "[data-copy]"):
        expect(page.locator(only).first).to_be_hidden()


def _hold(route: Any) -> None:
    """Lets a part of a page come only when the page has been painted without it."""
    route.request.frame.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    route.continue_()


def test_the_waterfall_is_zoomed_by_drag_keys_and_address(page: Any) -> None:
    page.goto("/sessions/tax-bug-test?show=waterfall")
    rows = page.locator("#rows a.wf:visible")
    every = rows.count()
    box = page.locator("[data-ruler]").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 6)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 6, steps=3)
    page.mouse.up()
    page.wait_for_url(re.compile(r"zoom=\d+-\d+"))
    some = rows.count()
    assert 0 < some < every
    view = page.locator("svg.time").first.get_attribute("viewBox")
    page.reload()
    assert rows.count() == some
    assert [float(part) for part in page.locator("svg.time").first.get_attribute("viewBox").split()] == pytest.approx(
        [float(part) for part in view.split()], abs=0.5
    )
    page.get_by_role("link", name="Zoom in").focus()
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "zoom" not in url)
    assert rows.count() == every


def test_the_outline_leads_to_the_turn_that_cost_most_and_to_the_third(page: Any) -> None:
    page.goto("/sessions/incident-test")
    page.locator(".figures").get_by_title("The turns that cost most").click()
    expect(page.locator("[aria-sort=descending]")).to_contain_text("Cost")
    first = page.locator(".outline tbody tr").first
    number = first.locator("td").first.text_content()
    first.get_by_role("link").click()
    page.wait_for_url(re.compile("at="))
    expect(page.locator(".turn .no").first).to_have_text(f"Turn {number}")
    page.get_by_role("link", name="From the first turn").click()
    expect(page.locator(".turn .no").first).to_have_text("Turn 1")
    expect(page.locator(".turn").nth(2).locator(".message.user").last).to_contain_text("Write down")


def test_media_are_links_and_long_texts_lead_to_all_of_them(page: Any) -> None:
    page.goto("/sessions/photos-test?show=calls")
    expect(page.locator("a[href*='buckle.jpg']").first).to_be_attached()
    expect(page.locator("#turns img, #turns audio, #turns video")).to_have_count(0)
    page.locator("details.io", has_text="gave").filter(has_text="pages").first.evaluate("one => one.open = true")
    link = page.get_by_role("link", name="download").first
    assert link.get_attribute("download")
    answer = page.request.get(link.get_attribute("href"))
    assert answer.headers["content-type"].startswith("text/plain")
    said = answer.text()
    assert "Page 60." in said
    assert "[tool]" in said


def test_the_last_error_is_one_click_away(page: Any) -> None:
    page.goto("/sessions/transfer-test?at=error")
    expect(page.locator(".turn .no").first).to_have_text("Turn 6")
    page.goto("/sessions/transfer-test")
    told = page.locator(".head .error")
    expect(told).to_contain_text("(no message)")
    told.get_by_role("link", name="Go to it").click()
    failed = page.locator(".step:target")
    expect(failed).to_be_in_viewport()
    expect(failed).to_contain_text("(no message)")
    expect(page.locator(".turn .no").first).to_have_text("Turn 6")


def test_a_review_judges_by_keys_takes_sessions_and_goes_on(page: Any, scenes: Api) -> None:
    tone = {"data_type": "CATEGORICAL", "categories": [{"value": 1, "label": "kind"}, {"value": 2, "label": "curt"}]}
    assert scenes.call("PUT", "/score-configs/tone", tone).status in (200, 201)
    page.goto("/sessions/timetable-4-test?queue=service:booking-api&as=ada")
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("assigned to you")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("2")
    curt = page.locator("#notes").get_by_role("button", name="curt", exact=True)
    expect(curt).to_have_attribute("aria-pressed", "true")
    assert [(one["name"], one["value"]) for one in scenes.get("/sessions/timetable-4-test")["scores"]] == [
        ("tone", "curt")
    ]
    page.keyboard.press("n")
    page.wait_for_url("**/sessions/timetable-3-test?queue=*")


def test_a_span_that_was_opened_in_place_is_commented_on(page: Any, scenes: Api) -> None:
    page.goto("/sessions/hut-question-test")
    page.locator("#turns").get_by_role("link", name="gpt-4.1-mini").or_(page.locator("#rows a.wf").nth(1)).first.click()
    page.get_by_label("Comment on this span").fill("look here")
    page.get_by_label("Span", exact=True).get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator("#notes")).to_contain_text("look here")
    (comment,) = scenes.get("/sessions/hut-question-test/comments")["comments"]
    assert comment["span_id"]


def test_why_a_session_costs_what_it_does_is_seen(page: Any) -> None:
    page.goto("/sessions?sort=cost&query=user:edsger")
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("catalogue-test")
    first.locator("td.title a").first.click()
    expect(page.locator(".costs")).to_contain_text("claude-opus-4-1")
    page.locator(".figures").get_by_title("The turns that cost most").click()
    expect(page.locator(".outline tbody tr").first).to_contain_text("One for glaciers?")
    page.locator(".outline tbody tr").first.get_by_role("link").click()
    expect(page.locator(".turn").first).to_contain_text("earlier messages, sent again")


def test_what_tells_two_selections_apart_leads_to_their_sessions(page: Any) -> None:
    page.goto("/compare?query_a=has:error&query_b=-has:error")
    row = page.get_by_role("row", name=re.compile("metadata.prompt_version v3"))
    row.get_by_role("link").first.click()
    page.wait_for_url("**/sessions?query=*")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.goto("/compare?query_a=user:edsger model:claude-opus*&query_b=-model:claude-opus*")
    for told in ("model claude-opus-4-1", "tool definition list_catalogue (", "metadata.prompt_version v7"):
        expect(page.get_by_role("row", name=re.compile(re.escape(told))).first).to_be_visible()
