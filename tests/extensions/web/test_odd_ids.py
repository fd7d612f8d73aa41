"""Any text is an id: every route, every export, and every link of the pages leads to what it names."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import pytest

from otel_sessions.extensions.web.api.operation import Operation
from otel_sessions.extensions.web.api.routes import OPERATIONS
from otel_sessions.extensions.web.pages.routes import PAGES
from tests.extensions.web.conftest import Answer, Api, segment, span
from tests.extensions.web.pages.browsing import Browser

EVERYTHING = "a/b?c#d%41%2F&e=f+g;h\"i'j<k>\\l`m {n} ../..//\n\r\t\u00a0\u2028end 😀 שלום \u202e عربي é́"
LONGEST = "😀/% " * 1170 + "ab"
IDS = {"everything": EVERYTHING, "longest": LONGEST}
FORMATS = ("jsonl", "csv", "parquet", "md", "messages")
BODIES: dict[str, Any] = {
    "/scores": {"name": EVERYTHING, "data_type": "TEXT", "value": EVERYTHING},
    "/comments": {"text": EVERYTHING},
    "/views/": {"query": "cost>1"},
    "/score-configs/": {"data_type": "TEXT"},
    "/deletions": {"query": "id:nothing"},
    "/share": {"hide": ["user_ids"]},
}
LAST = ("DELETE", "/api/v1/sessions/{session_id}")


@pytest.fixture(params=IDS)
def id_(request: pytest.FixtureRequest, api: Api) -> str:
    chosen = IDS[request.param]
    said = {"user.id": chosen, "langfuse.trace.tags": [chosen[:500]], "input.value": "hello", "output.value": "you"}
    api.store(
        span(chosen, 1, attributes={**said, "gen_ai.operation.name": "chat", "gen_ai.request.model": chosen[:200]}),
        span(
            chosen, 1, number=2, attributes={"gen_ai.tool.name": chosen[:200], "gen_ai.operation.name": "execute_tool"}
        ),
        span(chosen, 2, start=90, attributes=said),
        span("another", 3),
    )
    return chosen


def test_the_ids_of_these_tests_are_as_odd_and_as_long_as_they_may_be() -> None:
    assert len(LONGEST.encode()) == 8192
    assert set("/?#%&\"'<> \n") <= set(EVERYTHING)


def test_every_operation_takes_any_id(api: Api, id_: str) -> None:
    known = {"session_id": id_, "user_id": id_, "label": id_, "name": id_, "score_id": id_}

    def call(op: Operation, **params: Any) -> Answer:
        path = op.path.removeprefix("/api/v1")
        for name, value in known.items():
            path = path.replace(f"{{{name}}}", segment(value))
        body = next((body for part, body in BODIES.items() if part in op.path), None) if op.body else None
        answer = api.call(op.method, path, body, **params)
        assert answer.status == op.status, (op.method, op.path, answer.status, answer.body[:300])
        return answer

    def rank(op: Operation) -> int:
        """What makes comes before what reads, and what takes away comes last."""
        return ["PUT", "POST", "GET", "DELETE"].index(op.method) + ((op.method, op.path) == LAST)

    sent = 0
    for op in sorted(OPERATIONS, key=rank):
        if op.path.endswith("/events"):
            continue
        params = {"/facets": {"field": "model"}}.get(op.path.removeprefix("/api/v1"), {})
        for each in FORMATS if op.path.endswith("/export") else (None,):
            answer = call(op, **params, **({"format": each} if each else {}))
            sent += 1
        made = json.loads(answer.body) if op.method in ("POST", "PUT") and answer.body else {}
        known |= {name: str(made[name]) for name in ("comment_id", "token") if name in made}
        known |= {"deletion_id": made["id"]} if "deletions" in op.path and made else {}
        if op.method == "GET" and op.path.endswith("/{session_id}"):
            assert answer.json["session_id"] == id_
            assert answer.json["labels"] == [id_]
            assert [score["score_id"] for score in answer.json["scores"]].count(id_) == 1
        if op.path.endswith("/users/{user_id}/sessions"):
            assert [session["session_id"] for session in answer.json["sessions"]] == [id_]
    assert sent >= len(OPERATIONS)
    assert api.ids() == ["another"]


def test_turns_of_any_session_are_followed(api: Api, id_: str) -> None:
    connection = HTTPConnection(api.address, timeout=60)
    connection.request("GET", f"/api/v1/sessions/{segment(id_)}/events?from=start", headers={"X-Project": api.project})
    answer = connection.getresponse()
    try:
        assert answer.status == 200
        data = next(line for line in iter(answer.readline, b"") if line.startswith(b"data: "))
        assert json.loads(data.removeprefix(b"data: "))["session_id"] == id_
    finally:
        connection.close()


def test_every_link_of_every_page_leads_where_it_says(api: Api, id_: str) -> None:
    """Of links to one place that ask for it with the same parameters, one is followed; of the longest id, exports."""
    api.call("PUT", f"/sessions/{segment(id_)}/labels/{segment(id_)}")
    browser = Browser(api)
    waiting = ["/sessions", f"/sessions/{segment(id_)}", f"/users/{segment(id_)}"]
    if id_ == EVERYTHING:
        waiting += [path for path, _ in PAGES if "{" not in path]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        path = waiting.pop()
        page = browser.get(path)
        assert page.status == 200, (path[:300], page.status, page.text[:300])
        for link in page.links() if segment(id_) in path or path == "/sessions" else ():
            there = urlsplit(urljoin(path, link))
            key = there.path, frozenset(name for name, _ in parse_qsl(there.query))
            is_followed = id_ == EVERYTHING or there.path.endswith("/export")
            if is_followed and not there.netloc and segment(id_) in there.path and key not in seen:
                seen.add(key)
                waiting.append(there.path + (f"?{there.query}" if there.query else ""))
    named = {unquote(path.removeprefix("/api/v1").split("/")[2]) for path, _ in seen}
    assert named == {id_}
    assert any(path.endswith("/export") for path, _ in seen)
