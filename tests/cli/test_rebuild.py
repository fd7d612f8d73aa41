"""`verify` and `sessions rebuild`, through the service that owns the data and without one."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.cli import access
from otel_sessions.clickhouse.chunks import Progress
from otel_sessions.config import load
from otel_sessions.lock import DataLock, holder
from otel_sessions.sessions.verify import Difference, Report
from otel_sessions.sessions.verify import run as looking
from otel_sessions.testing.otlp import request, span
from tests.cli.conftest import Run
from tests.integration.running import Directory, Running, config
from tests.queries.test_sessions import ODD_IDS


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PAUSES_S", (0.1,))


class Serving:
    """A service whose SQL endpoint only reads, with a session of each odd id."""

    def __init__(self, directory: Directory) -> None:
        text = config(directory.data())
        self.data = directory.path / "data"
        self.config = directory.write(text)
        self.running: Running = directory.start(text)
        for id_ in ODD_IDS:
            self.running.send(request(span("turn", attributes={"session.id": id_})))

    def damage(self) -> None:
        with access.writer(load([self.config], [])) as client:
            client.command("TRUNCATE TABLE _session_turns")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory = Directory(tmp_path_factory.mktemp("rebuilt"))
    yield Serving(directory)
    directory.close()


def test_a_rebuild_goes_through_the_service_that_owns_the_data(run: Run, serving: Serving) -> None:
    arguments = ["--config", serving.config]
    result = run("verify", *arguments)
    assert (result.exit_code, result.stdout) == (0, f"the sessions are what the {len(ODD_IDS)} stored spans say\n")
    serving.damage()
    result = run("verify", *arguments)
    lines = result.stdout.splitlines()
    assert (result.exit_code, len(lines)) == (1, len(ODD_IDS) + 2)
    assert "  default, 日本/語 é: figures in session_timeline, session_traces, sessions" in lines
    assert "otel-sessions sessions rebuild" in lines[-1]
    found = json.loads(run("verify", "--json", *arguments).stdout)
    assert {row["session_id"] for row in found["differences"]} == set(ODD_IDS)
    result = run("sessions", "rebuild", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["spans"] == len(ODD_IDS)
    assert run("verify", *arguments).exit_code == 0


def test_a_period_is_put_right_through_the_service(run: Run, serving: Serving) -> None:
    arguments = ["--config", serving.config]
    serving.damage()
    for period, status in ((["--to", "2026-01-01T00:00:00Z"], 1), (["--from", "2026-01-01T00:00:00+01:00"], 0)):
        assert run("sessions", "rebuild", *period, *arguments).exit_code == 0
        assert run("verify", *arguments).exit_code == status
    assert run("verify", "--to", "2026-01-01T00:00:00Z", *arguments).exit_code == 0


def test_the_secret_is_in_no_log(serving: Serving, run: Run) -> None:
    secret = holder(serving.data)["owner_secret"]
    assert secret
    assert secret not in serving.running.log.read_text()
    assert secret not in run("query", "SELECT * FROM nope", "--config", serving.config).stderr


def test_data_that_nobody_owns_are_rebuilt_directly(
    run: Run, chdb_path: Path, tmp_path: Path, otel_client: Client
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(config(f"chdb://{chdb_path}"), encoding="utf-8")
    result = run("sessions", "rebuild", "--config", file)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("the sessions are rebuilt")


@pytest.mark.parametrize("time", ["yesterday", "2026-01-31T12:00:00", ""])
def test_a_time_without_a_zone_is_a_usage_error(run: Run, time: str) -> None:
    for command in (["verify"], ["sessions", "rebuild"]):
        assert run(*command, "--from", time).exit_code == 2


def test_an_owner_without_a_secret_is_explained(run: Run, serving: Serving, tmp_path: Path) -> None:
    lock = DataLock(tmp_path / "data")
    lock.describe({"clickhouse_http": serving.running.endpoints["clickhouse_http"]})
    file = tmp_path / "config.yaml"
    file.write_text(config(f"chdb://{tmp_path / 'data'}"), encoding="utf-8")
    try:
        result = run("sessions", "rebuild", "--config", file)
    finally:
        lock.release()
    assert result.exit_code == 1
    assert "restart it" in result.stderr


def test_many_differences_are_counted(run: Run, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Report(9, tuple(Difference("p", f"s{number}", missing=number) for number in range(1, 31)), more=5)

    def verify(*_: object) -> Generator[Progress, None, Report]:
        yield from ()
        return found

    monkeypatch.setattr("otel_sessions.sessions.verify.verify", verify)
    lines = run("verify", "--config", serving.config).stdout.splitlines()
    assert lines[1:3] == ["  p, s1: 1 span missing", "  p, s2: 2 spans missing"]
    assert lines[-2] == "  and 15 more"
