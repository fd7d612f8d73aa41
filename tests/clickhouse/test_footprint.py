"""What a process keeps in memory, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otel_sessions.clickhouse import footprint

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="says nothing of its memory")


def run(program: str, directory: Path) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_engine_answers_as_before_with_what_it_does_not_need_given_back(tmp_path: Path) -> None:
    before, after, *answers = run(
        """
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.footprint import give_back, resident
client = connect(Endpoint.parse("chdb://./data"))
sql = "SELECT sum(cityHash64(number)) FROM numbers(100000)"
first, before = client.query(sql).result_rows[0][0], resident()
give_back()
print(before, resident(), first, client.query(sql).result_rows[0][0])
""",
        tmp_path,
    )
    assert int(after) < int(before) - (50 << 20)
    assert answers[0] == answers[1]


def test_commands_do_without_pandas_and_whoever_wants_it_has_it(tmp_path: Path) -> None:
    program = """
import sys
from otel_sessions.cli.options import loaded
loaded(None, None, to_serve=True)
import otel_sessions.service
print("pandas" in sys.modules)
import pandas, pyarrow
print(pyarrow.table({"a": [1, 2]}).to_pandas()["a"].sum())
"""
    assert run(program, tmp_path) == ["False", "3"]


def test_only_read_only_parts_as_in_their_file_are_given_back() -> None:
    def mapping(start: str, rights: str, path: str, anonymous: int) -> str:
        head = f"{start}000-{start}fff {rights} 00000000 08:01 1 {' ' * 20}{path}"
        return f"{head}\nRss: 9 kB\nAnonymous: {anonymous:>8} kB\n"

    engine = "/lib/chdb/_chdb.abi3.so"
    smaps = "".join(
        [
            mapping("1", "r--p", engine, 0),
            mapping("2", "r-xp", engine, 0),
            mapping("3", "r--p", engine, 4),
            mapping("4", "rw-p", engine, 0),
            mapping("5", "r-xp", "/lib/other.so", 0),
        ]
    )
    assert list(footprint._unwritten(smaps)) == [(0x1000, 0xFFF), (0x2000, 0xFFF)]
