"""What was said before a page of a replay: the same wherever pages begin, whatever is remembered, in bounds."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_sessions.errors import Retryable
from otel_sessions.queries import detail, history
from otel_sessions.queries.history import History, Memory
from otel_sessions.queries.replay import turns
from otel_sessions.testing.otlp import Attributes
from tests.examples import examples
from tests.integration.delivery import new_project
from tests.queries.test_replay import chat, pages, said, store, talk, turn

Marks = dict[str, list[int]]
"""Of each turn how much each of its steps repeats."""


def marks(page: dict[str, Any]) -> Marks:
    return {each["trace_id"]: [step["repeated"] for step in each["steps"]] for each in page["turns"]}


def from_the_start(client: Client, project: str) -> Marks:
    [whole] = pages(client, project, 1_000)
    return marks(whole)


def beginning_with(client: Client, project: str, number: int, limit: int, memory: Memory | None) -> Marks:
    """The marks of the page that begins with the turn of this number."""
    place = detail.place_of_turn(client, project=project, session_id="s", trace_id=f"{number + 1:032x}")
    assert place is not None
    page = turns(client, project=project, session_id="s", limit=limit, cursor=place[0], memory=memory)
    assert len(page["turns"]) > 0
    return marks(page)


def store_late(client: Client, project: str, late: Span) -> None:
    """Stores a span behind the others of its trace, which says itself of which session it is."""
    named = late.attributes.add()
    named.key, named.value.string_value = "session.id", "s"
    store(client, project, late)


def random_turn(number: int, heard: list[Any], chance: random.Random) -> list[Span]:
    """A turn of steps that say again what was said, all of it or some; some fail, some say nothing."""
    steps: list[tuple[str, Attributes]] = []
    for _ in range(chance.randint(1, 3)):
        kind = chance.choice(["grows", "alone", "some", "tool", "nothing", "flat"])
        text = f"{chance.choice(['yes', 'no', 'é {', ''])} {chance.randint(0, 9)}"
        answer = said("assistant", f"answer {text}")
        if kind == "tool":
            named = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look", "gen_ai.tool.call.id": text}
            steps.append(("look", {**named, "gen_ai.tool.call.arguments": "{}", "gen_ai.tool.call.result": text}))
        elif kind == "nothing":
            steps.append(("work", {"http.route": text}))
        elif kind == "flat":
            flat = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": text}
            steps.append(("chat", {"gen_ai.operation.name": "chat", **flat, "gen_ai.completion.0.content": "done"}))
        else:
            again = heard if kind == "grows" else chance.sample(heard, min(2, len(heard))) if kind == "some" else []
            steps.append(chat([*again, said("user", text)], answer))
            heard += [said("user", text), answer]
    spans = turn(number, *steps)
    for each in spans:
        if chance.random() < 0.2:
            each.status.code = Status.STATUS_CODE_ERROR
    return spans


@pytest.mark.parametrize("seed", range(examples(1)))
def test_pages_that_begin_anywhere_mark_what_repeats_as_those_from_the_start(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance, project, heard = random.Random(seed), new_project(), list[Any]()
    numbers = range(14)
    stored = {number: random_turn(number, heard, chance) for number in numbers}
    late = {number: stored[number].pop() for number in (3, 11) if len(stored[number]) > 2}
    store(otel_client, project, *(each for spans in stored.values() for each in spans))
    monkeypatch.setattr(history, "_SPANS_AT_ONCE", chance.choice([1, 3, 16, 8_000]))
    monkeypatch.setattr(history, "_TURNS_AT_ONCE", chance.choice([2, 1_000]))
    memory = Memory()

    def compare() -> None:
        whole = from_the_start(otel_client, project)
        if chance.random() < 0.5:
            turns(otel_client, project=project, session_id="s", limit=chance.randint(1, 14), memory=memory)
        for number in chance.sample(numbers, 4):
            limit = chance.randint(1, 5)
            expected = {trace: whole[trace] for trace in [*whole][number : number + limit]}
            assert beginning_with(otel_client, project, number, limit, memory) == expected
        assert beginning_with(otel_client, project, number, limit, None) == expected

    assert any(map(any, from_the_start(otel_client, project).values()))
    compare()
    assert late
    for each in late.values():
        store_late(otel_client, project, each)
        compare()


class Noting:
    """A client that notes what it is asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.asked: list[str] = []

    def raw_query(self, query: str, **more: Any) -> bytes:
        self.asked.append(query)
        return self._client.raw_query(query, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_what_was_learned_is_not_read_again_for_pages_before_or_behind(otel_client: Client) -> None:
    project, memory = new_project(), Memory()
    store(otel_client, project, *talk(9))
    noting: Any = Noting(otel_client)
    for number in (6, 6, 3, 7):
        beginning_with(noting, project, number, 1, memory)
    turns(noting, project=project, session_id="s", limit=2, memory=memory)
    beginning_with(noting, project, 8, 1, memory)
    read = [query for query in noting.asked if "SpanAttributes" in query]
    assert len(read) == 6 + 1, "each of the six pages, and what is before the first of them"


def test_who_reads_a_session_from_its_beginning_waits_for_nobody_and_others_not_for_long(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PATIENCE_S", 0.01)
    project, memory = new_project(), Memory()
    store(otel_client, project, *talk(4))
    with memory.history(project, "s").alone():
        assert len(turns(otel_client, project=project, session_id="s", limit=2, memory=memory)["turns"]) == 2
        with pytest.raises(Retryable):
            beginning_with(otel_client, project, 2, 1, memory)
    beginning_with(otel_client, project, 2, 1, memory)


def test_a_turn_that_goes_on_behind_a_page_makes_nothing_before_it_be_read_again(otel_client: Client) -> None:
    project, memory = new_project(), Memory()
    *before, last = talk(5)
    store(otel_client, project, *before)
    beginning_with(otel_client, project, 4, 1, memory)
    store_late(otel_client, project, last)
    noting: Any = Noting(otel_client)
    assert beginning_with(noting, project, 4, 1, memory) == {f"{5:032x}": [9]}
    assert sum("SpanAttributes" in query for query in noting.asked) == 1


def test_what_arrives_late_counts_before_a_page_and_on_it(otel_client: Client) -> None:
    project, memory = new_project(), Memory()
    calls = [chat([said("user", f"q{number}")], said("assistant", f"a{number}")) for number in range(4)]
    stored = [
        turn(number, calls[3] if number == 0 else chat([], said("assistant", "x")), calls[number])
        for number in range(4)
    ]
    before, on_page = stored[0].pop(1), stored[2].pop(1)
    store(otel_client, project, *(each for spans in stored for each in spans))

    def page() -> list[list[int]]:
        return [*beginning_with(otel_client, project, 2, 2, memory).values()]

    assert page() == [[0], [0, 0]]
    store_late(otel_client, project, on_page)
    assert page() == [[0, 0], [0, 0]], "the call is the second step of its turn now, and says the same first"
    store_late(otel_client, project, before)
    assert page() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(("name", "most"), [("MAX_TURNS", 2), ("MAX_READ", 2_000), ("MAX_MESSAGES", 2)])
def test_beyond_a_bound_what_was_said_last_counts(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    project, memory = new_project(), Memory()
    spoken = [said("user", f"{number} {'x' * 400}") for number in range(8)]
    for number in range(8):
        store(otel_client, project, *turn(number, chat([spoken[number]], said("assistant", "yes"))))
    store(otel_client, project, *turn(8, chat([spoken[0]], said("assistant", "yes"))))
    store(otel_client, project, *turn(9, chat([spoken[7]], said("assistant", "yes"))))
    expected = {f"{9:032x}": [0], f"{10:032x}": [1]}
    monkeypatch.setattr(history, "_SPANS_AT_ONCE", 2)
    monkeypatch.setattr(history, name, most)
    assert beginning_with(otel_client, project, 8, 2, memory) == expected
    assert beginning_with(otel_client, project, 8, 2, memory) == expected
    assert beginning_with(otel_client, project, 2, 1, memory) == {f"{3:032x}": [0]}


def test_a_history_keeps_what_was_said_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_MESSAGES", 10)
    known = History()
    for number in range(1000):
        known.said[number.to_bytes(16)] = ("", "", number)
        known.cover((f"{number:04}", ""), 1)
    assert [number for _, _, number in known.said.values()] == list(range(990, 1000))


def test_messages_take_no_more_than_is_counted_for_them() -> None:
    count = 50_000
    tracemalloc.start()
    places = ((f"2026-01-01 {n:018}", f"{n:032x}", 1000 + n) for n in range(count // 2))
    said_ = {bytes([side]) * 8 + place[2].to_bytes(8): place for place in places for side in (0, 1)}
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(said_) == count
    assert taken <= history.MESSAGE_BYTES * count, "a question and its answer in a turn of its own each"


def test_a_memory_forgets_the_sessions_that_were_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_BYTES", 3 * 10 * history.MESSAGE_BYTES + 4_000)
    memory = Memory()
    for number in range(5):
        found = memory.history("p", str(number))
        found.said = {bytes([place]): ("", "", place) for place in range(10)}
    first = memory.history("p", "0")
    assert not first.said
    assert memory.history("p", "4").said


def test_the_bounds_of_a_page_that_no_other_led_up_to_are_those_of_the_documentation() -> None:
    told = Path("docs/rest.md").read_text("utf-8")
    read = f"{history.MAX_READ >> 20} MiB of attributes and events, {history.MAX_TURNS:,} turns at most"
    assert read in told, "a page deep in a session is asked for by people who wait"
    assert f"up to {history.MAX_MESSAGES:,} messages" in told
