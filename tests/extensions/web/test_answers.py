"""How answers travel: compressed, with a tag, and lists as frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_sessions.extensions.web import ndjson
from otel_sessions.http.response_compression import zstd
from tests.extensions.web.conftest import Api, span
from tests.extensions.web.pages.browsing import Browser

FRAMES = {"Accept": "application/x-ndjson"}


def lines(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.splitlines()]


def test_answers_are_compressed_for_who_takes_it(api: Api) -> None:
    plain = api.call("GET", "/openapi.json")
    packed = api.call("GET", "/openapi.json", headers={"Accept-Encoding": "gzip;q=0.5, zstd"})
    assert packed.headers["content-encoding"] == "zstd"
    assert zstd.decompress(packed.body) == plain.body


@pytest.mark.parametrize("path", ["/openapi.json", "/sessions/s", "/sessions", "/sessions/s/turns"])
def test_who_has_an_answer_already_is_told_so_without_it(api: Api, path: str) -> None:
    api.store(span("s", 1))
    first = api.call("GET", path)
    assert "no-store" not in first.headers["cache-control"]
    for known in (first.headers["etag"], f'"x", {first.headers["etag"]}', "*"):
        again = api.call("GET", path, headers={"If-None-Match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert api.call("GET", path, headers={"If-None-Match": '"x"'}).body == first.body


def test_a_session_that_has_changed_has_another_tag(api: Api) -> None:
    api.store(span("s", 1))
    tags = [api.call("GET", "/sessions/s").headers["etag"]]
    api.call("PUT", "/sessions/s/bookmark")
    tags.append(api.call("GET", "/sessions/s").headers["etag"])
    api.store(span("s", 2))
    tags.append(api.call("GET", "/sessions/s").headers["etag"])
    assert len(set(tags)) == 3


def test_a_file_of_the_pages_has_a_tag(api: Api) -> None:
    browser = Browser(api)
    tag = browser.get("/static/app.css").headers["etag"]
    assert browser.get("/static/app.css", headers={"If-None-Match": tag}).status == 304


def test_a_list_in_frames_goes_on_to_its_end(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_LIMIT", 2)
    api.store(*(span(f"s{number}", number, start=number) for number in range(1, 6)))
    answer = api.call("GET", "/sessions", headers={"Accept": "text/html, application/x-ndjson;q=0.9"}, sort="start")
    assert answer.headers["content-type"] == "application/x-ndjson"
    *results, last = lines(answer.body)
    assert [each["result"] for each in results] == api.get("/sessions", sort="start")["sessions"]
    assert last == {"complete": {"sessions": 5, "next_cursor": None}}


def test_a_page_in_frames_says_where_the_next_one_begins(api: Api) -> None:
    api.store(*(span("s", 1, number=number, start=number) for number in range(1, 4)))
    *results, last = lines(api.call("GET", "/sessions/s/spans", headers=FRAMES, limit=2).body)
    page = api.get("/sessions/s/spans", limit=2)
    assert [each["result"] for each in results] == page["spans"]
    assert last == {"complete": {"spans": 2, "next_cursor": page["next_cursor"]}}


def test_a_list_that_breaks_off_says_so_in_its_last_frame(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_LIMIT", 2)
    api.store(*(span(f"s{number}", number) for number in range(1, 4)))
    pages = iter([ndjson._page])

    async def once(*args: Any) -> Any:
        return await next(pages, _broken)(*args)

    monkeypatch.setattr(ndjson, "_page", once)
    *results, last = lines(api.call("GET", "/sessions", headers=FRAMES).body)
    assert len(results) == 2
    assert last["error"]["status"] == 503


async def _broken(*_: Any) -> Any:
    from otel_sessions.errors import Retryable

    raise Retryable("ClickHouse has gone")


def test_what_is_wrong_from_the_start_is_a_problem_and_no_frame(api: Api) -> None:
    assert api.call("GET", "/sessions", headers=FRAMES, query="usr:x").status == 400
    assert api.call("GET", "/sessions/none/spans", headers=FRAMES).status == 404
    assert api.call("GET", "/query-fields", headers=FRAMES).headers["content-type"] == "application/json"
