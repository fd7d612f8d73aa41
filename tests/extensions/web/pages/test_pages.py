"""Every page over HTTP: what it says, what its headers forbid, and where its links go."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.queries import listing
from otel_sessions.testing import otlp
from tests.extensions.web.conftest import segment, span
from tests.extensions.web.pages.browsing import Browser
from tests.extensions.web.pages.stories import chat

PAGES = ("/sessions", "/users", "/models", "/errors", "/unassigned", "/compare", "/shares", "/status", "/connect")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_before_there_is_any_session_and_after(browser: Browser, path: str) -> None:
    assert browser.get(path).status == 200
    chat(browser.api)
    page = browser.get(path)
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")


def test_the_root_leads_to_the_list(browser: Browser) -> None:
    page = browser.get("/")
    assert (page.status, page.headers["location"]) == (307, "/sessions")


def test_no_page_lets_a_script_or_a_style_run_that_is_not_a_file_of_ours(browser: Browser) -> None:
    chat(browser.api)
    for path in (*PAGES, "/sessions/chat-1", "/users/ada", "/sessions/none"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_every_link_within_the_pages_leads_to_a_page(browser: Browser) -> None:
    chat(browser.api)
    seen: dict[tuple[object, ...], str] = {}  # one of those that differ in values alone
    for path in ("/sessions?facets=1", "/sessions/chat-1", "/users/ada", "/models?window=all"):
        for link in browser.get(path).links():
            parts = urlsplit(link)
            if link.startswith("/") and parts.path not in PAGES[1:]:
                seen.setdefault((parts.path, *sorted(dict(parse_qsl(parts.query)))), link.partition("#")[0])
    answers = {link: browser.get(link).status for link in seen.values()}
    assert {link: status for link, status in answers.items() if status != 200} == {
        "/sessions/chat-1/span?span=": 404
    } or all(status == 200 for status in answers.values())


def test_the_list_shows_the_first_words_the_figures_and_what_is_wrong(browser: Browser) -> None:
    chat(browser.api)
    page = browser.get("/sessions")
    for said in ("Is the *rope* in stock?", "chat-1", "ada", "gpt-4.1-mini", "2.4k"):
        assert said in page.text, said
    assert '<span class="badge bad">1</span>' in page.html, "in the column of errors"
    assert "1 error" in browser.get("/sessions?column=cost").text, "where there is no such column"


def test_the_session_page_replays_what_was_said_and_done_each_thing_once(browser: Browser) -> None:
    chat(browser.api)
    text = " ".join(browser.get("/sessions/chat-1").text.split())
    for said in ("check_stock", '{"sku": "ROPE-60"}', '{"in_stock": 3}', "Yes, three are.", "And the boot?"):
        assert said in text, said
    assert "2 earlier messages, sent again" in text
    assert "no answer within 10 s" in text
    assert "1 min 36 s idle" in text


def test_the_presets_show_no_empty_card(browser: Browser) -> None:
    chat(browser.api)
    tools = browser.get("/sessions/chat-1?show=tools")
    assert tools.html.count('<article class="turn"') == 2
    assert "Yes, three are." not in tools.text


def test_a_span_opens_in_full_and_as_a_fragment_of_the_page(browser: Browser) -> None:
    chat(browser.api)
    place = f"span={1:032x}.{1002:016x}"
    whole, part = browser.get(f"/sessions/chat-1?{place}"), browser.get(f"/sessions/chat-1?{place}&fragment=span")
    for page in (whole, part):
        assert "gen_ai.tool.call.arguments" in page.text
    assert "<html" not in part.html
    assert browser.get(f"/sessions/chat-1?span={1:032x}.{9:016x}").status == 404


def test_later_turns_come_by_the_page_with_numbers_that_go_on(browser: Browser) -> None:
    browser.api.store(*(span("long", trace, start=trace * 10) for trace in range(1, 46)))
    page = browser.get("/sessions/long")
    assert page.html.count('<article class="turn"') == 20
    (more,) = [attributes["href"] for _, attributes in page.tags if "data-more" in attributes]
    part = browser.get(f"{more}&fragment=turns")
    assert "Turn 21" in part.text
    assert "<html" not in part.html


def test_a_query_that_is_not_of_the_language_is_told_with_what_may_be_meant(browser: Browser) -> None:
    chat(browser.api)
    page = browser.get("/sessions?query=usr:ada")
    assert page.status == 400
    assert " ".join(page.text.split()).count("did you mean user") == 1
    assert page.fields()["query"] == "usr:ada"
    assert "<mark>usr:ada</mark>" in page.html
    assert "/sessions?query=user%3Aada" in page.links()


def test_the_terms_of_a_query_are_chips_that_can_be_removed(browser: Browser) -> None:
    chat(browser.api)
    page = browser.get("/sessions?query=user:ada+-has:score&sort=cost")
    assert "/sessions?sort=cost&query=user%3Aada" in page.links()
    assert "/sessions?sort=cost&query=-has%3Ascore" in page.links()


def test_metadata_stands_in_columns_where_it_is_asked_for(browser: Browser) -> None:
    chat(browser.api)
    page = browser.get("/sessions?column=cost,metadata.tenant")
    assert "tenant" in page.text
    assert "acme" in page.text
    assert "Last activity" not in "".join(page.html.partition("<thead>")[2].partition("</thead>")[0])


def test_what_is_not_there_is_a_page_that_says_so(browser: Browser) -> None:
    for path in ("/sessions/none", "/users/nobody", "/share/none"):
        page = browser.get(path)
        assert page.status == 404
        assert "<main" in page.html


def test_a_page_shows_a_project_its_own_sessions_and_asks_who_one_is(browser: Browser) -> None:
    chat(browser.api)
    assert "chat-1" not in browser.get("/sessions", headers={"X-Project": "somebody-else"}).text
    assert browser.get("/sessions/chat-1", headers={"X-Project": "somebody-else"}).status == 404


def test_files_are_kept_by_the_browser_as_long_as_they_do_not_change(browser: Browser) -> None:
    page = browser.get("/sessions")
    (sheet,) = [one["href"] for tag, one in page.tags if tag == "link" and one.get("rel") == "stylesheet"]
    assert "immutable" in browser.get(sheet).headers["cache-control"]
    assert browser.get("/static/..%2fconfig.py").status == 404


def test_a_session_with_an_odd_id_has_a_page_of_its_own(browser: Browser) -> None:
    ids = ("a/b", "a?b#c", "50% & more", "\"quoted\" 'id'", "<b>", "😀", "ä" * 4096)
    for id_ in ids:
        browser.api.store(span(id_, 1))
        assert browser.get(f"/sessions/{segment(id_)}?fragment=turns").status == 200, id_[:20]
    links = browser.get("/sessions").links()
    assert {f"/sessions/{segment(id_)}" for id_ in ids} <= set(links)


def test_charts_come_as_a_part_of_their_own_with_a_link_for_each_time(browser: Browser) -> None:
    chat(browser.api)
    part = browser.get("/sessions?query=user:ada&fragment=charts")
    assert part.headers["content-security-policy"]
    assert "<html" not in part.html
    assert 'data-found="1 session"' in part.html
    times = [link for link in part.links() if "from=" in link]
    assert times
    assert all("fragment" not in link and "query=user%3Aada" in link for link in times)
    figures = browser.get("/sessions/chat-1?fragment=charts").html
    assert "Cost by model" in figures
    assert 'data-percentiles="4.0 s · 4.0 s"' in figures


def test_a_review_goes_through_the_sessions_of_a_query_that_have_no_score(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, id_ in enumerate(("first", "second", "third")):
        browser.api.store(span(id_, 10 + number, start=number * 100, attributes={"user.id": "ada"}))
    score = {"name": "quality", "data_type": "NUMERIC", "value": 1}
    assert browser.api.call("POST", "/sessions/second/scores", score).status == 201
    assert "/sessions/third?queue=user%3Aada" in browser.get("/sessions?query=user:ada").links()
    page = browser.get("/sessions/third?queue=user:ada")
    assert "/sessions/first?queue=user%3Aada" in page.links(), "the second has a score"
    assert page.fields()["back"] == "/sessions/third?queue=user%3Aada"
    browser.api.store(*(span(f"later {n}", 20 + n, start=900 + n, attributes={"user.id": "ada"}) for n in range(4)))
    picked = listing._keys

    def among_few(*given: Any, **named: Any) -> Any:
        assert named.get("among") is not None, "all sessions are worked out for the next one"
        return picked(*given, **named)

    with monkeypatch.context() as few:
        few.setattr(listing, "_MORE", 1)
        few.setattr(listing, "_LAST_LOOK", 3)
        few.setattr(listing, "_keys", among_few)
        (score,) = browser.api.get("/sessions/second")["scores"]
        browser.api.call("DELETE", f"/sessions/second/scores/{score['score_id']}")
        assert "/sessions/second?queue=user%3Aada" in browser.get("/sessions/third?queue=user:ada").links()
    assert "last one" in browser.get("/sessions/first?queue=user:ada").text
    assert browser.get("/sessions/first?queue=usr:ada").status == 200


def test_the_status_tells_how_long_the_service_runs_and_what_it_holds(browser: Browser) -> None:
    shown = browser.get("/status").text
    assert "Memory" in shown
    assert "0 B" not in shown.partition("Memory")[2][:20]


def test_a_trace_without_a_session_is_opened_to_find_what_could_be_its_id(browser: Browser) -> None:
    browser.api.store(otlp.span("turn", attributes={"chat.number": "c-7", "note": "n" * 61}))
    links = browser.get("/unassigned?window=all").links()
    page = browser.get(next(link for link in links if link.startswith("/unassigned/")))
    assert page.status == 200
    assert f"chat.number=c-7, note={'n' * 60}…" in page.text
    assert browser.get(f"/unassigned/{9:032x}").status == 404


def test_tools_have_their_own_calls_errors_and_times(browser: Browser) -> None:
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "stock"}
    calls = [
        span("tools", 8, number=number, seconds=number, status="Error" if number == 3 else "Ok", attributes=tool)
        for number in (2, 3, 4)
    ]
    browser.api.store(span("tools", 8, seconds=10), *calls)
    row = browser.get("/models?window=all").html.rpartition(">stock<")[2].partition("</tr>")[0]
    cells = re.split('<td data-head="[^"]*" class="num">', row)[1:]
    assert [re.sub("<[^>]*>", "", cell).strip() for cell in cells] == ["3", "1", "1", "3.0 s", "4.0 s"]


def test_a_browser_reads_of_a_path_that_there_is_not_on_a_page_and_a_program_in_json(browser: Browser) -> None:
    page = browser.get("/sesions", headers={"Accept": "text/html,*/*"})
    assert (page.status, page.headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert "There is nothing at /sesions" in page.text
    assert browser.get("/sesions").headers["content-type"] == "application/problem+json"
    in_api = browser.get("/api/v1/sesions", headers={"Accept": "text/html"})
    assert in_api.headers["content-type"] == "application/problem+json"


def test_a_failure_that_callers_passed_on_stands_below_its_cause_and_says_so(browser: Browser) -> None:
    failed = {"status": "Error", "message": "the shelf is empty"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "stock"}
    browser.api.store(
        span("failed", 5, name="turn", **failed), span("failed", 5, number=2, attributes=tool, **failed),
        span("failed", 6, name="turn", **failed),
    )  # fmt: skip
    shown = browser.get("/errors?window=all").text
    rows = [" ".join(row.split()) for row in shown.split("the shelf is empty")[1:]]
    assert rows[0].startswith("span turn 1 passed on from within2")
    assert rows[1].startswith("tool stock1")


def test_the_turn_that_cost_most_stands_with_its_share_beside_what_models_cost(browser: Browser) -> None:
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 9}
    for trace, cost in ((1, 0.25), (2, 0.75)):
        said = {"gen_ai.usage.cost": cost, "input.value": f"question {trace}"}
        browser.api.store(span("dear", trace, start=trace * 100, attributes={**call, **said}))
    text = " ".join(browser.get("/sessions/dear?fragment=charts").text.split())
    assert "most in turn 2: question 2$0.75 75 %" in text
    browser.api.store(span("single", 9, attributes={**call, "gen_ai.usage.cost": 1.0}))
    assert "most in turn" not in browser.get("/sessions/single?fragment=charts").text


def test_a_session_whose_content_was_sampled_out_says_so(browser: Browser, otel_client: Client) -> None:
    chat(browser.api)
    assert "Sampling kept the figures" not in browser.get("/sessions/chat-1").text
    row = {"Project": browser.api.project, "SessionId": "chat-1", "State": "dropped", "Weight": 0}
    otel_client.raw_insert("_session_sampling", insert_block=json.dumps(row).encode(), fmt="JSONEachRow")
    assert "Sampling kept the figures" in browser.get("/sessions/chat-1").text


def test_tools_are_compared_by_their_definitions_wherever_they_stand(browser: Browser) -> None:
    """OpenInference numbers them, others have a list; only what is defined otherwise tells two selections apart."""
    same = {"function": {"name": "pay"}}
    for number, user in enumerate(("ada", "ben"), 1):
        own = {"function": {"name": "look_up", "version": user}}
        tools = [own, same] if user == "ada" else [same, own]
        told = {f"llm.tools.{place}.tool.json_schema": json.dumps(tool) for place, tool in enumerate(tools)}
        listed = {"gen_ai.tool.definitions": json.dumps([{"name": "book", "of": user}, same])}
        offered = [
            span(user, number, attributes={"user.id": user, **told}),
            span(user, number, number=2, attributes=listed),
        ]
        browser.api.store(*offered)
    shown = browser.get("/compare?query_a=user:ada&query_b=user:ben").text
    for name in ("look_up", "book"):
        assert shown.count(f"{name} (") == 2, "a line of each side's version"
    assert "pay (" not in shown
    assert shown.count("No link: a query names tools that were called") == 4, "and no other row"
    assert browser.get("/compare?a=ada&b=nobody").status == 400


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("query_a=usr:ada&query_b=x", 400, "the first query: there is no field 'usr'"),
        ("query_a=x&query_b=cost%3E", 400, "the second query: a value is missing"),
        ("a=ada", 400, "name the other session too"),
        ("query_a=user:ada&query_b=user:nobody", 200, "One side has no session."),
        ("query_a=user:no&query_b=user:nobody", 200, "Neither side has a session."),
        ("query_a=user:ada&query_b=user:ada", 200, "Nothing stands out."),
        ("query_a=user:ada&query_b=+", 200, "all sessions"),
    ],
)
def test_what_cannot_be_compared_is_said_of_the_side_that_it_is_about(
    browser: Browser, path: str, status: int, said: str
) -> None:
    browser.api.store(span("s", 1, attributes={"user.id": "ada"}))
    shown = browser.get(f"/compare?{path}")
    assert shown.status == status
    assert said in shown.text


def test_scores_are_ticked_among_the_columns_where_the_list_has_them_and_only_there(browser: Browser) -> None:
    chat(browser.api)

    def shown(path: str) -> tuple[bool, bool]:
        page = browser.get(path)
        ticked = [one["value"] for _, one in page.tags if one.get("name") == "column" and "checked" in one]
        return "scores" in ticked, "Scores" in page.html.partition("<thead>")[2].partition("</thead>")[0]

    assert shown("/sessions") == (False, False)
    assert shown("/sessions?column=scores") == (True, True)
    score = {"name": "quality", "data_type": "NUMERIC", "value": 1}
    assert browser.api.call("POST", "/sessions/chat-1/scores", score).status == 201
    assert shown("/sessions") == (True, True)
    browser.api.store(span("unjudged", 9))
    assert shown("/sessions?query=id:unjudged") == (True, False), "a column that all of a page leave empty is no use"
    assert shown("/sessions?column=cost") == (False, False)
