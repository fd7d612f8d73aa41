"""The write-ahead log of a service whose ClickHouse is away: when it takes no more, what it says, how it heals."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.away import Away, immutable, segments, tmpfs
from tests.integration.gate import gate
from tests.integration.running import ANSWER_S, Directory, Running, config, wait_until

WAL = "clickhouse/wal"


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = Directory(tmp_path_factory.mktemp("clickhouse"))
    running = directory.start(config(directory.data(), read_only=False))
    yield running
    assert running.stop() == 0


@pytest.fixture
def away(directory: Directory, clickhouse: Running) -> Iterator[Away]:
    with gate(clickhouse.endpoints["clickhouse_http"]) as made:
        yield Away(directory, clickhouse, made)


def test_a_full_disk_turns_senders_away_until_there_is_room_again(away: Away) -> None:
    with tmpfs("1m") as small:
        running = away.directory.start(away.config(directory=str(small)))
        assert "No space left" in str(away.send_until_refused(running).details())
        assert str(small) in running.problems()[WAL]
        assert running.metric("otelcol_exporter_enqueue_failed_spans") > 0
        assert running.metric("otelcol_receiver_refused_requests") > 0
        kept = len(away.acked)
        assert running.metric("otelcol_receiver_accepted_spans") == kept > 0

        away.gate.open()
        away.wait_until_stored()
        # Nobody sends: what asks for health before it sends must learn that all is well.
        wait_until(running.problems, ANSWER_S, lambda problems: not problems)
        away.send_until_taken(running)
        away.wait_until_stored()
        assert running.stop() == 0


def test_a_disk_that_fails_while_the_service_runs_is_used_again_when_it_works(away: Away) -> None:
    running = away.directory.start(away.config())
    away.send_until_taken(running)
    with immutable(segments(away.directory.path)[0].parent):
        assert "cannot be written" in str(away.send_until_refused(running).details())
        assert str(away.directory.path / "log") in running.problems()[WAL]
    away.send_until_taken(running)
    assert WAL not in running.problems()
    away.gate.open()
    away.wait_until_stored()
    assert running.stop() == 0


def test_stored_segments_that_cannot_be_removed_count_once(away: Away) -> None:
    running = away.directory.start(away.config())
    away.send_until_taken(running)
    with immutable(segments(away.directory.path)[0].parent):
        away.gate.open()
        away.wait_until_stored()
        running.kill()
    running = away.directory.start(away.config())
    wait_until(lambda: segments(away.directory.path), ANSWER_S, lambda left: not left)
    assert sorted(away.stored()) == sorted(away.acked)
    assert running.stop() == 0


def test_a_read_only_directory_is_a_clear_error_at_the_start(away: Away) -> None:
    with tmpfs("1m") as path:
        subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
        status, errors = away.directory.refused(away.config(directory=str(path)))
    assert status == 2
    assert str(path) in errors
    assert "is not writable" in errors
    assert "Traceback" not in errors


def test_two_services_cannot_have_one_log(away: Away) -> None:
    running = away.directory.start(away.config())
    status, errors = away.directory.refused(away.config())
    assert status == 1
    assert str(away.directory.path / "log") in errors
    assert f"process {running.process.pid}" in errors
    assert "Traceback" not in errors
    away.send_until_taken(running)
    away.gate.open()
    away.wait_until_stored()
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("bound", "reason"), [({"max_bytes": 200_000}, "full"), ({"max_age": "1s"}, "have waited")], ids=["bytes", "age"]
)
def test_a_log_at_its_bound_turns_senders_away_until_there_is_room_again(
    away: Away, bound: dict[str, Any], reason: str
) -> None:
    running = away.directory.start(away.config(**bound))
    assert reason in str(away.send_until_refused(running).details())
    assert running.metric("otelcol_receiver_refused_requests") > 0
    assert sum(path.stat().st_size for path in segments(away.directory.path)) <= bound.get("max_bytes", 2**30)
    away.gate.open()
    away.send_until_taken(running)
    away.wait_until_stored()
    assert running.stop() == 0


def test_SIGTERM_while_ClickHouse_is_away_keeps_the_log_for_the_next_start(away: Away) -> None:
    running = away.directory.start(away.config())
    for _ in range(5):
        away.send_until_taken(running)
    begin = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - begin < 27  # of 30 that it might take
    assert segments(away.directory.path)
    away.gate.open()
    running = away.directory.start(away.config())
    away.wait_until_stored()
    assert running.stop() == 0


def test_SIGTERM_stores_what_is_in_the_log(away: Away) -> None:
    away.gate.open()
    running = away.directory.start(away.config(batch={"flush_timeout": "10s"}))
    for _ in range(5):
        away.send_until_taken(running)
    assert segments(away.directory.path)
    assert running.stop() == 0
    assert not segments(away.directory.path)
    assert sorted(away.stored()) == sorted(away.acked)
