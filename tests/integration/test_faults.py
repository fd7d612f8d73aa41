"""A ClickHouse behind a network that fails: what was acknowledged is stored, each span once, when the fault is over."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.testing.otlp import new_trace_id, request, span
from tests.integration import faults
from tests.integration.faulty import Fault, Proxy
from tests.integration.running import ANSWER_S, WAL, Directory, Running, config, wait_until

INSERT = "INSERT INTO otel_traces"
SETTINGS = {
    "sending_queue": WAL,
    "retry_on_failure": {"initial_interval": "50ms", "max_interval": "200ms"},
    "timeout": "1s",
}
_sessions = itertools.count()


class Scene:
    """A service whose way to its ClickHouse leads through a proxy."""

    def __init__(self, clickhouse: Running, directory: Directory, database: str) -> None:
        self.clickhouse = clickhouse
        self.database = database
        self.proxy = Proxy(clickhouse.endpoints["clickhouse_http"])
        endpoint = f"http://{self.proxy.address}/{database}"
        # what has no claim is stored at once, as what comes later then has to be put right
        self.service = directory.start(config(endpoint, sql=None, claim_wait="0s", **SETTINGS))

    def sql(self, query: str, **parameters: str) -> list[list[object]]:
        return self.clickhouse.sql(query.replace("FROM ", f"FROM {self.database}."), **parameters)

    def spans(self, session: str) -> int:
        """How many the session has."""
        found = self.sql("SELECT SpanCount FROM sessions WHERE SessionId = {s:String}", s=session)
        return int(str(found[0][0])) if found else 0

    def rows(self, session: str) -> int:
        """How many rows there are for them."""
        return int(str(self.sql("SELECT count() FROM otel_traces WHERE SessionHint = {s:String}", s=session)[0][0]))

    def send(self, session: str) -> None:
        """A trace of three spans; returns when they are acknowledged."""
        root = trace_root(session)
        self.service.send(request(root, span(parent=root), span(parent=root)))

    def problems(self) -> dict[str, str]:
        """What health says that is wrong."""
        found: dict[str, str] = json.loads(self.service.get("health_check", "/")[1]).get("problems", {})
        return found

    def is_well(self) -> None:
        wait_until(self.problems, ANSWER_S, lambda problems: not problems)


def trace_root(session: str) -> Span:
    return span("root", trace_id=new_trace_id(), attributes={"session.id": session})


@pytest.fixture(scope="module")
def scene(remote_clickhouse: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for the module: a service must get over one fault after another."""
    scene = Scene(remote_clickhouse, Directory(tmp_path_factory.mktemp("faults")), "faults")
    yield scene
    assert scene.service.process.poll() is None, scene.service.log.read_text()
    assert scene.service.stop() == 0
    scene.proxy.close()


@pytest.fixture
def session(scene: Scene) -> str:
    return f"session {next(_sessions)}"


# What happens to inserts, and what health says of it.
FAULTS: dict[str, tuple[Fault, str]] = {
    "reset before the request": (faults.resets(), "inserting into"),
    "reset within the request": (faults.resets(after=100), "inserting into"),
    "no answer": (faults.hangs, "timed out"),
    "half closed": (faults.half_closes, "inserting into"),
    "answer lost": (faults.loses_the_answer, "inserting into"),
    "too many parts": (faults.answers(252, "TOO_MANY_PARTS"), "TOO_MANY_PARTS"),
    "out of memory": (faults.answers(241, "MEMORY_LIMIT_EXCEEDED"), "MEMORY_LIMIT_EXCEEDED"),
    "busy": (faults.answers(202, "TOO_MANY_SIMULTANEOUS_QUERIES", 503), "TOO_MANY_SIMULTANEOUS"),
    "password changed": (faults.answers(516, "AUTHENTICATION_FAILED", 403), "AUTHENTICATION_FAILED"),
    "no such table": (faults.answers(60, "UNKNOWN_TABLE", 404), "otel-sessions migrate"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_sent_through_a_fault_is_stored_once(scene: Scene, session: str, fault: str) -> None:
    strikes, reason = FAULTS[fault]
    attempts = scene.proxy.count(INSERT)
    scene.proxy.fails(strikes, only=INSERT)
    for _ in range(3):
        scene.send(session)
    wait_until(scene.problems, ANSWER_S, lambda problems: reason in problems.get("clickhouse", ""))
    wait_until(lambda: scene.proxy.count(INSERT) - attempts, ANSWER_S, lambda count: count >= 3)
    scene.proxy.lift()
    wait_until(lambda: scene.spans(session), ANSWER_S, lambda count: count == 9)
    scene.is_well()
    assert scene.rows(session) == 9


def test_a_server_that_is_gone_for_a_while_gets_what_came_meanwhile(scene: Scene, session: str) -> None:
    scene.send(session)
    wait_until(lambda: scene.spans(session), ANSWER_S, lambda count: count == 3)
    scene.proxy.refuse()
    scene.send(session)
    wait_until(scene.problems, ANSWER_S, lambda problems: "refused" in problems.get("clickhouse", ""))
    scene.proxy.accept()
    wait_until(lambda: scene.spans(session), ANSWER_S, lambda count: count == 6)
    scene.is_well()
    assert scene.rows(session) == 6


def test_what_the_driver_repeats_by_itself_is_stored_once(scene: Scene, session: str) -> None:
    attempts = scene.proxy.count(INSERT)
    scene.proxy.fails(faults.loses_the_answer, requests=1, only=INSERT)
    scene.send(session)
    wait_until(lambda: scene.spans(session), ANSWER_S, lambda count: count == 3)
    wait_until(lambda: scene.proxy.count(INSERT) - attempts, ANSWER_S, lambda count: count >= 2)
    scene.is_well()
    assert scene.rows(session) == 3


@pytest.mark.parametrize("fault", [faults.cuts_the_answer, faults.answers(241, "MEMORY_LIMIT_EXCEEDED"), faults.hangs])
def test_a_late_claim_gets_through_when_the_fault_is_over(scene: Scene, session: str, fault: Fault) -> None:
    root = trace_root(session)
    scene.proxy.fails(fault, only="_trace_claims")
    for late in (span(parent=root), span(parent=root), root):
        scene.service.send(request(late))
        wait_until(lambda late=late: stored(scene, late), ANSWER_S)
    if fault is not faults.hangs:
        wait_until(scene.problems, ANSWER_S, lambda problems: "clickhouse/attribution" in problems)
    scene.proxy.lift()
    wait_until(lambda: scene.spans(session), ANSWER_S, lambda count: count == 3)
    scene.is_well()


def stored(scene: Scene, late: Span) -> bool:
    query = "SELECT count() FROM otel_traces WHERE SpanId = {s:String}"
    return scene.sql(query, s=late.span_id.hex()) == [[1]]


def test_a_service_ends_in_time_while_clickhouse_hangs_and_the_next_one_stores_the_rest(
    remote_clickhouse: Running, directory: Directory
) -> None:
    scene = Scene(remote_clickhouse, directory, "hanging")
    scene.proxy.fails(faults.hangs, only=INSERT)
    scene.send("kept")
    wait_until(lambda: scene.proxy.count(INSERT), ANSWER_S)
    assert scene.service.stop() == 0
    scene.proxy.lift()
    scene.service = directory.start(config(f"http://{scene.proxy.address}/hanging", sql=None, **SETTINGS))
    wait_until(lambda: scene.spans("kept"), ANSWER_S, lambda count: count == 3)
    assert scene.service.stop() == 0
    scene.proxy.close()
