"""One process owns the embedded data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sessions.errors import Permanent
from otel_sessions.lock import DataInUse, DataLock, holder

HOLD = """
import sys
from pathlib import Path
from otel_sessions.lock import DataLock
lock = DataLock(Path(sys.argv[1]))
lock.describe({"clickhouse_http": "127.0.0.1:1"})
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the directory."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_directory_is_made_and_its_holder_says_what_it_serves(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "data"
    lock = DataLock(directory)
    assert holder(directory) == {"pid": str(os.getpid())}
    lock.describe({"web": "127.0.0.1:8080"})
    assert holder(directory) == {"pid": str(os.getpid()), "web": "127.0.0.1:8080"}
    lock.describe({})
    assert holder(directory) == {"pid": str(os.getpid())}
    lock.release()
    assert holder(directory) == {}
    lock.release()


def test_a_second_holder_is_refused_with_directory_and_process(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(DataInUse, match=f"{tmp_path} is in use by process {other.pid}") as raised:
        DataLock(tmp_path)
    assert isinstance(raised.value, Permanent)
    assert holder(tmp_path) == {"pid": str(other.pid), "clickhouse_http": "127.0.0.1:1"}


def test_a_killed_holder_leaves_the_data_free(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()
    assert holder(tmp_path) == {}
    DataLock(tmp_path).release()


def test_who_only_looks_takes_nothing_and_makes_nothing(tmp_path: Path) -> None:
    assert holder(tmp_path / "nowhere") == {}
    assert list(tmp_path.iterdir()) == []
    lock = DataLock(tmp_path)
    assert holder(tmp_path) == holder(tmp_path)
    with pytest.raises(DataInUse):
        DataLock(tmp_path)
    lock.release()


def test_the_file_says_nothing_to_other_users(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    lock.release()
