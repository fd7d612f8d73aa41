"""The tutorial's program and commands, as they stand there, against a service with ports of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from otel_sessions.config import dotted, listeners, load
from tests.cli.conftest import launched
from tests.integration import running
from tests.integration.running import wait_until

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
PORTS = [dotted(path) for path, _ in listeners(load())]


def test_the_program_makes_the_session_that_the_commands_show(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)
    commands = re.findall(r"^otel-sessions ((?:sessions|query) .*)$", TUTORIAL, re.MULTILINE)
    assert len(commands) >= 8

    def run(command: str) -> str:
        ended = running.command(*shlex.split(command), cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    ports = [part for path in PORTS for part in ("--set", f"{path}=127.0.0.1:0")]
    with launched("serve", *ports, cwd=tmp_path) as process:
        assert process.stdout is not None
        endpoints = dict(line.split()[1:] for line in iter(process.stdout.readline, "ready\n"))
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoints['otlp/grpc']}",
            "OTEL_SESSIONS_SCORES_ENDPOINT": f"http://{endpoints['otlp/http']}",
        }
        said = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert said.stdout.splitlines()[-1] == "Sorry, the warehouse does not answer."
        wait_until(lambda: "helpful" in run("query 'SELECT Name FROM session_scores'"))
        wait_until(lambda: "3 (8 spans)" in run("sessions show chat-42"))
        shown = {command: run(command) for command in commands}
        process.terminate()
        assert process.wait(60) == 0
    asked = "".join(text for command, text in shown.items() if command.startswith("query"))
    for word in ("chat-42", "And a pair of poles?", "check_stock", "helpful"):
        assert word in asked
    assert "! LookupError: the warehouse does not answer" in shown["sessions show chat --spans"]
    assert "helpful 0.8 (two of three)" in shown["sessions show chat-42"]
