from __future__ import annotations

from pathlib import Path

from clickhouse_connect.driver.client import Client

from otel_sessions.lock import DataLock
from tests.cli.conftest import Run, Served, write_config
from tests.integration.running import command


def migrate(config: Path, *more: str) -> str:
    ended = command("migrate", "--config", str(config), *more)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_new_database_is_made_once(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    assert [line.split()[1] for line in migrate(config).splitlines()][:2] == ["0001_otel_traces", "0002_sessions"]
    assert migrate(config).startswith("nothing to do")
    assert migrate(config, "--dry-run").startswith("nothing to do")


def test_a_dry_run_prints_the_sql_and_makes_nothing(run: Run, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    result = run("migrate", "--dry-run", "--config", config)
    assert result.exit_code == 0
    assert "CREATE DATABASE IF NOT EXISTS `otel`" in result.stdout
    assert "CREATE TABLE IF NOT EXISTS otel_traces" in result.stdout
    assert not (tmp_path / "data").exists()


def test_a_database_of_this_version_needs_nothing(
    run: Run, tmp_path: Path, chdb_path: Path, otel_client: Client
) -> None:
    config = write_config(tmp_path, f"chdb://{chdb_path}")
    assert run("migrate", "--dry-run", "--config", config).stdout.startswith("nothing to do")
    assert run("migrate", "--config", config).stdout.startswith("nothing to do")


def test_data_that_a_service_owns_need_nothing_where_it_has_their_tables(run: Run, served: Served) -> None:
    for more in ([], ["--dry-run"]):
        result = run("migrate", "--config", served.config, *more)
        assert result.exit_code == 0
        assert result.stdout.startswith("nothing to do")


def test_data_that_another_process_has_are_left_to_it(run: Run, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    (tmp_path / "data").mkdir()
    lock = DataLock(tmp_path / "data")  # and serves no SQL
    try:
        result = run("migrate", "--config", config)
    finally:
        lock.release()
    assert (result.exit_code, result.stdout) == (1, "")
    assert "in use by process" in result.stderr
    assert "when it started" in result.stderr


def test_a_server_is_migrated_over_http(run: Run, served: Served, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"http://{served.endpoints['clickhouse_http']}/otel")
    assert run("migrate", "--dry-run", "--config", config).stdout.startswith("nothing to do")
    assert run("migrate", "--config", config).stdout.startswith("nothing to do")
