"""A line in the log for whatever is refused, once a minute, with who, how much, why and what to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection

import pytest
from google.rpc.status_pb2 import Status
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.component import Host
from otel_sessions.http.refusals import _ADVICE, _BY_PEOPLE
from otel_sessions.http.server import HttpServer
from otel_sessions.telemetry import LimitedLog, Metrics
from otel_sessions.types import HostPort
from tests.integration.running import eventually
from tests.logged import told_by

LOGGER = logging.getLogger("otel_sessions.tests")
REFUSED = [status.value for status in HTTPStatus if status >= 400]
KINDS = {
    "text": lambda status: Response(f"no, {status}", status),
    "problem": lambda status: JSONResponse({"detail": f"no, {status}"}, status, media_type="application/problem+json"),
    "langfuse": lambda status: JSONResponse({"message": f"no, {status}"}, status),
    "otlp": lambda status: Response(
        Status(message=f"no, {status}").SerializeToString(), status, media_type="application/x-protobuf"
    ),
}


async def app(scope, receive, send):  # type: ignore[no-untyped-def]
    request = Request(scope, receive)
    request.state.project = "shop"
    _, kind, status = scope["path"].split("/")
    await KINDS[kind](int(status))(scope, receive, send)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = HttpServer(app, HostPort("127.0.0.1", 0), HOST, name="web", path="extensions.web.endpoint")
    server.start()
    yield server.endpoints["web"]
    server.shutdown(5)


HOST = Host(Metrics())


def asked(address: str, method: str, path: str, body: bytes = b"12345") -> None:
    connection = HTTPConnection(address, timeout=30)
    connection.request(method, path, body)
    connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_says_who_how_much_why_and_what_to_do(address: str, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    HOST.metrics.refusals._told.clear()
    for status in REFUSED:
        asked(address, "POST", f"/{kind}/{status}")
    lines = [record.message for record in caplog.records if record.name == "otel_sessions.refused"]
    assert len(lines) == len(REFUSED)
    for status, line in zip(REFUSED, lines, strict=True):
        begins = (
            f"127.0.0.1 is refused over web (POST /{kind}/{status}, project shop, 5 bytes): {status} no, {status}; "
        )
        assert line.startswith(begins)
        is_theirs = kind == "problem" and status < 500 and status not in (401, 403, 429)
        assert line.removeprefix(begins) in ([_BY_PEOPLE] if is_theirs else _ADVICE.values())


def test_a_question_that_is_wrong_is_the_business_of_who_asks(address: str, caplog: pytest.LogCaptureFixture) -> None:
    HOST.metrics.refusals._told.clear()
    for status in (*REFUSED, 200):
        asked(address, "GET", f"/text/{status}", b"")
    told = [record.message.partition(": ")[2][:3] for record in caplog.records if "is refused" in record.message]
    assert told == ["401", "413", "429", "503"]


def test_what_comes_again_is_counted_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = LimitedLog(LOGGER, lambda: now[0])
    for second in range(200):
        now[0] = second
        log.tell("a", "first of a" if second == 0 else "another")
        if second == 150:
            log.tell("b", "first of b")
    assert told_by(caplog, LOGGER.name) == [
        "first of a",
        "59 more in 60 s: first of a",
        "60 more in 60 s: first of a",
        "first of b",
        "60 more in 60 s: first of a",
    ]


def test_of_very_many_clients_those_beyond_a_number_are_counted_together(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = LimitedLog(LOGGER, lambda: now[0])
    for number in range(3000):
        log.tell(str(number), f"client {number}")
    assert len(told_by(caplog, LOGGER.name)) == 1025
    now[0] = 60
    log.flush()
    assert told_by(caplog, LOGGER.name)[-1] == "1975 more in 60 s: of others that are not named"


def test_a_count_is_told_although_nothing_more_comes(caplog: pytest.LogCaptureFixture) -> None:
    here = threading.current_thread()
    log = LimitedLog(LOGGER, lambda: 0.0 if threading.current_thread() is here else 0.05, every_s=0.05)
    log.tell("a", "line")
    log.tell("a", "line")
    eventually(lambda: told_by(caplog, LOGGER.name), ["line", "1 more in 0.05 s: line"])
    log.flush()
    assert len(told_by(caplog, LOGGER.name)) == 2


def test_what_was_counted_is_told_at_the_end_and_nothing_after_it(caplog: pytest.LogCaptureFixture) -> None:
    log = LimitedLog(LOGGER)
    for line in ("a", "a", "a", "b"):
        log.tell(line, line)
    timer = log._timer
    assert timer is not None
    log.close()
    timer.join(30)
    log.close()
    assert told_by(caplog, LOGGER.name) == ["a", "b", "2 more until the end: a"]
