"""The plugin of `examples/plugin`: installed as a package, its own tests, and in a service."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from otel_sessions.testing.otlp import request, span
from tests.integration.running import ANSWER_S, Directory, config, wait_until

PLUGIN = Path(__file__).parent.parent / "examples/plugin"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the package is installed; on the path of processes that are started meanwhile."""
    target = tmp_path_factory.mktemp("plugin") / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    made = [*pip, "--no-build-isolation", "--target", str(target), str(PLUGIN)]
    subprocess.run(made, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(target))
        yield target


@pytest.mark.usefixtures("site")
def test_its_own_tests_pass(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(PLUGIN), "-o", f"cache_dir={tmp_path}"]
    done = subprocess.run(
        [*command, str(PLUGIN / "tests")], check=False, capture_output=True, text=True, cwd=tmp_path, env={**os.environ}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("site")
def test_a_service_tags_sessions_by_it(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    wanted = yaml.safe_load((PLUGIN / "config.yaml").read_text())
    settings = yaml.safe_load(config(directory.data()))
    settings["processors"] = wanted["processors"]
    settings["service"]["pipelines"]["traces"]["processors"] = ["session", "tagger"]
    running = directory.start(yaml.safe_dump(settings))
    running.send(request(span(attributes={"session.id": "shopping", "http.route": "/checkout"})))
    running.send(request(span(attributes={"session.id": "reading", "http.route": "/"})))
    tags = "SELECT SessionId, Tags FROM sessions ORDER BY SessionId"
    wait_until(
        lambda: running.sql(tags), ANSWER_S, lambda found: found == [["reading", []], ["shopping", ["checkout"]]]
    )
    assert running.stop() == 0
