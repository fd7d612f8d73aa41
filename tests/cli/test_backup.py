"""`backup` of a service that goes on taking spans, and `restore` into another place."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner

from otel_sessions.cli.app import app
from otel_sessions.testing.otlp import new_span_id, request, span
from tests.integration.running import ANSWER_S, WAL, Directory, Running, command, config, wait_until


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    directory = Directory(tmp_path_factory.mktemp("backup"))
    yield directory
    directory.close()


class Senders:
    """Two that send until `stop`: a child, and then both spans of its trace; `answered` are those, in that order."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._stopped = threading.Event()
        self.answered: list[str] = []
        self.refused: list[grpc.RpcError] = []
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(2)]
        for thread in self._threads:
            thread.start()

    def _send(self, number: int) -> None:
        turn = 0
        while not self._stopped.is_set():
            turn += 1
            root = span(span_id=new_span_id(), attributes={"session.id": f"session {number} {turn % 7}"})
            child = span("child", parent=root, attributes={"turn": turn})
            try:
                self._running.send(request(child))
                self._running.send(request(root, child))
            except grpc.RpcError as error:
                self.refused.append(error)
            else:
                self.answered += [root.span_id.hex(), child.span_id.hex()]

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(ANSWER_S)


@pytest.fixture(scope="module")
def saved(directory: Directory) -> set[str]:
    """What was answered before a backup under load began, most of it still in the log; it is in `saved`."""
    slow = {**WAL, "batch": {"flush_timeout": "10s"}}
    running = directory.start(config(directory.data(), sending_queue=slow))
    running.send(request(span("first", attributes={"session.id": "first"})))
    senders = Senders(running)
    wait_until(lambda: len(senders.answered), ANSWER_S, lambda count: count > 300)
    answered = set(senders.answered)
    at = f"exporters.clickhouse.endpoint={directory.data()}"
    done = command("backup", "saved", "--set", at, "--json", cwd=directory.path)
    senders.stop()
    assert (done.returncode, senders.refused) == (0, []), done.stderr
    assert len(senders.answered) > len(answered), "nothing came meanwhile"
    assert json.loads(done.stdout)["bytes"] > 0
    assert running.stop() == 0
    return answered


def test_what_was_answered_before_a_backup_began_is_there_after_a_restore(
    directory: Directory, saved: set[str]
) -> None:
    to = f"exporters.clickhouse.endpoint={directory.data('restored')}"
    done = command("restore", "data-backups/saved", "--set", to, cwd=directory.path)
    assert done.returncode == 0, done.stderr
    assert "they are what the spans say" in done.stdout
    again = directory.start(config(directory.data("restored"), sending_queue=WAL))
    stored = "SELECT DISTINCT SpanId FROM session_spans"
    wait_until(lambda: {id_ for (id_,) in again.sql(stored)}, ANSWER_S, lambda found: saved <= found)
    sums = "SELECT sum(SpanCount), (SELECT uniqExact(TraceId, SpanId) FROM otel_traces) FROM sessions"
    wait_until(lambda: again.sql(sums)[0], ANSWER_S, lambda found: found[0] == found[1])
    assert again.stop() == 0


def refused(*arguments: str, data: str) -> str:
    """Why a command did nothing."""
    told = CliRunner().invoke(app, [*arguments, "--set", f"exporters.clickhouse.endpoint={data}"])
    assert told.exit_code == 1
    return told.stderr


@pytest.mark.usefixtures("saved")
def test_a_restore_goes_only_where_there_is_nothing(directory: Directory) -> None:
    saved, others = str(directory.path / "data-backups" / "saved"), directory.path / "others"
    assert "has data" in refused("restore", saved, data=directory.data())
    waiting = directory.path / "others-wal" / "clickhouse" / "traces"
    waiting.mkdir(parents=True)
    (waiting / "0000000000000001-a.wal").write_bytes(b"")
    assert "requests wait in" in refused("restore", saved, data=f"chdb://{others}")
    assert not others.exists()


@pytest.mark.usefixtures("saved")
def test_a_backup_goes_only_into_a_directory_of_its_own_and_is_one_only_when_it_is_whole(directory: Directory) -> None:
    saved, broken = directory.path / "data-backups" / "saved", directory.path / "data-backups" / "broken"
    assert "name a directory that is not there" in refused("backup", str(saved), data=directory.data())
    elsewhere = directory.path / "elsewhere"
    for outside in (elsewhere, directory.path / "data-backups", saved.parent / ".." / "elsewhere"):
        assert "where alone backups are written" in refused("backup", str(outside), data=directory.data())
    assert not elsewhere.exists()
    assert "is a server" in refused("backup", str(broken), data="http://127.0.0.1:1/otel")
    (broken / "clickhouse").mkdir(parents=True)
    assert "is no backup" in refused("restore", str(broken), data=directory.data("no"))
    assert not (directory.path / "no").exists()


def test_the_engine_itself_writes_backups_nowhere_else(directory: Directory) -> None:
    running = directory.start(config(directory.data("open"), read_only=False))

    def backup(place: Path) -> int:
        return running.get("clickhouse_http", "/", f"BACKUP DATABASE otel TO File('{place}')")[0]

    assert backup(directory.path / "of-the-machine") != 200
    assert backup(directory.path / "open-backups" / "one") == 200
    assert not (directory.path / "of-the-machine").exists()
    assert running.stop() == 0
