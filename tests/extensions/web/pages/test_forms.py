"""What people do by forms, and who may not."""

from __future__ import annotations

import time

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.queries import deletions
from otel_sessions.queries.filters import Filter
from tests.extensions.web.conftest import Api, segment, span
from tests.extensions.web.pages.browsing import Browser
from tests.integration.delivery import new_project

TRACE = f"{1:032x}"


@pytest.fixture
def session(browser: Browser) -> str:
    browser.api.store(span("chat", 1))
    return "/sessions/chat"


def _now(api: Api) -> dict[str, object]:
    return dict(api.get("/sessions/chat"))


def test_a_star_is_put_and_taken_away(browser: Browser, session: str) -> None:
    assert browser.post(f"{session}/star", {"on": "1", "back": "/sessions?sort=cost"}).headers["location"] == (
        "/sessions?sort=cost"
    )
    assert _now(browser.api)["bookmarked"] is True
    assert "★" in browser.get("/sessions").text
    browser.post(f"{session}/star", {"on": "0"})
    assert _now(browser.api)["bookmarked"] is False


def test_labels_are_added_and_removed(browser: Browser, session: str) -> None:
    assert browser.post(f"{session}/label", {"label": " for review ", "action": "add"}).status == 303
    assert _now(browser.api)["labels"] == ["for review"]
    browser.post(f"{session}/label", {"label": "for review", "action": "remove"})
    assert _now(browser.api)["labels"] == []
    assert browser.post(f"{session}/label", {"label": " ", "action": "add"}).status == 400


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [("NUMERIC", "0.5", 0.5), ("BOOLEAN", "yes", True), ("CATEGORICAL", "good", "good"), ("TEXT", "so so", "so so")],
)
def test_scores_of_each_type_are_added_and_deleted(
    browser: Browser, session: str, type_: str, value: str, stored: object
) -> None:
    form = {"name": "quality", "data_type": type_, "value": value, "comment": "by hand", "action": "add"}
    assert browser.post(f"{session}/score", form).status == 303
    (score,) = browser.api.get("/sessions/chat")["scores"]
    assert (score["name"], score["value"], score["comment"]) == ("quality", stored, "by hand")
    assert "by hand" in browser.get(session).text
    browser.post(f"{session}/score", {"action": "delete", "score_id": score["score_id"]})
    assert browser.api.get("/sessions/chat")["scores"] == []


def test_a_score_that_is_no_number_is_told_so(browser: Browser, session: str) -> None:
    form = {
        "name": "quality",
        "data_type": "NUMERIC",
        "value": "much",
        "action": "add",
        "back": f"{session}?show=calls",
    }
    page = browser.post(f"{session}/score", form)
    assert page.status == 400
    assert "is a number" in page.text
    assert f"{session}?show=calls" in page.links()
    assert {name: value for name, value in page.fields().items() if name != "_form"} == {
        name: value for name, value in form.items() if name != "data_type"
    }
    done = browser.post(f"{session}/score", {**form, "value": "1"})
    assert done.headers["location"] == f"{session}?show=calls#notes"
    assert "quality" in done.headers["set-cookie"]


@pytest.mark.parametrize(
    ("path", "form", "kept"),
    [
        ("/sessions/chat/label", {"label": " ", "action": "add"}, "label"),
        ("/sessions/chat/comment", {"text": " ", "action": "add"}, "text"),
        ("/views", {"name": "dear", "query": "cst>1", "action": "save", "back": "/sessions?query=cst%3E1"}, "name"),
        ("/sessions/chat/share", {"mode": "odd", "action": "publish"}, ""),
        ("/sessions/chat/comment", {"text": "x" * 300_000}, ""),
    ],
)
def test_a_form_that_is_refused_leads_back_and_keeps_what_was_typed(
    browser: Browser, session: str, caplog: pytest.LogCaptureFixture, path: str, form: dict[str, str], kept: str
) -> None:
    page = browser.post(path, form)
    told = [record.message for record in caplog.records if record.name == "otel_sessions.refused"]
    assert not told or "exporter" not in told[-1]
    assert page.status in (400, 413)
    assert form.get("back", session) in page.links()
    assert not kept or any(one.get("name") == kept for _, one in page.tags)


def test_the_second_thumb_of_a_turn_takes_the_place_of_the_first(browser: Browser, session: str) -> None:
    thumb = {
        "action": "judge",
        "name": "thumbs",
        "data_type": "BOOLEAN",
        "trace_id": TRACE,
        "back": f"{session}#turn-{TRACE}",
    }
    assert browser.post(f"{session}/score", {**thumb, "value": "1"}).headers["location"] == f"{session}#turn-{TRACE}"
    browser.post(f"{session}/score", {**thumb, "value": "0"})
    (score,) = browser.api.get("/sessions/chat")["scores"]
    assert (score["value"], score["trace_id"]) == (False, TRACE)
    pressed = [one.get("aria-label") for _, one in browser.get(session).tags if one.get("aria-pressed") == "true"]
    assert pressed == ["Bad: turn 1"]


def test_comments_stand_at_what_they_are_about_and_are_deleted(browser: Browser, session: str) -> None:
    browser.post(f"{session}/comment", {"text": "look at this", "trace_id": TRACE, "action": "add"})
    page = browser.get(session)
    assert "look at this" in page.html.partition('<article class="turn"')[2].partition("</article>")[0]
    (comment,) = browser.api.get("/sessions/chat/comments")["comments"]
    browser.post(f"{session}/comment", {"action": "delete", "comment_id": comment["comment_id"]})
    assert "look at this" not in browser.get(session).text


def test_a_session_is_published_opened_by_anybody_and_gone_when_it_is_revoked(browser: Browser, session: str) -> None:
    shown = browser.post(f"{session}/share", {"expires": "7d", "action": "publish"})
    assert shown.status == 200
    (link,) = [link for link in shown.links() if "/share/" in link]
    stranger = Browser(Api(browser.api.address, "", browser.api.client))
    path = "/share/" + link.rpartition("/")[2]
    page = stranger.get(path)
    assert page.status == 200
    assert "noindex" in page.headers["x-robots-tag"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert {one.get("property") for _, one in page.tags} >= {"og:title", "og:description"}
    assert "chat" in browser.get("/shares").text
    published = browser.get(session)
    assert published.status == 200
    assert "Revoke the link" in published.text
    assert browser.post(f"{session}/share", {"action": "revoke", "back": "/shares"}).headers["location"] == "/shares"
    gone = stranger.get(path)
    assert gone.status == 404
    assert gone.headers["x-robots-tag"].startswith("noindex")
    assert gone.headers["referrer-policy"] == "no-referrer"
    assert ("meta", {"name": "robots", "content": "noindex, nofollow"}) in gone.tags


def test_views_are_saved_opened_and_deleted(browser: Browser, session: str) -> None:
    browser.post("/views", {"name": "dear ones", "query": "cost>1", "sort": "cost", "order": "desc", "action": "save"})
    page = browser.get("/sessions")
    assert "dear ones" in page.text
    assert "/sessions?query=cost%3E1&sort=cost&order=desc" in page.links()
    chosen = {"name": "tenants", "query": "has:error", "columns": "cost,metadata.tenant", "action": "save"}
    browser.post("/views", chosen)
    (link,) = [link for link in browser.get("/sessions").links() if "has%3Aerror" in link]
    assert link.endswith("&column=cost%2Cmetadata.tenant")
    assert "View: tenants" in (page := browser.get(link)).text
    assert page.fields()["back"] == link
    assert browser.post("/views", {**chosen, "back": link}).headers["location"] == link
    assert "View: " not in browser.get("/sessions?query=has:error").text
    browser.post("/views", {"name": "dear ones", "action": "delete"})
    assert "dear ones" not in browser.get("/sessions").text


def test_a_form_without_the_token_of_its_page_does_nothing(browser: Browser, session: str) -> None:
    assert browser.post(f"{session}/star", {"on": "1"}, token=False).status == 403
    browser.get("/sessions")
    assert browser.post(f"{session}/star", {"on": "1", "_form": "guessed"}, token=False).status == 403
    assert _now(browser.api)["bookmarked"] is False


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_a_form_that_another_site_sends_does_nothing(browser: Browser, session: str, headers: dict[str, str]) -> None:
    assert browser.post(f"{session}/star", {"on": "1"}, headers).status == 403
    assert _now(browser.api)["bookmarked"] is False


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: y"]
)
def test_a_form_leads_nowhere_else(browser: Browser, session: str, back: str) -> None:
    done = browser.post(f"{session}/star", {"on": "1", "back": back})
    assert (done.status, done.headers["location"]) == (303, "/sessions")


def test_a_form_for_a_session_that_is_not_there_says_so(browser: Browser) -> None:
    assert browser.post("/sessions/none/star", {"on": "1"}).status == 404


def test_a_form_that_is_too_large_is_refused(browser: Browser, session: str) -> None:
    assert browser.post(f"{session}/comment", {"text": "x" * 300_000, "action": "add"}).status == 413


def test_a_session_is_deleted_its_page_gone_and_the_list_says_so_once(browser: Browser) -> None:
    id_ = "<b>ünder\u202e</b>; x"
    browser.api.store(span(id_, 1))
    came = {"Referer": "http://there/sessions?query=user%3Aada&cursor="}
    page = browser.get(f"/sessions/{segment(id_)}", came)
    assert ("input", {"type": "hidden", "name": "back", "value": "/sessions?query=user%3Aada&cursor="}) in page.tags
    done = browser.post(f"/sessions/{segment(id_)}/delete", {"back": ""})
    told = {"Cookie": f"{browser.cookie}; {done.headers['set-cookie'].partition(';')[0]}"}
    assert done.headers["location"] == "/sessions"
    assert browser.get(f"/sessions/{segment(id_)}").status == 404
    assert "set-cookie" not in browser.get("/sessions?fragment=charts", told).headers
    page = browser.get("/sessions", told)
    assert "The session <b>ünder" in page.text
    assert "</b>; x is deleted" in page.text
    assert "\u202e" not in page.html
    assert "<b>" not in page.html
    assert "Max-Age=0" in page.headers["set-cookie"]
    assert "is deleted" not in browser.get("/sessions").text


def test_a_job_that_deletes_is_told_of_by_the_list_and_the_status(browser: Browser, otel_client: Client) -> None:
    browser.api.store(span("s", 1), span("t", 2))
    chosen = Filter(query='id:s -id:"<i>"')
    job = deletions.begin(otel_client, project=browser.api.project, chosen=chosen, now_ns=time.time_ns())
    assert "0 of 1 so far" in browser.get("/sessions").text
    page = browser.get("/status")
    assert 'id:s -id:"<i>"' in page.text
    assert "running" in page.text
    assert "0 of 1" in page.text
    assert "<i>" not in page.html
    deletions.fail(otel_client, job, "<u>ClickHouse is gone")
    assert "so far" not in browser.get("/sessions").text
    assert "<u>ClickHouse is gone" in browser.get("/status").text
    other = Browser(Api(browser.api.address, new_project(), otel_client))
    assert "id:s" not in other.get("/status").text
