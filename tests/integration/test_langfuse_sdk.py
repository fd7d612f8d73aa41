"""The session samples of Langfuse's documentation under its own SDKs, pointed here by environment variables alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import installing
from tests.integration.langfuse import sdks
from tests.integration.running import ANSWER_S, Directory, Running, wait_until

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
        files = [sdks.SAMPLES / "package.json", sdks.SAMPLES / "sessions.mjs"]
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
    assert figures(running, prefix) == [
        [f"{prefix} decorator", 1, 2, 0, ["ada"], ["chat"], 3, 4, ["gpt-4o"], ["test"]],
        [f"{prefix} direct", 1, 2, 0, ["bob"], [], 10, 20, ["gpt-4o"], ["test"]],
        [f"{prefix} no reference", 1, 1, 0, [], [], 0, 0, [], ["test"]],
    ]
    assert scores(running, f"{prefix} direct") == SCORED


def test_the_sample_for_JavaScript_lands(
    request: pytest.FixtureRequest, installed: Installed, running: Running
) -> None:
    sample = Path(request.config.cache.mkdir("langfuse-javascript")) / "sessions.mjs"
    assert sdks.run(running, installed["javascript"].result(), sample) == "flushed\n"
    wait_until(lambda: len(scores(running, "js session")), ANSWER_S, lambda found: found == 3)
    assert figures(running, "js") == [["js session", 1, 2, 0, ["eve"], ["chat"], 10, 20, ["gpt-4o"], ["test"]]]
    assert scores(running, "js session") == SCORED
