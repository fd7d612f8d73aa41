"""Turns in the order in which they are read."""

from __future__ import annotations

from typing import Any

from otel_sessions.extensions.web.pages.replay import cards


def _step(kind: str, name: str, *, sent: list[int], made: list[int], status: str = "ok") -> dict[str, Any]:
    return {
        "span_id": name, "parent_span_id": "", "kind": kind, "name": name, "agent": "", "status": status, "error": "",
        "messages_in": sent, "messages_out": made, "repeated": 0, "compacted": False, "compacted_from": None,
        "total_tokens": 0,
        "cost_source": "", "start_time": "2026-03-01T00:00:00.000000001Z", "duration_ns": 1000,
    }  # fmt: skip


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "text": text}]}


def _items(
    steps: list[dict[str, Any]], messages: list[dict[str, Any]], preset: str = "conversation"
) -> list[dict[str, Any]]:
    turn = {
        "trace_id": "t", "name": "chat", "user_id": "", "start_time": "2026-03-01T00:00:00Z", "input": "asked",
        "output": "said", "steps": steps,
    }  # fmt: skip
    (card,) = cards({"turns": [turn], "messages": messages}, preset)
    return list(card["shown"])


def _shown(steps: list[dict[str, Any]], messages: list[dict[str, Any]]) -> list[str]:
    found = []
    for item in _items(steps, messages):
        if item["kind"] == "step":
            found.append(item["step"]["name"])
        else:
            found += [message["parts"][0]["text"] for message in item["messages"]]
    return found


def test_what_ran_before_the_first_call_stands_behind_the_question() -> None:
    steps = [_step("retrieval", "handbook", sent=[], made=[]), _step("model", "m", sent=[0, 1], made=[2])]
    messages = [_message("system", "be kind"), _message("user", "how long"), _message("assistant", "two days")]
    assert _shown(steps, messages) == ["be kind", "how long", "handbook", "two days"]


def test_what_is_asked_and_answered_in_the_same_words_as_before_is_not_among_what_was_sent_again() -> None:
    messages = [_message("user", "the load"), _message("assistant", "it is 4"), _message("tool", "found")]
    first = _step("model", "m", sent=[0, 1, 0], made=[1]) | {"repeated": 3}
    retried = _step("model", "n", sent=[0, 1, 0], made=[2]) | {"repeated": 3}
    assert _shown([first, retried], messages) == ["the load", "it is 4", "the load", "it is 4", "found"]
    (folded, *_), calls = _items([first], messages), _items([first, retried], messages, "calls")
    assert (len(folded["messages"]), folded["characters"]) == (2, 15)
    assert [len(item["messages_in"]) for item in calls] == [1, 0], "a call that is made again asks nothing anew"
    within = _step("agent", "a", sent=[0], made=[]) | {"repeated": 1}
    assert _shown([within, first | {"messages_in": [0], "repeated": 1}], messages) == ["the load", "it is 4"]
    after = _step("model", "m", sent=[0, 1, 2], made=[]) | {"repeated": 3}
    assert len(_items([after], messages)[0]["messages"]) == 3, "nobody asked anything"


def test_tools_without_any_call_stand_between_what_the_turn_got_and_gave() -> None:
    assert _shown([_step("tool", "stock", sent=[], made=[])], []) == ["asked", "stock", "said"]


def _failed(name: str, error: str, *, parent: str = "", start: int, took_us: int) -> dict[str, Any]:
    time = f"2026-03-01T00:00:00.{start:06}000Z"
    more = {"error": error, "parent_span_id": parent, "start_time": time, "duration_ns": took_us * 1000}
    return _step("tool", name, sent=[], made=[], status="error") | more


def _passed_on(*steps: dict[str, Any]) -> dict[str, str]:
    turn = {
        "trace_id": "t",
        "name": "",
        "start_time": "2026-03-01T00:00:00Z",
        "input": "",
        "output": "",
        "steps": steps,
    }
    (card,) = cards({"turns": [turn], "messages": []}, "tools")
    return {item["step"]["name"]: item["passed_on"] for item in card["shown"]}


def test_a_failure_that_a_caller_passed_on_is_told_from_its_own() -> None:
    outer = _failed("answer", "ValueError: no stock", start=0, took_us=100)
    inner = _failed("stock", "no stock", start=10, took_us=50)
    retried = _failed("again", "no stock", start=70, took_us=20)
    assert _passed_on(outer, inner, retried) == {"answer": "stock", "stock": "", "again": ""}
    other = _failed("pay", "refused", start=10, took_us=50)
    assert _passed_on(outer, other) == {"answer": "", "pay": ""}
    child = _failed("stock", "ValueError: no stock", parent="answer", start=0, took_us=100)
    assert _passed_on(outer, child) == {"answer": "stock", "stock": ""}
