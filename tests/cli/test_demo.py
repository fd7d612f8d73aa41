from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
from pathlib import Path

from otel_sessions.lock import DataLock
from tests.cli.conftest import launched
from tests.integration.running import command

TOPICS = ("sizing", "returns", "hut-tour", "invoice", "warranty")


def demo(directory: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return command("demo", *more, cwd=directory)


def test_it_shows_its_sessions_and_exits_and_a_second_run_adds_to_them(tmp_path: Path) -> None:
    for _ in range(2):
        done = demo(tmp_path, "--once")
        assert (done.returncode, done.stderr) == (0, "")
        assert "Sent 86 spans of 5 sessions" in done.stdout
        assert "\x1b" not in done.stdout
        for topic in TOPICS:
            assert re.search(rf"^{topic}-[0-9a-f]{{4}} ", done.stdout, re.MULTILINE)
        assert "curl" not in done.stdout  # nobody listens any more
    steps = re.findall(r"(?:sessions (?:list|show .*)|query \".*\")$", done.stdout, re.MULTILINE)
    assert [step.split()[0] for step in steps] == ["sessions", "sessions", "query"]
    for step in steps:
        again = command(*shlex.split(step), cwd=tmp_path)
        assert (again.returncode, "hut-tour-" in again.stdout) == (0, True), again.stderr
    listed = command("sessions", "list", "--json", cwd=tmp_path).stdout
    assert len(json.loads(listed)) == 2 * len(TOPICS)


def test_it_serves_until_it_is_interrupted_and_taken_ports_are_replaced(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 13133))
            taken.listen()
        except OSError:
            pass  # taken already, by somebody else
        with launched("demo", cwd=tmp_path) as process:
            assert process.stdout is not None
            seen = []
            for line in process.stdout:
                seen.append(line)
                if line.startswith("Serving until Ctrl-C"):
                    break
            assert any(line.startswith("127.0.0.1:13133 is taken") for line in seen)
            curl = next(line for line in seen if "curl" in line)
            address = re.search(r"curl http://([^ ]+)", curl)
            assert address is not None
            host, port = address[1].split(":")
            with socket.create_connection((host, int(port)), timeout=60):
                pass
            again = demo(tmp_path, "--once")
            assert again.returncode == 1
            assert "run the demo in another directory" in again.stderr
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def test_data_in_use_are_left_alone(tmp_path: Path) -> None:
    lock = DataLock(tmp_path / "otel-sessions-data")
    try:
        done = demo(tmp_path, "--once")
    finally:
        lock.release()
    assert (done.returncode, done.stdout) == (1, "")
    assert "in use by process" in done.stderr
