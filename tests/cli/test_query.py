from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.cli import access
from otel_sessions.lock import DataLock
from tests.cli.conftest import OWN, Run, Served, write_config
from tests.integration import running


@pytest.fixture
def direct(tmp_path: Path, chdb_path: Path, otel_client: Client) -> Path:
    """A configuration of embedded data that no service owns."""
    return write_config(tmp_path, f"chdb://{chdb_path}")


@pytest.fixture(params=["direct", "served"])
def config(request: pytest.FixtureRequest) -> Path:
    found = request.getfixturevalue(request.param)
    return found if isinstance(found, Path) else found.config


def test_a_pipe_gets_tab_separated_values_with_names(run: Run, config: Path) -> None:
    result = run("query", "SELECT 1 AS a, 'é' AS b", "--config", config)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a\tb\n1\té\n", "")


def test_a_format_can_be_named_and_one_in_the_statement_comes_first(run: Run, config: Path) -> None:
    assert run("query", "SELECT 1 AS a", "--format", "JSONEachRow", "--config", config).stdout == '{"a":1}\n'
    result = run("query", "SELECT 1 AS a FORMAT CSV", "--format", "JSONEachRow", "--config", config)
    assert result.stdout == "1\n"


def test_the_bytes_are_those_of_clickhouse(run: Run, config: Path) -> None:
    result = run("query", "SELECT unhex('00ff0a'), 1", "--format", "RowBinary", "--config", config)
    assert result.stdout_bytes == b"\x03\x00\xff\x0a\x01"


def test_the_statement_may_come_from_standard_input(run: Run, config: Path) -> None:
    assert run("query", "-", "--config", config, input="SELECT 7 AS a\n").stdout == "a\n7\n"


def test_the_views_are_there_by_their_names(run: Run, config: Path) -> None:
    result = run("query", "SELECT count() >= 0 FROM sessions", "--format", "TSV", "--config", config)
    assert (result.exit_code, result.stdout) == (0, "1\n")


@pytest.mark.parametrize("sql", ["SELECT nope", "SELEC 1", "", "SELECT 1; SELECT 2", "SELECT * FROM nope"])
def test_bad_sql_is_exit_status_1_and_a_line_on_stderr(run: Run, config: Path, sql: str) -> None:
    result = run("query", sql, "--config", config)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


def test_embedded_data_are_only_read(run: Run, direct: Path) -> None:
    for sql in ("DROP TABLE otel_traces", "SELECT * FROM file('/etc/passwd', 'LineAsString')", "SET max_threads = 1"):
        assert run("query", sql, "--config", direct).exit_code == 1
    assert run("query", "EXISTS TABLE otel_traces", "--format", "TSV", "--config", direct).stdout == "1\n"


def test_a_large_result_comes_whole(run: Run, served: Served) -> None:
    result = run("query", "SELECT number FROM numbers(300000)", "--format", "TSV", "--config", served.config)
    assert result.stdout.splitlines() == [str(number) for number in range(300_000)]


def test_a_format_is_a_name(run: Run, direct: Path) -> None:
    result = run("query", "SELECT 1", "--format", "TSV INTO OUTFILE 'x'", "--config", direct)
    assert result.exit_code == 2


def test_missing_data_are_explained_and_not_made(run: Run, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    for command in (["query", "SELECT 1"], ["sessions", "list"], ["sessions", "show", "x"]):
        result = run(*command, "--config", config)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "no data" in result.stderr
        assert "otel-sessions serve" in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_server_that_is_not_reached_is_exit_status_1(run: Run, tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://user:hidden@127.0.0.1:1/otel")
    for command in (["query", "SELECT 1"], ["sessions", "list"], ["migrate"]):
        result = run(*command, "--config", config)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "not reached" in result.stderr or "migrating" in result.stderr
        assert "hidden" not in result.stderr


def test_a_server_is_asked_over_http(run: Run, served: Served, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"http://{served.endpoints['clickhouse_http']}/otel")
    result = run("query", "SELECT currentDatabase()", "--format", "TSV", "--config", config)
    assert (result.exit_code, result.stdout) == (0, "otel\n")


def test_an_owner_that_serves_no_sql_is_explained(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "PATIENCE_S", 0.2)
    lock = DataLock(tmp_path / "data")
    try:
        result = run("query", "SELECT 1", "--config", write_config(tmp_path, f"chdb://{tmp_path / 'data'}"))
    finally:
        lock.release()
    assert result.exit_code == 1
    assert "clickhouse_http" in result.stderr


def test_a_service_that_starts_is_waited_for(
    run: Run, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "PATIENCE_S", running.ANSWER_S)
    lock = DataLock(tmp_path / "data")
    started = threading.Timer(0.5, lock.describe, [served.endpoints])
    started.start()
    try:
        result = run("query", "SELECT 1 AS a", "--config", write_config(tmp_path, f"chdb://{tmp_path / 'data'}"))
    finally:
        started.join()
        lock.release()
    assert (result.exit_code, result.stdout) == (0, "a\n1\n"), result.stderr


def test_a_configuration_without_clickhouse_has_no_sessions(run: Run) -> None:
    result = run("query", "SELECT 1", "--set", "service.pipelines.traces.exporters=[]")
    assert result.exit_code == 2


def test_data_without_tables_are_explained(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    done = running.command("sessions", "list", "--config", str(config))
    assert (done.returncode, done.stdout) == (1, "")
    assert "otel-sessions migrate" in done.stderr


def test_a_reader_that_closes_the_pipe_is_not_an_error_message(served: Served) -> None:
    sql = "SELECT * FROM numbers(3000000)"
    arguments = [*OWN, "query", sql, "--config", str(served.config)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
