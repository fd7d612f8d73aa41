"""What a shell completes, and what commands load that ask a running service."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from otel_sessions.cli import complete
from otel_sessions.cli.app import app
from tests.cli.conftest import Run, Served

HEAVY = (
    "pydantic",
    "clickhouse_connect",
    "urllib3",
    "asyncio",
    "pyarrow",
    "grpc",
    "numpy",
    "pandas",
    "chdb",
    "uvicorn",
    "starlette",
    "opentelemetry",
    "prometheus_client",
)


@pytest.mark.parametrize(
    ("incomplete", "expected"),
    [
        ("mod", ["model:"]),
        ("user:ada -cos", ["user:ada -cost:"]),
        ("is:un", ["is:unpriced"]),
        ("meta", ["metadata."]),
        ("nothing", []),
        ("user:ada", []),
    ],
)
def test_the_last_word_of_an_expression_is_completed_to_fields(incomplete: str, expected: list[str]) -> None:
    assert complete.fields(click.Context(app), click.Argument(["words"]), incomplete) == expected


def completed(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    line = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    environment = {**os.environ, "_OTEL_SESSIONS_COMPLETE": "bash_complete", **line}
    program = [sys.executable, "-c", "from otel_sessions.cli.app import app; app(prog_name='otel-sessions')"]
    lines = subprocess.run(program, env=environment, capture_output=True, text=True, check=False).stdout.splitlines()
    return [line.removeprefix("plain,") for line in lines]


def test_ids_are_completed_through_the_running_service(served: Served) -> None:
    options = ("--config", str(served.config))
    assert completed("otel-sessions", "sessions", "show", *options, "warr") == ["warranty-test"]
    assert completed("otel-sessions", "sessions", "export", *options, "hut") == ["hut-tour-test"]
    assert completed("otel-sessions", "sessions", "delete", *options, "siz") == ["sizing-test"]
    assert completed("otel-sessions", "sessions", "delete", *options, "--query", "mod") == ["model:"]
    assert completed("otel-sessions", "sessions", "list", *options, "mod") == ["model:"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_asks_for_completions_as_that_shell(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_OTEL_SESSIONS_COMPLETE={shell}_complete" in result.stdout
    assert run("completion", "tcsh").exit_code == 2


@pytest.mark.parametrize(
    "asked",
    [
        ["sessions", "list", "user:ada", "--json"],
        ["sessions", "list"],
        ["sessions", "show", "sizing-test"],
        ["sessions", "export", "sizing-test"],
        ["query", "SELECT SessionId FROM sessions"],
    ],
    ids=" ".join,
)
def test_what_is_asked_of_a_running_service_loads_nothing_heavy(served: Served, asked: list[str]) -> None:
    program = (
        "import sys; from otel_sessions.cli.app import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *asked, "--config", str(served.config)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "sizing-test" in result.stdout
    assert result.stderr.splitlines()[-1] == "[]", result.stderr
