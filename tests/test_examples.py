"""The examples: each says what it needs, and the one that needs nothing more runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.running import ANSWER_S, Directory, Running, config, wait_until

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "run")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    directory = Directory(tmp_path)
    yield directory.start(config(directory.data()))
    directory.close()


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_needs_and_how_it_is_run(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text()
    compile(text, name, "exec")
    assert text.startswith("# /// script\n")
    assert f"python examples/run.py {name}" in text
    assert re.search(rf"\[`{name}`\]", (EXAMPLES / "README.md").read_text())


def test_two_services_share_a_session(service: Running) -> None:
    endpoint = f"http://{service.endpoints['otlp/grpc']}"
    command = [sys.executable, EXAMPLES / "services.py"]
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=ANSWER_S)
    query = "SELECT TraceCount, SpanCount, ServiceNames FROM sessions WHERE SessionId = 'order 17'"
    wait_until(lambda: service.sql(query), ANSWER_S, lambda rows: rows == [[2, 4, ["shop", "stock"]]])
