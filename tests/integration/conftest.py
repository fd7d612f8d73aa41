"""Services in processes of their own: one for all tests of this package, or as many as a test starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.langfuse import sdks
from tests.integration.running import Directory, Running, config


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for the package: tests take trace and session ids of their own. Ends by SIGTERM with exit status 0."""
    directory = Directory(tmp_path_factory.mktemp("service"))
    running = directory.start(config(directory.data()))
    yield running
    status = running.process.poll()
    assert status is None, f"the service ended with {status} meanwhile\n{running.log.read_text()}"
    assert running.stop() == 0


@pytest.fixture(scope="package")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One with OTLP over HTTP beside gRPC, for the programs of client libraries: each has session ids of its own."""
    directory = Directory(tmp_path_factory.mktemp("listening"))
    running = sdks.serving(directory)
    yield running
    assert running.stop() == 0


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """Where a test starts services; those that still run are killed at its end."""
    directory = Directory(tmp_path)
    yield directory
    directory.close()
