"""The page of a session links to the one that it continues, and to those in which it is continued."""

from __future__ import annotations

from tests.extensions.web.conftest import span
from tests.extensions.web.pages.browsing import Browser


def test_a_session_links_to_those_before_and_after_it_that_are_there(browser: Browser) -> None:
    browser.api.store(
        span("first/one", 1),
        span("second", 2, start=60, attributes={"session.previous_id": "first/one"}),
        span("third", 3, start=120, attributes={"session.previous_id": "second"}),
        span("lost", 4, attributes={"session.previous_id": "never seen"}),
    )
    first, second, lost = (browser.get(f"/sessions/{each}") for each in ("first%2Fone", "second", "lost"))
    assert "continued in" in first.html
    assert "continues" not in first.html
    assert {"/sessions/first%2Fone", "/sessions/third"} <= set(second.links())
    assert "continue" not in lost.html
    answer = browser.api.get("/sessions/second")
    assert (answer["previous_session_id"], answer["next_session_ids"]) == ("first/one", ["third"])
    assert answer["life"] == {"state": "idle", "reopened": 0, "revision": None, "parts": 1}


def test_a_public_link_leads_to_no_other_session(browser: Browser) -> None:
    browser.api.store(span("open", 1, attributes={"session.previous_id": "secret"}), span("secret", 2))
    token = browser.api.call("POST", "/sessions/open/share", {}).json["token"]
    assert "continues" not in browser.get(f"/share/{token}").html
    shown = browser.api.get(f"/share/{token}")
    assert {"life", "previous_session_id", "next_session_ids"}.isdisjoint(shown)
