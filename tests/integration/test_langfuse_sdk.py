"""Langfuse's own SDKs, pointed here by environment variables alone: samples of its documentation, and reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from otel_sessions.testing import otlp
from tests import installing
from tests.integration.langfuse import sdks
from tests.integration.running import ANSWER_S, Directory, Running, eventually, wait_until

pytestmark = pytest.mark.timeout(installing.TEST_S)
Installed = dict[str, Future[list[str]]]
PYTHONS = {
    "python newest": ("langfuse", "sessions.py", "py"),
    "python 3": ("langfuse>=3,<4", "sessions_3.py", "py3"),
}
FIGURES = "SessionId, TraceCount, SpanCount, ErrorCount, UserIds, Tags, InputTokens, OutputTokens, Models, Environments"
SCORES = "Name, DataType, Value, StringValue, TraceId != '', SpanId != '', Environment"
SCORED = [
    ["session score", "BOOLEAN", 1, "True", 0, 0, "test"],
    ["span score", "NUMERIC", 0.5, "", 1, 1, "test"],
    ["trace score", "CATEGORICAL", 0, "good", 1, 0, "test"],
]


@pytest.fixture(scope="module")
def installed(request: pytest.FixtureRequest) -> Iterator[Installed]:
    """The command of each SDK, which are installed at the same time."""
    mkdir = request.config.cache.mkdir
    with ThreadPoolExecutor(len(PYTHONS) + 1) as pool:
        futures = {
            sdk: pool.submit(installing.python, Path(mkdir(f"langfuse-{prefix}")), requirement)
            for sdk, (requirement, _, prefix) in PYTHONS.items()
        }
        files = [sdks.SAMPLES / name for name in ("package.json", "sessions.mjs", "read.mjs")]
        javascript = pool.submit(installing.javascript, Path(mkdir("langfuse-javascript")), *files)
        yield {**futures, "javascript": javascript}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = Directory(tmp_path_factory.mktemp("langfuse"))
    running = sdks.serving(directory)
    yield running
    assert running.stop() == 0


def figures(running: Running, prefix: str) -> list[list[object]]:
    query = f"SELECT {FIGURES} FROM sessions WHERE startsWith(SessionId, {{prefix:String}}) ORDER BY SessionId"
    return running.sql(query, prefix=f"{prefix} ")


def scores(running: Running, session: str) -> list[list[object]]:
    query = f"SELECT {SCORES} FROM session_scores WHERE SessionId = {{id:String}} ORDER BY Name"
    return running.sql(query, id=session)


@pytest.mark.parametrize("sdk", PYTHONS)
def test_the_samples_for_Python_land(installed: Installed, running: Running, sdk: str) -> None:
    _, sample, prefix = PYTHONS[sdk]
    assert sdks.run(running, installed[sdk].result(), sdks.SAMPLES / sample) == "flushed\n"
    wait_until(lambda: len(scores(running, f"{prefix} direct")), ANSWER_S, lambda found: found == 3)
    landed = [
        [f"{prefix} decorator", 1, 2, 0, ["ada"], ["chat"], 3, 4, ["gpt-4o"], ["test"]],
        [f"{prefix} direct", 1, 2, 0, ["bob"], [], 10, 20, ["gpt-4o"], ["test"]],
        [f"{prefix} no reference", 1, 1, 0, [], [], 0, 0, [], ["test"]],
    ]
    eventually(lambda: figures(running, prefix), landed)  # a child may be sent before the root that claims it
    assert scores(running, f"{prefix} direct") == SCORED


def test_the_sample_for_JavaScript_lands(
    request: pytest.FixtureRequest, installed: Installed, running: Running
) -> None:
    sample = Path(request.config.cache.mkdir("langfuse-javascript")) / "sessions.mjs"
    assert sdks.run(running, installed["javascript"].result(), sample) == "flushed\n"
    wait_until(lambda: len(scores(running, "js session")), ANSWER_S, lambda found: found == 3)
    eventually(
        lambda: figures(running, "js"), [["js session", 1, 2, 0, ["eve"], ["chat"], 10, 20, ["gpt-4o"], ["test"]]]
    )
    assert scores(running, "js session") == SCORED


SESSION = "read/me é"


@pytest.fixture(scope="module")
def written(running: Running) -> str:
    """A session with turns, scores and a comment; the id of one of its traces."""
    spans = [
        otlp.span(
            f"turn {number}" if is_root else "call",
            trace_id=f"{number:032x}",
            span_id=f"{number * 10 + (not is_root):016x}",
            parent="" if is_root else f"{number * 10:016x}",
            start=10**18 + number * 10**9,
            end=10**18 + number * 10**9 + 10**6,
            attributes={"session.id": SESSION, "user.id": "ada", "langfuse.environment": "live"},
        )
        for number in range(1, 6)
        for is_root in (True, False)
    ]
    running.send(otlp.request(otlp.resource_spans(*spans, resource={})))
    trace_id = f"{3:032x}"
    for score in (
        {"name": "stars", "value": 4.5, "sessionId": SESSION},
        {"name": "good", "value": 1, "dataType": "BOOLEAN", "sessionId": SESSION},
        {"name": "kind", "value": "short", "traceId": trace_id},
    ):
        assert posted(running.endpoints["otlp/http"], "/api/public/scores", score) == 200
    read = "SELECT TraceCount FROM sessions WHERE SessionId = {id:String}"
    wait_until(lambda: running.sql(read, id=SESSION), ANSWER_S, lambda rows: rows == [[5]])
    comments = f"/api/v1/sessions/{quote(SESSION, safe='')}/comments"
    assert posted(running.endpoints["web"], comments, {"text": "look"}) == 201
    return trace_id


def posted(endpoint: str, path: str, body: Any) -> int:
    connection = HTTPConnection(endpoint, timeout=ANSWER_S)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


TURNS = [[f"turn {number}", "ada", 2] for number in (5, 4, 3, 2, 1)]
TYPED = [
    ["good", "BOOLEAN", True, "session"],
    ["kind", "CATEGORICAL", "short", "trace"],
    ["stars", "NUMERIC", 4.5, "session"],
]
COMMENTS = [["SESSION", SESSION, "look"]]


def test_the_third_SDK_for_Python_reads_sessions_page_by_page(
    installed: Installed, running: Running, written: str
) -> None:
    found = json.loads(sdks.run(running, installed["python 3"].result(), sdks.SAMPLES / "read_3.py", SESSION, written))
    assert found == {
        "listed": True,
        "session": [SESSION, "live", 5],
        "traces": TURNS,
        "total": 5,
        "scores": [["good", "BOOLEAN", 1, False], ["kind", "CATEGORICAL", 0, True], ["stars", "NUMERIC", 4.5, False]],
        "comments": COMMENTS,
    }


def test_the_newest_SDK_for_Python_reads_scores_and_comments(
    installed: Installed, running: Running, written: str
) -> None:
    command = installed["python newest"].result()
    found = json.loads(sdks.run(running, command, sdks.SAMPLES / "read.py", SESSION, written))
    assert found == {"scores": TYPED, "comments": COMMENTS, "comment": "look"}


def test_the_SDK_for_JavaScript_reads_sessions_page_by_page(
    request: pytest.FixtureRequest, installed: Installed, running: Running, written: str
) -> None:
    sample = Path(request.config.cache.mkdir("langfuse-javascript")) / "read.mjs"
    found = json.loads(sdks.run(running, installed["javascript"].result(), sample, SESSION, written))
    assert found == {
        "listed": True,
        "session": [SESSION, "live", 5],
        "traces": TURNS,
        "older": [["good", "True"], ["kind", "short"], ["stars", None]],
        "scores": TYPED,
        "comments": COMMENTS,
    }
