"""The guard before the engine itself, and a secret beside the engine's tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.sqlguard.all_projects import ReadGuard
from otel_sessions.sqlguard.allowed import Bounds

DATABASE = "guarded"
SECRET = "S3cretInAFile"
TIMEOUT_S = 5


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("outside") / "secret.csv"
    path.write_text(f"{SECRET},1\n")
    return path


@pytest.fixture(scope="package")
def client(chdb_path: Path) -> Iterator[Client]:
    """No hardened settings but `implicit_select`: the guard must hold alone."""
    client = connect(Endpoint("chdb", path=chdb_path))
    client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    client.command(f"CREATE TABLE {DATABASE}.t (a UInt64, b String, m Map(String, String)) ENGINE MergeTree ORDER BY a")
    client.command(f"INSERT INTO {DATABASE}.t VALUES (1, 'x', {{}}), (2, 'y', {{'k': 'v'}})")
    client.command(f"CREATE VIEW {DATABASE}.v AS SELECT a FROM {DATABASE}.t")
    client.database = DATABASE
    client.set_client_setting("implicit_select", 0)
    yield client
    client.close()
    with clickhouse_connect.get_client(interface="chdb", path=str(chdb_path)) as admin:
        admin.command(f"DROP DATABASE {DATABASE}")


@pytest.fixture(scope="package")
def guard() -> ReadGuard:
    return ReadGuard(DATABASE, bounds=Bounds(max_execution_time_s=TIMEOUT_S))
