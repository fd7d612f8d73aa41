"""The same spans, however they are delivered to whatever service, give the same bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sessions.testing.otlp import START, ResourceSpans, Span, Value, request, resource_spans, span
from tests.integration.running import ANSWER_S, VIEWS, Directory, Running, config, wait_until

MINUTE = 60_000_000_000


def one_trace(rnd: random.Random, number: int) -> list[ResourceSpans]:
    """A chat turn of two services; its session id stands on one span or another, on a resource, or nowhere."""
    trace_id = f"{number + 1:032x}"
    start = START + rnd.randrange(5) * MINUTE
    place = rnd.choice(["root", "root", "child", "resource", "all", "nowhere"])
    session = f"session {rnd.randrange(4)}"
    spans: list[Span] = []
    for n in range(rnd.randrange(2, 6)):
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": rnd.choice(["chat", "execute_tool"]),
            "gen_ai.request.model": rnd.choice(["small", "large"]),
            "gen_ai.usage.input_tokens": rnd.randrange(100),
            "gen_ai.usage.output_tokens": rnd.randrange(100),
            "gen_ai.usage.cost": rnd.randrange(1000) / 1e5,
            "gen_ai.conversation.id": f"conversation {rnd.randrange(3)}",
            "user.id": f"user {rnd.randrange(3)}",
            "input.value": f"question {n}",
            "output.value": f"answer {n}",
        }
        if rnd.random() < 0.7:
            del attributes["gen_ai.conversation.id"]
        if place == "all" or (place == "root" and n == 0) or (place == "child" and n == 1):
            attributes["session.id"] = session
        spans.append(
            span(
                rnd.choice(["ask", "think", "answer"]),
                trace_id=trace_id,
                span_id=f"{number * 100 + n + 1:016x}",
                parent=spans[0].span_id if spans else "",
                start=start + rnd.randrange(3),
                end=start + rnd.randrange(10**9),
                attributes=attributes,
                status=rnd.choice(["Ok", "Unset", "Error"]),
            )
        )
    claim: dict[str, Value] = {"session.id": session} if place == "resource" else {}
    services = (("web", spans[:2], {}), ("model", spans[2:], claim))
    return [
        resource_spans(*part, resource={"service.name": service, **more}) for service, part, more in services if part
    ]


def requests(seed: int) -> list[bytes]:
    """Requests of one or a few resources each; a trace may go over several."""
    rnd = random.Random(seed)
    parts = [part for number in range(15) for part in one_trace(rnd, number)]
    rnd.shuffle(parts)
    found = []
    while parts:
        size = rnd.randint(1, 8)
        found.append(request(*parts[:size]).SerializeToString())
        parts = parts[size:]
    return found


class Store:
    """Where a service stores its spans: in a database of its own, in its process or in that of `remote`."""

    def __init__(self, name: str, directory: Directory, remote: Running | None) -> None:
        self._name = f"{directory.path.name}_{name}".replace("-", "_")
        self._directory = directory
        self._remote = remote

    def start(self) -> Running:
        if self._remote is None:
            return self._directory.start(config(self._directory.data(self._name)))
        return self._directory.start(
            config(f"http://{self._remote.endpoints['clickhouse_http']}/{self._name}", sql=None)
        )

    def views(self, running: Running) -> tuple[bytes, ...]:
        """All of the sessions, in order, byte for byte."""
        asked, database = (running, "otel") if self._remote is None else (self._remote, self._name)
        return tuple(
            asked.text(f"SELECT * FROM {database}.{view} ORDER BY ALL", "TSVWithNamesAndTypes") for view in VIEWS
        )


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """Where services run as users have them: what is compiled gives the same bytes too."""
    directory = Directory(tmp_path, compiles=True)
    yield directory
    directory.close()


@pytest.mark.parametrize("engine", ["embedded", "remote"], indirect=True, scope="session")
def test_twice_or_in_another_order_gives_the_same_bytes(
    directory: Directory, engine: str, request: pytest.FixtureRequest
) -> None:
    remote = request.getfixturevalue("remote_clickhouse") if engine == "remote" else None
    one, other = Store("once", directory, remote), Store("again", directory, remote)
    bodies = requests(seed=20)
    shuffled = random.Random(1).sample(bodies, len(bodies))
    once, again = one.start(), other.start()
    for body in bodies:
        once.send(body)
    for body in (*shuffled, *reversed(shuffled)):
        again.send(body)
    wait_until(lambda: one.views(once) == other.views(again), ANSWER_S)
    assert again.stop() == 0
    before = one.views(once)
    assert before[0].count(b"\n") >= 2 + 4  # names, types, and sessions

    for body in bodies:
        once.send(body)
    assert one.views(once) == before
    assert once.stop() == 0
    # What one service leaves behind is final: nothing changes the figures after a restart.
    restarted = other.start()
    assert other.views(restarted) == before
    assert restarted.stop() == 0
