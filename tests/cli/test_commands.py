from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import click
import pytest
from click.testing import CliRunner

from otel_sessions import __version__, telemetry
from otel_sessions.cli.app import app
from otel_sessions.component import GROUPS
from otel_sessions.config import Config
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.errors import Retryable
from tests.cli.conftest import OWN

Serving = Callable[[Callable[[Config, TextIO], int]], None]
BAD = "receivers: {otlp: {protocol: }}\nservice: {pipelines: {traces: {exporters: [x]}}}\n"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD, encoding="utf-8")
    return file


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A configuration of what has been there from the start."""
    file = tmp_path / "good.yaml"
    file.write_text(
        "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
        "processors: {session: }\n"
        "exporters: {clickhouse: {endpoint: 'http://127.0.0.1:1'}}\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [clickhouse]}}}\n",
        encoding="utf-8",
    )
    return file


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Puts a function in the place of `process.run`, and leaves the logging of the tests alone."""
    monkeypatch.setattr(telemetry, "configure_logging", lambda *_: None)
    return lambda run: monkeypatch.setitem(
        sys.modules, "otel_sessions.cli.process", types.SimpleNamespace(run=run, leave=sys.exit)
    )


def places(group: click.Group, words: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """The module of each command, by what is typed to call it."""
    found: dict[tuple[str, ...], str] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found |= places(command, (*words, name))
        else:
            assert command is not None
            assert command.callback is not None
            found[*words, name] = command.callback.__module__
    return found


PLACES = places(app)


def commands() -> list[str]:
    return app.list_commands(click.Context(app))


@pytest.mark.parametrize("command", [[], *([name] for name in commands())])
def test_every_command_has_help_with_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert f"  otel-sessions {' '.join(command)}".rstrip() in result.stdout.partition("Examples:")[2]


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"otel-sessions {__version__}\n"


def test_a_valid_configuration_is_said_to_be_valid_with_its_warnings(good: Path) -> None:
    result = CliRunner().invoke(app, ["validate", "--config", str(good)])
    assert (result.exit_code, result.stdout) == (0, "configuration is valid\n")
    assert result.stderr == "warning: processors.session: configured, but no part of the service uses it\n"


@pytest.mark.parametrize("command", ["validate", "serve"])
def test_every_fault_of_a_configuration_is_a_line_on_stderr_and_the_status_is_2(command: str, bad: Path) -> None:
    result = CliRunner().invoke(app, [command, "--config", str(bad), "--set", "service.extensions=[nope]"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        "receivers.otlp.protocols",
        "receivers.otlp.protocol",
        "service.pipelines.traces.receivers",
        "service.pipelines.traces.exporters[0]",
        "service.extensions[0]",
    ]


def test_serve_runs_the_service_and_exits_with_its_status(good: Path, serving: Serving) -> None:
    def run(config: Config, out: TextIO, *_: object) -> int:
        print(*config.used("exporters"), file=out)
        return 3

    serving(run)
    result = CliRunner().invoke(app, ["serve", "--config", str(good)])
    assert (result.exit_code, result.stdout) == (3, "clickhouse\n")


def test_an_error_of_the_service_is_one_line_and_the_status_is_1(good: Path, serving: Serving) -> None:
    def run(config: Config, out: TextIO, *_: object) -> int:
        raise Retryable("the data directory\nis in use")

    serving(run)
    result = CliRunner().invoke(app, ["serve", "--config", str(good)])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, "error: the data directory is in use")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_output_that_nobody_takes_is_one_line_and_the_status_is_1() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*OWN, "components"], stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert (done.returncode, done.stderr) == (1, "error: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", [["components"], ["query", "SELECT 1", "--set", "exporters="]], ids=["done", "wrong"])
def test_a_standard_stream_that_is_closed_is_nowhere(words: list[str], closed: str) -> None:
    def left(redirected: str) -> tuple[int, str, str]:
        shell = ["sh", "-c", f'exec "$@" {redirected}', "sh", *OWN, *words]
        done = subprocess.run(shell, capture_output=True, check=False, text=True)
        return done.returncode, done.stdout, done.stderr

    status, out, told = left("")
    assert left(closed) == (status, "" if " >&-" in f" {closed}" else out, "" if "2>&-" in closed else told)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="where Linux shows what files are open")
def test_no_file_gets_the_number_of_a_standard_stream_that_is_closed() -> None:
    program = (
        "import os, sys; from otel_sessions import cli; from otel_sessions.cli import app\n"
        "app.app = lambda: os.write(3, str(open(sys.executable).fileno()).encode())\n"
        "cli.main()"
    )
    shell = ["sh", "-c", 'exec "$@" 3>&1 <&- >&- 2>&-', "sh", sys.executable, "-c", program]
    done = subprocess.run(shell, stdout=subprocess.PIPE, check=True, text=True)
    assert int(done.stdout) > 3  # which is the test's own


def test_ctrl_c_while_a_command_is_loaded_ends_it_without_a_word() -> None:
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # what runs in the background ignores it
        "class Late:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'otel_sessions.cli.app': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Late())\n"
        "from otel_sessions.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("words", [["sessions", "list"], ["sessions", "show", "x"], ["verify"]], ids=" ".join)
def test_a_server_that_is_not_reached_is_one_line_and_the_status_is_1(words: list[str]) -> None:
    endpoint = ["--set", "exporters.clickhouse.endpoint=http://127.0.0.1:1"]
    done = subprocess.run([*OWN, *words, *endpoint], capture_output=True, check=False, text=True)
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout, [line[:7] for line in lines]) == (1, "", ["error: "])


def test_components_lists_every_registered_type() -> None:
    table = CliRunner().invoke(app, ["components"])
    listed = json.loads(CliRunner().invoke(app, ["components", "--json"]).stdout)
    assert [(row["kind"], row["type"]) for row in listed] == [
        (kind, type_) for kind in GROUPS for type_ in EntryPoints().types(kind)
    ]
    assert [line.split()[:2] for line in table.stdout.splitlines()[1:]] == [
        [row["kind"], row["type"]] for row in listed
    ]


@pytest.mark.parametrize("words", PLACES, ids=" ".join)
def test_a_command_loads_no_other_and_for_its_help_nothing_heavy(words: tuple[str, ...]) -> None:
    program = (
        "import sys; from otel_sessions.cli.app import app\n"
        "app([*sys.argv[1:], '--help'], standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, check=True, text=True)
    loaded = set(done.stderr.split())
    assert loaded & set(PLACES.values()) == {PLACES[words]}
    assert not loaded & {"pydantic", "rich", "yaml", "pyarrow", "clickhouse_connect", "asyncio"}


def test_the_command_line_imports_nothing_heavy() -> None:
    program = "import sys, otel_sessions.cli.app, otel_sessions.queries.listing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    heavy = {"pyarrow", "grpc", "chdb", "clickhouse_connect", "pydantic", "yaml", "uvicorn", "numpy"}
    heavy |= {"asyncio", "concurrent.futures", "email.message", "importlib.metadata"}
    assert not heavy & set(done.stdout.split())


def test_without_the_server_extra_the_command_says_what_to_install() -> None:
    program = "import sys; sys.modules['click'] = None; from otel_sessions.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "pip install '.[embedded]'" in done.stderr
