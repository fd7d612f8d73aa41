"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.storage import migrate
from otel_sessions.storage.client import DEFAULT_DATABASE, Endpoint, connect


@pytest.fixture(scope="session")
def chdb_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the embedded engine; it takes one directory a process, so all tests share it."""
    return tmp_path_factory.mktemp("chdb") / "data"


@pytest.fixture(scope="session")
def chdb_endpoint(chdb_path: Path) -> Endpoint:
    return Endpoint.parse(f"chdb://{chdb_path}")


@pytest.fixture(scope="session")
def otel_client(chdb_endpoint: Endpoint) -> Iterator[Client]:
    """A client whose current database has the product's schema; tests share it, so each takes a project of its own."""
    client = connect(chdb_endpoint)
    migrate.apply(client, DEFAULT_DATABASE)
    yield client
    client.close()
