"""The replay of a session: steps, messages each once, what repeats, where history was cut, page by page."""

from __future__ import annotations

import json
import zlib
from collections.abc import Generator, Sequence
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.queries import contents, replay
from otel_sessions.queries import spoken as speaking
from otel_sessions.queries.history import Memory
from otel_sessions.queries.paging import CursorError
from otel_sessions.queries.replay import turns
from otel_sessions.queries.share_hiding import Hidden
from otel_sessions.queries.spoken import spoken
from otel_sessions.testing.otlp import Attributes, Value, request, span
from tests.integration.delivery import EPOCH, insert, new_project
from tests.queries.noting import noting

SECOND = 1_000_000_000
Page = dict[str, Any]


def store(client: Client, project: str, *spans: Span) -> None:
    batch = decode([request(*spans).SerializeToString()], [project]).batch
    insert(client, SessionProcessor(SessionConfig()).process(batch))


def turn(number: int, *spans: tuple[str, Attributes], start: float | None = None, seconds: float = 1) -> list[Span]:
    """The spans of a turn of session `s`: a root, and these below it one after the other."""
    at = EPOCH + int((number * 10 if start is None else start) * SECOND)
    ids = [f"{number:08x}{place:08x}" for place in range(1, len(spans) + 2)]
    trace_id = f"{number + 1:032x}"
    root = span(
        f"turn {number}",
        trace_id=trace_id,
        span_id=ids[0],
        start=at,
        end=at + int(seconds * SECOND),
        attributes={"session.id": "s", "user.id": "ada"},
    )
    below = [
        span(
            name,
            trace_id=trace_id,
            span_id=ids[place + 1],
            parent=ids[0],
            start=at + place + 1,
            end=at + place + 2,
            attributes=attributes,
        )
        for place, (name, attributes) in enumerate(spans)
    ]
    return [root, *below]


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def shown(role: str, text: str) -> dict[str, Any]:
    """The same as a page has it."""
    return {"role": role, "parts": [{"type": "text", "text": text}]}


def chat(history: Sequence[Any], answer: Any, **more: Value) -> tuple[str, Attributes]:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.input.messages": json.dumps(history),
        "gen_ai.output.messages": json.dumps([answer]),
        **more,
    }
    return "chat", attributes


def talk(turns_: int, text: str = "") -> list[Span]:
    """A conversation whose whole history goes into every call."""
    history, spans = [said("system", "Be brief.")], []
    for number in range(turns_):
        history.append(said("user", f"question {number} {text}"))
        answer = said("assistant", f"answer {number} {text}")
        spans += turn(number, chat(history, answer, **{"gen_ai.usage.input_tokens": 10 * len(history)}))
        history.append(answer)
    return spans


def pages(client: Client, project: str, limit: int, memory: Memory | None = None, **more: Any) -> list[Page]:
    found, cursor = [], None
    while not found or cursor:
        page = turns(client, project=project, session_id="s", limit=limit, cursor=cursor, memory=memory, **more)
        found.append(page)
        cursor = page["next_cursor"]
    return found


def steps_of(found: list[Page]) -> list[Page]:
    return [step for page in found for turn_ in page["turns"] for step in turn_["steps"]]


def test_a_page_has_turns_steps_and_each_message_once(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, project, *talk(2))
    page = turns(otel_client, project=project, session_id="s", limit=10)
    assert page["messages"] == [
        shown("system", "Be brief."),
        shown("user", "question 0 "),
        shown("assistant", "answer 0 "),
        shown("user", "question 1 "),
        shown("assistant", "answer 1 "),
    ]
    first, second = page["turns"]
    assert (first["trace_id"], first["name"], first["user_id"]) == (f"{1:032x}", "turn 0", "ada")
    assert (first["start_time"], first["duration_ns"]) == ("2026-01-01T00:00:00.000000000Z", SECOND)
    assert (first["gap_ns"], second["gap_ns"]) == (0, 9 * SECOND)
    assert (second["input"], second["output"], second["input_tokens"]) == ("question 1 ", "answer 1 ", 40)
    [step] = second["steps"]
    assert (step["kind"], step["name"], step["model"], step["status"], step["error"]) == (
        "model",
        "gpt-4o",
        "gpt-4o",
        "unset",
        "",
    )
    assert (step["messages_in"], step["repeated"], step["messages_out"]) == ([0, 1, 2, 3], 3, [4])
    assert (step["input_tokens"], step["cost_source"], step["compacted"]) == (40, "prices", False)
    assert step["cost"] == pytest.approx(0.0001)
    assert step["parent_span_id"] == f"{1:08x}{1:08x}"
    assert page["next_cursor"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("remembers", [True, False])
def test_pages_hold_together_what_one_page_holds(otel_client: Client, limit: int, remembers: bool) -> None:
    project = new_project()
    store(otel_client, project, *talk(6))
    [whole] = pages(otel_client, project, 10)
    parts = pages(otel_client, project, limit, Memory() if remembers else None)
    assert len(parts[0]["turns"]) == min(limit, 6)

    def told(found: list[Page]) -> list[Any]:
        return [
            (
                turn_["gap_ns"],
                step["repeated"],
                step["compacted"],
                *([page["messages"][ref] for ref in step[side]] for side in ("messages_in", "messages_out")),
            )
            for page in found
            for turn_ in page["turns"]
            for step in turn_["steps"]
        ]

    assert told(parts) == told([whole])


def test_a_changed_cursor_is_refused(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, project, *talk(3))
    cursor = turns(otel_client, project=project, session_id="s", limit=1)["next_cursor"]
    assert cursor is not None
    for odd in (cursor[:-2], "x", cursor + "A"):
        with pytest.raises(CursorError):
            turns(otel_client, project=project, session_id="s", limit=1, cursor=odd)
    with pytest.raises(CursorError):
        turns(otel_client, project=project, session_id="t", limit=1, cursor=cursor)


def test_an_agent_is_that_of_the_nearest_span_upwards(otel_client: Client) -> None:
    project = new_project()
    root, *_ = turn(0)
    ids = [f"{place:016x}" for place in range(100, 105)]

    def below(place: int, parent: str, name: str, **attributes: Value) -> Span:
        start = EPOCH + place
        keys = {f"gen_ai.{key.replace('__', '.')}": value for key, value in attributes.items()}
        return span(
            name, trace_id=f"{1:032x}", span_id=ids[place], parent=parent, start=start, end=start, attributes=keys
        )

    spans = [
        below(0, "000000000000ffff", "invoke_agent", operation__name="invoke_agent", agent__name="guide"),
        below(1, ids[0], "chat", operation__name="chat", request__model="m"),
        below(2, ids[0], "execute_tool", operation__name="execute_tool", tool__name="hand over"),
        below(3, ids[2], "invoke_agent", operation__name="invoke_agent", agent__name="expert"),
        below(4, ids[3], "chat", operation__name="chat", request__model="m"),
    ]
    store(otel_client, project, root, *spans)
    [page] = pages(otel_client, project, 10)
    assert [(step["kind"], step["name"], step["agent"]) for step in steps_of([page])] == [
        ("agent", "guide", "guide"),
        ("model", "m", "guide"),
        ("tool", "hand over", "guide"),
        ("agent", "expert", "expert"),
        ("model", "m", "expert"),
    ]


def test_a_span_that_failed_is_a_step_of_any_kind_and_says_why(otel_client: Client) -> None:
    project = new_project()
    root, *_ = turn(0)
    failed = {"trace_id": f"{1:032x}", "parent": "000000000000ffff", "status": "Error", "start": EPOCH, "end": EPOCH}
    raised = Span.Event(name="exception")
    raised.attributes.add(key="exception.message").value.string_value = "no such city"
    store(
        otel_client,
        project,
        root,
        span("GET /weather", span_id="00000000000000a1", message="timed out", **failed),
        span("look up", span_id="00000000000000a2", events=[raised], **failed),
        span("hush", span_id="00000000000000a3", **failed),
    )
    [page] = pages(otel_client, project, 10)
    told = [(step["kind"], step["status"], step["error"]) for step in steps_of([page])]
    assert told == [("other", "error", text) for text in ("timed out", "no such city", "hush")]


def test_where_history_was_cut_a_step_is_marked(otel_client: Client) -> None:
    project = new_project()
    system, question = said("system", "Be brief."), [said("user", str(number)) for number in range(6)]
    answer = said("assistant", "yes")
    calls = [
        chat([system, *question[:3]], answer, **{"gen_ai.usage.input_tokens": 100}),
        chat([system, *question[:4]], answer, **{"gen_ai.usage.input_tokens": 200}),
        chat([system, question[5]], answer, **{"gen_ai.usage.input_tokens": 50}),
        chat([system, question[5], answer, question[4]], answer, **{"gen_ai.usage.input_tokens": 40}),
        chat([system, question[5], answer], answer, **{"gen_ai.conversation.compacted": True}),
    ]
    store(otel_client, project, *(each for number, call in enumerate(calls) for each in turn(number, call)))
    for limit in (1, 10):
        steps = steps_of(pages(otel_client, project, limit))
        assert [step["compacted"] for step in steps] == [False, False, True, False, True]
        assert [step.get("compacted_from") for step in steps] == [None, None, 200, None, None]


def test_texts_are_cut_to_a_preview_and_say_their_length(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, project, *talk(1, text="x" * 1000))
    [page] = pages(otel_client, project, 10, preview=10)
    [first] = page["turns"]
    assert (first["input"], first["input_length"]) == ("question 0", 1000)
    assert page["messages"][1]["parts"] == [{"type": "text", "text": "question 0", "text_length": 1011}]
    assert page["messages"][0] == shown("system", "Be brief.")
    [page] = pages(otel_client, project, 10)
    assert (len(page["turns"][0]["input"]), page["turns"][0]["input_length"]) == (80, 1000)
    assert len(page["messages"][1]["parts"][0]["text"]) == 1011


def test_errors_and_descriptions_of_tools_are_cut_to_a_preview_too(otel_client: Client) -> None:
    project = new_project()
    tool = {"type": "function", "name": "weather", "description": "d" * 50, "parameters": {"type": "object"}}
    call = chat([said("user", "hi")], said("assistant", "no"), **{"gen_ai.tool.definitions": json.dumps([tool])})
    root, step = turn(0, call)
    step.status.code, step.status.message = Status.STATUS_CODE_ERROR, "e" * 40
    store(otel_client, project, root, step)
    [page] = pages(otel_client, project, 10, preview=3)
    [shown_step] = steps_of([page])
    assert (shown_step["error"], shown_step["error_length"]) == ("eee", 40)
    [shown_tool] = page["tools"]
    assert (shown_tool["description"], shown_tool["description_length"]) == ("ddd", 50)
    assert shown_tool["parameters"] == {"type": "object"}
    hidden = Hidden(roles=frozenset({"tool"})).replay(page)
    assert hidden["tools"] == [{"name": "weather", "description": "", "parameters": {}}]


def test_tools_stand_once_and_their_calls_and_returns_are_messages(otel_client: Client) -> None:
    project = new_project()
    tools = json.dumps(
        [{"type": "function", "name": "weather", "description": "the sky", "parameters": {"type": "object"}}]
    )
    call = {
        "role": "assistant",
        "parts": [{"type": "tool_call", "id": "c", "name": "weather", "arguments": {"city": "Oslo"}}],
    }
    returned = {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c", "name": "weather", "response": "sunny"}],
    }
    asked = said("user", "Is it sunny?")
    tool: tuple[str, Attributes] = (
        "execute_tool weather",
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.id": "c",
            "gen_ai.tool.call.arguments": '{"city": "Oslo"}',
            "gen_ai.tool.call.result": "sunny",
        },
    )
    first = chat([asked], call, **{"gen_ai.tool.definitions": tools})
    second = chat([asked, call, returned], said("assistant", "Yes."), **{"gen_ai.tool.definitions": tools})
    store(otel_client, project, *turn(0, first, tool, second))
    [page] = pages(otel_client, project, 10)
    assert [
        (step["kind"], step["tools"], step["messages_in"], step["repeated"], step["messages_out"])
        for step in steps_of([page])
    ] == [
        ("model", [0], [0], 0, [1]),
        ("tool", [], [1], 1, [2]),
        ("model", [0], [0, 1, 2], 3, [3]),
    ]
    assert page["tools"] == [{"name": "weather", "description": "the sky", "parameters": {"type": "object"}}]


def test_a_page_ends_where_it_is_full_and_the_next_goes_on(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project()
    store(otel_client, project, *talk(4, text="x" * 500))
    [whole] = pages(otel_client, project, 100)
    for name, most in (
        ("MAX_CONTENT", 8_000),
        ("MAX_SPANS", 5),
        ("MAX_CONTENT", 1),
        ("MAX_TABLE", 900),
        ("MAX_REFS", 9),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(replay if hasattr(replay, name) else contents, name, most)
            parts = pages(otel_client, project, 100, Memory())
        assert len(parts) > 1
        assert [turn_["trace_id"] for page in parts for turn_ in page["turns"]] == [
            each["trace_id"] for each in whole["turns"]
        ]
        assert [step["repeated"] for step in steps_of(parts)] == [step["repeated"] for step in steps_of([whole])]


def test_a_page_is_the_same_however_its_spans_are_read(otel_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client, asked = noting(otel_client)
    project = new_project()
    store(otel_client, project, *talk(4, text="x" * 500))
    at_once = pages(client, project, 3, Memory())
    assert sum("SpanAttributes" in query for query in asked) == len(at_once) == 2
    monkeypatch.setattr(contents, "_FEW_SPANS", 0)
    assert pages(otel_client, project, 3, Memory()) == at_once


@pytest.mark.parametrize("characters", [1000, 40])
def test_a_growing_history_costs_no_more_than_its_unique_text(otel_client: Client, characters: int) -> None:
    """The members of a turn and its step have some 1,200 bytes, so where people write less they are more than what
    was said; as they are sent, compressed, they do not.
    """
    project = new_project()
    store(otel_client, project, *talk(130, text="x" * characters))
    found = pages(otel_client, project, 130, Memory())
    assert sum(len(page["turns"]) for page in found) == 130
    for page in found:
        texts = sum(len(part["text"]) for message in page["messages"] for part in message["parts"])
        body = orjson.dumps(page)
        assert len(body if characters >= 1000 else zlib.compress(body)) < 2 * texts


def test_what_a_turn_was_asked_is_whole_where_its_steps_say_something_else(otel_client: Client) -> None:
    project = new_project()
    tool: Attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": "{}"}
    root, step = turn(0, ("look up", tool))
    root.attributes.extend(span("x", attributes={"input.value": "why " * 100, "output.value": "so " * 100}).attributes)
    store(otel_client, project, root, step)
    [page] = pages(otel_client, project, 10)
    [shown_turn] = page["turns"]
    assert shown_turn["steps"][0]["messages_in"]
    assert (len(shown_turn["input"]), len(shown_turn["output"])) == (400, 300)


def test_what_a_root_was_asked_is_whole_where_its_calls_were_sent_another_text(otel_client: Client) -> None:
    project = new_project()
    asked = {"input.value": "why " * 100, "output.value": "so " * 100}
    for number, call in enumerate(
        (chat([said("user", "Answer: why")], said("assistant", "so " * 101)), chat([], said("assistant", "")))
    ):
        root, step = turn(number, call)
        root.attributes.extend(span("x", attributes=asked).attributes)
        store(otel_client, project, root, step)
    [page] = pages(otel_client, project, 10)
    assert [(len(each["input"]), len(each["output"])) for each in page["turns"]] == [(400, 80), (400, 300)]
    assert page["turns"][0]["output_length"] == 300
    [page] = pages(otel_client, project, 10, preview=100)
    assert [(len(each["input"]), len(each["output"])) for each in page["turns"]] == [(100, 80), (100, 100)]
    assert page["turns"][0]["output_length"] == 300


def test_hostile_messages_break_no_page(otel_client: Client) -> None:
    project = new_project()
    deep = '[{"role": "user", "content": ' + "[" * 400 + "]" * 400 + "}]"
    odd = [
        '[{"role": "user", "content": "a\\ud800"}]',
        deep,
        "[" * 2000,
        '[{"role": [], "content": {"type": []}}]',
        "null",
        "{",
    ]
    calls = [
        ("chat", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.input.messages": text})
        for text in odd
    ]
    store(otel_client, project, *turn(0, *calls))
    [page] = pages(otel_client, project, 10)
    assert len(steps_of([page])) == len(odd)
    assert orjson.dumps(page)


def test_a_session_that_is_not_there_has_an_empty_page(otel_client: Client) -> None:
    nothing: Page = {"turns": [], "messages": [], "tools": [], "next_cursor": None}
    assert turns(otel_client, project=new_project(), session_id="s", limit=10) == nothing


def turns_of(number: int, agent: str, *calls: tuple[str, Attributes]) -> list[Span]:
    """A turn whose calls stand below an agent of this name; below none without a name."""
    root, *below = turn(number, *calls)
    if agent:
        named = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent, "session.id": "s"}
        root = span(
            agent,
            trace_id=root.trace_id.hex(),
            span_id=root.span_id.hex(),
            start=root.start_time_unix_nano,
            end=root.end_time_unix_nano,
            attributes=named,
        )
    return [root, *below]


def spoken_texts(client: Client, project: str) -> list[str]:
    said = spoken(client, project=project, session_id="s")
    return [part["text"] for _, messages in said for message in messages for part in message["parts"]]


@pytest.mark.parametrize(
    ("name", "most"),
    [("_TURNS_AT_ONCE", 2), ("MAX_SPANS", 5), ("MAX_CONTENT", 1), ("_ROW", 10**9), ("_reading", {*range(10_000)})],
)
def test_a_session_is_spoken_the_same_however_little_of_it_is_read_at_once(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, name: str, most: Any
) -> None:
    project = new_project()
    store(otel_client, project, *talk(7))

    def heard() -> list[Any]:
        said = spoken(otel_client, project=project, session_id="s")
        return [(turn_["trace_id"], turn_["gap_ns"], messages) for turn_, messages in said]

    whole = heard()
    assert len(whole) == 7
    monkeypatch.setattr(contents, name, most)
    assert heard() == whole


def test_what_is_read_of_a_session_is_held_against_its_spans_too(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, project, *talk(7))
    scope = {"project": project, "session_id": "s"}

    def spans_at_once(most: int) -> list[int]:
        found = contents.stretches(otel_client, scope, most)
        return [sum(map(len, spans.values())) for _, spans in found]

    together, apart = spans_at_once(contents.MAX_CONTENT), spans_at_once(1)
    assert (len(together), len(apart), sum(apart)) == (1, 7, together[0])
    said = sum(
        span["Bytes"] for _, of in contents.stretches(otel_client, scope, 1) for each in of.values() for span in each
    )
    assert len(spans_at_once(said + 2 * contents._ROW)) > 1, "what they say fits, the rows do not"


def test_who_reads_sessions_whole_at_the_same_time_read_less_at_once_each(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, project, *talk(7))

    def turns_at_once() -> tuple[int, Generator[Any]]:
        found = contents.stretches(otel_client, {"project": project, "session_id": "s"}, 7 * 2 * contents._ROW + 10_000)
        return len(next(found)[0]), found

    alone, *others = [turns_at_once() for _ in range(4 * contents._IN_FULL)]
    assert alone[0] == others[contents._IN_FULL - 2][0] == 7
    assert others[-1][0] < 7
    for _, each in (alone, *others):
        each.close()
    assert turns_at_once()[0] == 7


def test_a_transcript_is_made_of_no_more_than_it_shows_and_says_the_same(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project()
    tool = ("search", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "input.value": "{}"})
    store(otel_client, project, *talk(3), *turn(3, chat([said("user", "look")], said("assistant", "yes")), tool))
    read, select = list[list[str]](), contents.keyed.select

    def noting_ids(client: Client, name: str, parameters: Any, **texts: str) -> list[Any]:
        if name == "replay_contents":
            read.append(parameters["span_ids"])
        return select(client, name, parameters, **texts)

    monkeypatch.setattr(contents.keyed, "select", noting_ids)
    heard = [
        [(turn_["trace_id"], turn_["input"], turn_["output"], messages) for turn_, messages in found]
        for found in (
            spoken(otel_client, project=project, session_id="s", whole_steps=whole_steps)
            for whole_steps in (True, False)
        )
    ]
    assert heard[0] == heard[1]
    (whole,), (less,) = read[:1], read[1:]
    assert (len(whole), len(less)) == (5, 4), "all but what the tool was given"


def test_what_is_remembered_of_a_talk_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "_REMEMBERED", 10)
    known = speaking.Known()
    for number in range(1000):
        digest = number.to_bytes(16)
        known.update([digest])
        assert digest in known
    assert sum(number.to_bytes(16) in known for number in range(1000)) <= 21


@pytest.mark.parametrize("own_instructions", [False, True])
@pytest.mark.parametrize("agents", [("A", "", "B"), ("A", "B", "A", "B"), ("", "A", "A", "", "B")])
def test_history_that_agents_hand_on_is_spoken_once(
    otel_client: Client, agents: Sequence[str], own_instructions: bool
) -> None:
    project, history, expected = new_project(), [], []
    for number, agent in enumerate(agents):
        instructions = f"You are {agent or 'nobody'}." if own_instructions else "Be brief."
        history.append(said("user", f"q{number}"))
        call = chat([said("system", instructions), *history], said("assistant", f"a{number}"))
        store(otel_client, project, *turns_of(number, agent, call))
        history.append(said("assistant", f"a{number}"))
        expected += [*([instructions] if instructions not in expected else []), f"q{number}", f"a{number}"]
    assert spoken_texts(otel_client, project) == expected


def test_agents_with_conversations_of_their_own_keep_them_whole(otel_client: Client) -> None:
    project = new_project()
    example = [said("system", "Be brief."), said("user", "say so"), said("assistant", "so")]
    for number, agent in enumerate("ABC"):
        call = chat([*example, said("user", "the task")], said("assistant", f"{agent}'s answer"))
        store(otel_client, project, *turns_of(number, agent, call))
    each = ["Be brief.", "say so", "so", "the task"]
    assert spoken_texts(otel_client, project) == [*each, "A's answer", *each, "B's answer", *each, "C's answer"]
