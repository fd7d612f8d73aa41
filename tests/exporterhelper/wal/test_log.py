"""The log: what was appended is there after a crash; its bounds; its disk's failures."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from otel_sessions.component import Request
from otel_sessions.errors import Permanent, Retryable
from otel_sessions.exporterhelper.config import SendingQueue
from otel_sessions.exporterhelper.wal import Log
from otel_sessions.exporterhelper.wal.frames import frame
from otel_sessions.exporterhelper.wal.segment import Writer


def broken(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


Open = Callable[..., Log]
ONE, TWO, THREE = Request(b"one" * 100, "default"), Request(b"two", "p"), Request(b"three" * 50, "default")


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Open]:
    """The log of the test's directory; closed at the end."""
    opened: list[Log] = []

    def open_log(**queue: object) -> Log:
        opened.append(Log(tmp_path / "log", SendingQueue.model_validate(queue)))
        opened[-1].open()
        return opened[-1]

    yield open_log
    for log in opened:
        log.close()


def opened(directory: Path) -> Log:
    log = Log(directory, SendingQueue())
    log.open()
    return log


def recovered(log: Log) -> list[Request]:
    found: list[Request] = []
    log.recover(found.extend)
    return found


def test_what_was_appended_is_recovered_in_order(open_log: Open) -> None:
    log = open_log()
    first = log.append([ONE, TWO])
    assert log.append([THREE]) is first
    assert log.seal() is first
    second = log.append([TWO])
    log.close()
    again = open_log()
    assert recovered(again) == [ONE, TWO, THREE, TWO]
    assert [segment.name for segment in again.sealed()] == [first.name, second.name]
    assert again.nbytes == first.nbytes + second.nbytes


def test_a_removed_segment_is_gone_and_its_name_never_comes_back(open_log: Open) -> None:
    log = open_log()
    names = set()
    for _ in range(3):
        names.add(log.append([ONE]).name)
        segment = log.seal()
        assert segment is not None
        log.remove(segment)
        log.close()
        log = open_log()
    assert len(names) == 3
    assert (log.sealed(), log.nbytes, recovered(log)) == ([], 0, [])


def test_a_tail_that_is_torn_at_any_byte_is_cut_off(tmp_path: Path) -> None:
    for number, cut in enumerate(range(len(frame(TWO)))):
        directory = tmp_path / str(number)
        log = opened(directory)
        segment = log.append([ONE])
        log.close()
        with segment.path.open("ab") as file:
            file.write(frame(TWO)[:cut])
        again = opened(directory)
        assert recovered(again) == [ONE]
        assert again.nbytes == segment.nbytes == segment.path.stat().st_size
        again.append([THREE])
        again.close()
        last = opened(directory)
        assert recovered(last) == [ONE, THREE]
        last.close()


def test_damage_is_told_and_costs_only_what_is_damaged(open_log: Open, caplog: pytest.LogCaptureFixture) -> None:
    log = open_log()
    for request in (ONE, TWO, THREE):
        segment = log.append([request])
    log.close()
    data = bytearray(segment.path.read_bytes())
    data[data.index(b"two")] ^= 1
    segment.path.write_bytes(bytes(data))
    assert recovered(open_log()) == [ONE, THREE]
    assert "the requests in them are lost" in caplog.text


def test_a_last_write_that_is_torn_in_its_midst_is_not_called_a_loss(
    open_log: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """Pages of one write reach the disk in any order; none of its requests was answered."""
    log = open_log()
    log.append([ONE])
    segment = log.append([TWO, THREE, ONE])
    log.close()
    data = bytearray(segment.path.read_bytes())
    at = data.index(b"three")
    data[at : at + 50] = bytes(50)
    segment.path.write_bytes(bytes(data))
    assert recovered(open_log()) == [ONE, TWO, ONE]
    assert "the last write is torn" in caplog.text
    assert "lost" not in caplog.text


def test_a_segment_without_requests_is_removed(open_log: Open, tmp_path: Path) -> None:
    open_log().close()
    Writer(tmp_path / "log", 7).close()
    (tmp_path / "log" / f"{8:016d}-torn.wal").write_bytes(b"otel")
    log = open_log()
    assert recovered(log) == []
    assert list((tmp_path / "log").glob("*.wal")) == []


def test_a_second_owner_is_refused_with_the_directory(open_log: Open, tmp_path: Path) -> None:
    open_log()
    with pytest.raises(Permanent, match=str(tmp_path / "log")):
        open_log()


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Permanent, match=r"write-ahead log .*file/log cannot be used"):
        opened(tmp_path / "file" / "log")


def test_it_is_full_at_max_bytes_and_room_returns(open_log: Open) -> None:
    log = open_log(max_bytes=900)
    log.append([ONE, ONE])
    with pytest.raises(Retryable, match="full") as raised:
        log.append([ONE])
    assert raised.value.retry_after > 0
    segment = log.seal()
    assert segment is not None
    log.remove(segment)
    log.append([ONE])


def test_nothing_is_taken_while_spans_have_waited_too_long(open_log: Open) -> None:
    log = open_log(max_age=0.05)
    log.append([ONE])
    time.sleep(0.1)
    with pytest.raises(Retryable, match="waited"):
        log.check_room(1)
    segment = log.seal()
    assert segment is not None
    log.remove(segment)
    log.append([ONE])


FULL_DISK = textwrap.dedent(
    """
    import resource, signal, sys, time
    from pathlib import Path
    from otel_sessions.component import Request
    from otel_sessions.errors import Retryable
    from otel_sessions.exporterhelper.wal import Log
    from otel_sessions.exporterhelper.config import SendingQueue

    log = Log(Path(sys.argv[1]), SendingQueue())
    log.open()
    log.append([Request(b"acked")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
    for refused in (Request(b"x" * 4950), Request(b"y" * 10000)):
        try:
            log.append([refused])
        except Retryable as error:
            print(error)
        time.sleep(1.1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.append([Request(b"acked later")])
    """
)


def test_a_disk_that_does_not_take_more_refuses_and_harms_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "log")]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert ended.stdout.count("cannot be written: File too large") == 2
    log = opened(tmp_path / "log")
    assert recovered(log) == [Request(b"acked"), Request(b"acked later")]
    log.close()


def test_what_cannot_be_written_is_refused_at_once_for_a_moment(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log()
    monkeypatch.setattr("os.fdatasync", broken)
    with pytest.raises(Retryable, match="Input/output error"):
        log.append([ONE])
    with pytest.raises(Retryable, match="Input/output error"):
        log.check_room(1)


def test_several_threads_may_append(open_log: Open) -> None:
    from concurrent.futures import ThreadPoolExecutor

    log = open_log()
    requests = [Request(str(number).encode()) for number in range(200)]

    def append(part: Sequence[Request]) -> None:
        log.append(part)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, [requests[i : i + 5] for i in range(0, 200, 5)]))
    log.close()
    assert sorted(recovered(open_log()), key=lambda request: int(request.body)) == requests


def test_a_recovered_segment_tells_when_its_first_request_came(open_log: Open) -> None:
    log = open_log()
    segment = log.append([ONE])
    time.sleep(0.5)
    log.append([TWO])
    log.close()
    again = open_log()
    (found,) = again.sealed()
    assert abs(found.began - segment.began) < 0.4
    assert again.oldest == found.began


def test_the_oldest_waits_longest_whatever_is_stored_first(open_log: Open) -> None:
    log = open_log()
    first = log.append([ONE])
    assert log.oldest == first.began
    log.seal()
    second = log.append([TWO])
    log.seal()
    log.remove(second)
    assert log.oldest == first.began
    log.keep(first)
    assert log.oldest is None


def test_a_segment_of_the_first_format_is_read(open_log: Open, tmp_path: Path) -> None:
    open_log().close()
    old = b"otel-sessions wal 1\n" + b"".join(frame(each, first=False) for each in (ONE, TWO))
    (tmp_path / "log" / f"{7:016d}-0123456789abcdef.wal").write_bytes(old)
    log = open_log()
    assert recovered(log) == [ONE, TWO]
    assert log.append([THREE]).number > 10**12
