"""A service with a write-ahead log whose ClickHouse is away until a gate opens."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from otel_sessions.testing.otlp import new_span_id, new_trace_id, request, span
from tests.integration.gate import Gate
from tests.integration.running import ANSWER_S, ANY, Directory, Running, config, wait_until
from tests.integration.test_remote import endpoint, retry_delay_s

NOTE = "x" * 1000
_sessions = itertools.count()


@dataclass
class Away:
    """Sends to services of one log; `acked` are the spans that any of them has taken, all of one session."""

    directory: Directory
    clickhouse: Running
    gate: Gate
    database: str = "away"
    session: str = field(default_factory=lambda: f"session {next(_sessions)}")
    acked: list[str] = field(default_factory=list)

    def config(self, **queue: Any) -> str:
        keys = {"storage": "wal", "directory": str(self.directory.path / "log"), **queue}
        return config(endpoint(self.gate.address, self.database), sql=None, metrics=ANY, sending_queue=keys)

    def send(self, running: Running, spans: int = 20) -> grpc.RpcError | None:
        """Spans of a kilobyte each; the error of a sender that is to come back, None when they were taken."""
        ids = [new_span_id() for _ in range(spans)]
        made = [
            span(trace_id=new_trace_id(), span_id=id_, attributes={"session.id": self.session, "n": NOTE})
            for id_ in ids
        ]
        try:
            running.send(request(*made))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or not retry_delay_s(error):
                raise
            return error
        self.acked += ids
        return None

    def send_until_refused(self, running: Running) -> grpc.RpcError:
        return wait_until(lambda: self.send(running), ANSWER_S, lambda error: error is not None)  # type: ignore[return-value]

    def send_until_taken(self, running: Running) -> None:
        wait_until(lambda: self.send(running), ANSWER_S, lambda error: error is None)

    def stored(self) -> set[str]:
        if self.clickhouse.sql(f"EXISTS {self.database}.session_scores") == [[0]]:  # of the last migrations
            return set()
        query = f"SELECT SpanId FROM {self.database}.session_spans WHERE SessionId = {{s:String}}"
        return {id_ for (id_,) in self.clickhouse.sql(query, s=self.session)}

    def wait_until_stored(self) -> None:
        """Returns when just what was taken is stored."""
        wait_until(lambda: self.stored() ^ set(self.acked), ANSWER_S, lambda rest: not rest)


def segments(path: Path) -> list[Path]:
    return sorted(path.rglob("*.wal"))


@contextmanager
def tmpfs(size: str) -> Iterator[Path]:
    """A small disk; the test is skipped where it cannot be had.

    It is in none of pytest's directories: those of a run that was killed the next removes, and fails at a disk.
    """
    with tempfile.TemporaryDirectory(prefix="small-disk-", ignore_cleanup_errors=True) as path:
        _or_skip("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
        try:
            yield Path(path)
        finally:
            subprocess.run(["umount", "--lazy", path], check=True)


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """A directory in which nothing can be made or removed, not even by root; skipped where that cannot be had."""
    _or_skip("chattr", "+i", str(path))
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


def _or_skip(*command: str) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not there")
    if done.returncode:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")
