"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def chdb_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the embedded engine; it takes one directory a process, so all tests share it."""
    return tmp_path_factory.mktemp("chdb") / "data"
