"""What is said of a trace by `trace-create`, apart from its spans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from otel_sessions.testing.otlp import START, new_trace_id, request, span
from tests.integration.langfuse import sdks
from tests.integration.running import Directory, Running, command, wait_until

MOVED_S = 60.0
TIME = "2026-01-02T03:04:05Z"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = sdks.serving(Directory(tmp_path_factory.mktemp("updates")))
    yield running
    assert running.stop() == 0


def say(running: Running, trace_id: str, *, time: str = TIME, **body: Any) -> None:
    """One `trace-create`, sent twice, as after an answer that got lost."""
    event = {"id": "e", "type": "trace-create", "timestamp": time, "body": {"id": trace_id, **body}}
    for _ in range(2):
        status, answer, _ = running.get("otlp/http", "/api/public/ingestion", json.dumps({"batch": [event]}))
        assert (status, json.loads(answer)["errors"]) == (207, [])


def trace(trace_id: str, **attributes: str) -> Any:
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    root = span("root", trace_id=trace_id, attributes=named)
    return request(root, span("child", parent=root, start=START + 5))


@pytest.mark.parametrize("first", ["spans", "update"])
def test_its_session_claims_the_spans_before_and_after_and_counts_nothing(running: Running, first: str) -> None:
    trace_id, session = new_trace_id(), f"said of a trace, {first} first"
    told = {"sessionId": session, "userId": "ada", "tags": ["t"], "name": "turn", "input": "hi", "output": {"a": 1}}
    if first == "spans":
        running.send(trace(trace_id, langfuse__trace__name="old", user__id="bob"))
    say(running, trace_id, **told)
    if first == "update":
        assert running.sql("SELECT count() FROM sessions WHERE SessionId = {id:String}", id=session) == [[0]]
        running.send(trace(trace_id, langfuse__trace__name="old", user__id="bob"))
    figures = "SELECT TraceCount, SpanCount, ErrorCount, Duration, UserIds, Tags FROM sessions"
    wanted = [[1, 2, 0, 1_000_005, ["ada", "bob"], ["t"]]]
    wait_until(lambda: running.sql(f"{figures} WHERE SessionId = {{id:String}}", id=session), MOVED_S, wanted.__eq__)
    turn = "SELECT Name, UserId, Input, Output, SpanCount FROM session_traces WHERE SessionId = {id:String}"
    assert running.sql(turn, id=session) == [["turn", "ada", "hi", '{"a":1}', 2]]
    names = "SELECT SpanName FROM session_spans WHERE SessionId = {id:String} ORDER BY 1"
    assert running.sql(names, id=session) == [["child"], ["root"]]
    timeline = "SELECT sum(SpanCount), count() FROM session_timeline WHERE SessionId = {id:String}"
    assert running.sql(timeline, id=session) == [[2, 1]]


def test_the_claim_of_a_root_comes_first_and_the_latest_name_counts(running: Running) -> None:
    trace_id = new_trace_id()
    say(running, trace_id, sessionId="said", name="second", time="2026-01-02T03:04:06Z")
    say(running, trace_id, sessionId="said", name="first")
    running.send(trace(trace_id, session__id="root's"))
    say(running, trace_id, name="third", time="2026-01-02T03:04:07Z")
    names = "SELECT SessionId, SpanCount, Name FROM session_traces WHERE TraceId = {id:String}"
    wait_until(lambda: running.sql(names, id=trace_id), MOVED_S, [["root's", 2, "third"]].__eq__)


def test_verify_agrees_and_a_rebuild_keeps_them(running: Running) -> None:
    trace_id, session = new_trace_id(), "said and rebuilt"
    running.send(trace(trace_id))
    say(running, trace_id, sessionId=session, name="turn")
    turn = "SELECT SpanCount, Name FROM session_traces WHERE SessionId = {id:String}"
    wait_until(lambda: running.sql(turn, id=session), MOVED_S, [[2, "turn"]].__eq__)
    for words in (["verify"], ["sessions", "rebuild"], ["verify"]):
        ended = command(*words, "--config", str(running.log.with_suffix(".yaml")))
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert running.sql(turn, id=session) == [[2, "turn"]]


def test_sessions_are_listed_in_the_shapes_of_Langfuse(running: Running) -> None:
    session = "a/b é"
    attributes = {"session__id": session, "user__id": "ada", "langfuse__environment": "listed"}
    running.send(trace(new_trace_id(), **attributes))
    running.send(trace(new_trace_id(), session__id="another", langfuse__environment="listed"))
    listed = get(running, "sessions?environment=listed&limit=1&page=2&fromTimestamp=2023-11-14T22:13:20Z")
    assert listed["meta"] == {"page": 2, "limit": 1, "totalItems": 2, "totalPages": 2}
    assert listed["data"] == [
        {"id": "another", "createdAt": "2023-11-14T22:13:20.000Z", "projectId": "default", "environment": "listed"}
    ]
    assert get(running, "sessions?environment=listed&toTimestamp=2023-11-14T22:13:20Z")["data"] == []
    running.send(trace(new_trace_id(), session__id="nowhere in particular"))
    of_default = {each["id"] for each in get(running, "sessions?environment=default&limit=100")["data"]}
    assert "nowhere in particular" in of_default
    assert not of_default & {session, "another"}
    one = get(running, f"sessions/{quote(session, safe='')}")
    (turn,) = one["traces"]
    assert (one["id"], one["environment"]) == (session, "listed")
    assert (turn["name"], turn["userId"], turn["sessionId"], turn["tags"]) == ("root", "ada", session, [])


def get(running: Running, path: str) -> Any:
    status, body, _ = running.get("otlp/http", f"/api/public/{path}")
    assert status == 200, body
    return json.loads(body)
