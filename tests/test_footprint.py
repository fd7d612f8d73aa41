"""What a process keeps in memory, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otel_sessions import footprint
from otel_sessions.footprint import Room

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="says nothing of its memory")


def test_who_needs_its_room_at_once_waits_for_nobody_who_grows_and_keeps_nobody_waiting_once_it_has_gone() -> None:
    room, first, growing, whole = Room(64), object(), object(), object()
    assert room.take(first, 60)
    assert not room.reserve(whole, 24)
    assert not room.take(growing, 3)
    assert room.take(growing, 2), "what is small goes on"
    room.give_back(whole)
    assert room.take(growing, 1)
    room.give_back(first)
    assert room.reserve(whole, 61)
    room.settle(whole, 100)
    assert room.held == 103
    room.give_back(whole)
    room.give_back(growing)
    assert room.held == 0


def test_a_large_one_joins_small_ones_that_never_end_and_no_other_large_one() -> None:
    room, small = Room(64), [object() for _ in range(8)]
    assert all(room.take(each, 2) for each in small)
    assert room.reserve("large", 60)
    assert not room.reserve("another", 60)
    room.give_back("large")
    assert room.take("small too", 1)
    assert not room.reserve("another", 60)
    room.give_back("small too")
    assert room.reserve("another", 60)


def test_lines_of_two_transports_have_their_turns_by_who_waits_for_longest() -> None:
    room, first, ours, theirs = Room(64), object(), object(), object()
    assert room.take(first, 60)
    assert not room.reserve("large", 24, line=ours)
    assert not room.reserve("less", 3, line=theirs), "else one that needs more would never find room"
    room.settle(first, 20)
    assert not room.reserve("less", 3, line=theirs)
    assert room.reserve("large", 24, line=ours)
    assert room.reserve("less", 3, line=theirs)


def test_a_line_that_asks_no_more_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "_ASKED_S", 0.0)
    room = Room(64)
    assert room.take("first", 60)
    assert not room.reserve("large", 24, line="ours")
    assert room.reserve("less", 3, line="theirs")


def run(program: str, directory: Path) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_engine_answers_as_before_with_what_it_does_not_need_given_back(tmp_path: Path) -> None:
    before, after, *answers = run(
        """
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.footprint import give_back, resident
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
loaded(to_serve=True)
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


def test_what_is_freed_goes_back_to_the_system_though_others_lie_beside_it(tmp_path: Path) -> None:
    """As columns of a batch do between texts that stay; malloc by itself keeps blocks of up to 32 MiB."""
    program = """
import ctypes, os, re, threading
from otel_sessions.footprint import bound_allocators, resident
if {bound}:
    bound_allocators()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
def work():
    for _ in range(2):  # once a large block was freed, as large ones are kept
        blocks = []
        for _ in range(16):
            blocks.append(libc.malloc(8 << 20))
            ctypes.memset(blocks[-1], 1, 8 << 20)
            libc.malloc(1000)
        for block in blocks:
            libc.free(block)
threads = [threading.Thread(target=work) for _ in range(1)]
begin = resident()
for thread in threads:
    thread.start()
    thread.join()
print((resident() - begin) >> 20)
barrier = threading.Barrier(40)
def touch():
    libc.malloc(100)
    barrier.wait()
threads = [threading.Thread(target=touch) for _ in range(40)]
for thread in threads: thread.start()
for thread in threads: thread.join()
read, write = os.pipe()
libc.fdopen.restype = ctypes.c_void_p
file = libc.fdopen(write, b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
print(os.read(read, 1 << 20).decode().count("<heap nr="))
"""
    kept, arenas = map(int, run(program.replace("{bound}", "True"), tmp_path))
    assert kept < 16
    assert arenas <= 4
    assert int(run(program.replace("{bound}", "False"), tmp_path)[0]) > 32, "the test no longer shows what it is for"


def test_the_allocator_of_the_engine_gives_back_what_was_free_for_a_second(tmp_path: Path) -> None:
    program = """
import os
from otel_sessions.footprint import bound_allocators
os.environ["JE_MALLOC_CONF"] = "lg_tcache_max:14"
bound_allocators()
from otel_sessions.clickhouse.client import Endpoint, connect
client = connect(Endpoint.parse("chdb://./data"))
options = "SELECT extract(stats, 'opt.dirty_decay_ms: ([0-9]+)'), extract(stats, 'opt.tcache_max: ([0-9]+)')"
print(*client.query(f"{options} FROM system.jemalloc_stats").result_rows[0])
"""
    assert run(program, tmp_path) == ["1000", "16384"]


def test_where_the_system_does_not_tell_there_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert footprint.resident() == 0
    assert footprint.most_resident() > 1 << 20
