"""Scores on their way: in the background, bounded, tried again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from otel_sessions.sdk import scores
from otel_sessions.sdk.scores import Scores
from tests.sdk.receiver import Receiver, receiving

WAIT_S = 30.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def sender(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Scores:
    monkeypatch.setattr(scores, "_FIRST_WAIT_S", 0.001)
    made = Scores()
    made.url = receiver.url
    return made


def test_they_are_posted_with_the_headers_of_the_exporter(
    receiver: Receiver, sender: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc, x-other=1")
    sender.put({"name": "csat", "value": 1})
    assert sender.flush(WAIT_S)
    ((path, body, headers),) = receiver.posts
    assert (path, body) == ("/api/public/scores", {"name": "csat", "value": 1})
    assert headers["Authorization"] == "Basic abc"


def test_one_that_is_not_taken_is_sent_again_but_not_for_ever(
    receiver: Receiver, sender: Scores, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [503, 429, 200]
    sender.put({"name": "again"})
    assert sender.flush(WAIT_S)
    assert [body["name"] for _, body, _ in receiver.posts] == ["again"] * 3
    receiver.answers = [500] * 4
    sender.put({"name": "never"})
    assert sender.flush(WAIT_S)
    assert len(receiver.posts) == 7
    assert "it is dropped" in caplog.text


def test_one_that_is_refused_is_not_sent_again(
    receiver: Receiver, sender: Scores, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [400]
    sender.put({"name": "bad"})
    sender.put({"name": "good"})
    assert sender.flush(WAIT_S)
    assert [body["name"] for _, body, _ in receiver.posts] == ["bad", "good"]
    assert "HTTP 400" in caplog.text


def test_nobody_answering_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "_FIRST_WAIT_S", 0.001)
    sender = Scores()
    sender.url = "http://127.0.0.1:9"
    sender.put({"name": "lost"})
    assert not sender.flush(WAIT_S)
    sender._waiting.join()  # so that its last words are not in the log of the next test


def test_who_speaks_no_http_harms_nobody(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(scores, "_FIRST_WAIT_S", 0.001)

    def answer(server: socket.socket) -> None:
        for _ in range(5):  # four attempts, and one that only asks whether somebody listens
            connection = server.accept()[0]
            with connection, suppress(OSError):
                connection.recv(65_536)
                connection.sendall(b"not HTTP\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        sender = Scores()
        sender.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        sender.put({"name": "lost"})
        assert sender.flush(WAIT_S)
        thread.join()
    assert [record.exc_info for record in caplog.records] == [None]
    assert "it is dropped" in caplog.text


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    hold = threading.Event()
    monkeypatch.setattr(Scores, "_post", lambda self, score: hold.wait(WAIT_S))
    monkeypatch.setattr(scores, "listens", lambda endpoint: True)
    sender = Scores()
    for number in range(scores.MAX_WAITING + 10):
        sender.put({"number": number})
    assert "too many wait" in caplog.text
    assert not sender.flush(0.05)
    hold.set()
    assert sender.flush(WAIT_S)


@pytest.mark.parametrize(
    ("endpoint", "base"),
    [
        (None, "http://localhost:4318"),
        ("http://collector:4317", "http://collector:4318"),
        ("collector:4317", "http://collector:4318"),
        ("https://host:4318/v1/traces", "https://host:4318"),
        ("https://host/base", "https://host/base"),
        ("http://[::1]:4317/", "http://[::1]:4318"),
    ],
)
def test_they_go_beside_the_spans(endpoint: str | None, base: str) -> None:
    assert scores._beside(endpoint) == base


def test_at_the_end_nobody_is_waited_for_who_does_not_listen(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scores, "_FIRST_WAIT_S", 0.1)
    sender = Scores()
    sender.url = "http://127.0.0.1:9"
    sender.put({"name": "lost"})
    before = time.monotonic()
    sender.close(WAIT_S)
    assert time.monotonic() - before < WAIT_S / 2
    assert "nobody answers" in caplog.text
    sender._waiting.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_a_process_that_was_forked_sends_its_own_scores_only(receiver: Receiver) -> None:
    program = f"""
import os
from otel_sessions.sdk.scores import SCORES
SCORES.url = {receiver.url!r}
SCORES.put({{"name": "parent"}})
pid = os.fork()
if not pid:
    SCORES.put({{"name": "child"}})
    os._exit(not SCORES.flush(30))
assert os.waitpid(pid, 0)[1] == 0
assert SCORES.flush(30)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=100)
    assert sorted(body["name"] for _, body, _ in receiver.posts) == ["child", "parent"]
