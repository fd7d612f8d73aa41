# SPDX-License-Identifier: Apache-2.0
"""Turns as a page shows them: the payload of `queries.replay` in reading order, less what was not asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any, Final

from otel_sessions.extensions.web.pages.format import instant
from otel_sessions.genai.json_text import question
from otel_sessions.genai.messages import as_text

Item = Mapping[str, Any]
"""One thing of a turn; `kind` is `earlier`, `messages`, `cut`, `handover` or `step`."""
Message = Mapping[str, Any]

PRESETS: Final = (
    ("conversation", "Conversation"),
    ("calls", "Every call"),
    ("tools", "Tools and errors"),
)
IDLE_FROM_NS: Final = 60 * 1_000_000_000
"""Idle time from here on is marked."""
_ASKING: Final = frozenset({"system", "developer", "user"})
_TOOLS: Final = frozenset({"tool", "retrieval", "guardrail"})
_INNER: Final = frozenset({"agent", "chain"})
"""Steps whose messages are those of the calls within them."""


def cards(payload: Mapping[str, Any], preset: str) -> list[dict[str, Any]]:
    """The turns of a page with what is shown of each as `shown`. Those of which nothing is shown are left out; in the
    conversation, a turn in which nothing was said is a line with its name.
    """
    messages = payload["messages"]
    shown = []
    day = ""
    users: set[str] = {turn["user_id"] for turn in payload["turns"] if turn.get("user_id")}
    names: set[str] = {turn["name"] for turn in payload["turns"]}
    # A number for each agent that does something itself, in the order of their first steps; empty for only one.
    working = (step["agent"] for turn in payload["turns"] for step in turn["steps"] if step["kind"] not in _INNER)
    agents = list(dict.fromkeys(agent for agent in working if agent))
    lanes = {agent: number for number, agent in enumerate(agents)} if len(agents) > 1 else {}
    for turn in payload["turns"]:
        items = [_in_lane(item, lanes) for item in _items(turn, messages, preset)]
        if not items and preset != "conversation":
            continue
        new_day, day = str(turn["start_time"])[:10] != day, str(turn["start_time"])[:10]
        told = {"new_day": new_day, "shows_user": len(users) > 1, "shows_name": len(names) > 1 or not items}
        unpriced = sum(map(_is_unpriced, turn["steps"]))
        shown.append({**turn, **told, "unpriced_calls": unpriced, "shown": items})
    return shown


def _in_lane(item: Item, lanes: Mapping[str, int]) -> Item:
    """The item with its agent's lane as `lane`, None without one; a handover with those of both agents as `lanes`."""
    shown = {**item, "lane": lanes.get(item.get("agent", ""))}
    if item["kind"] == "handover":
        shown["lanes"] = lanes.get(item["source"]), lanes.get(item["target"])
    return shown


def _items(turn: Mapping[str, Any], messages: Sequence[Message], preset: str) -> Iterator[Item]:
    if preset == "conversation":
        yield from _conversation(turn, messages)
        return
    agent = ""
    for step in turn["steps"]:
        if preset == "tools" and step["kind"] not in _TOOLS and step["status"] != "error":
            continue
        yield from _before(step, agent)
        agent = step["agent"] or agent
        yield _step(turn, step, messages, is_open=True)


def _conversation(turn: Mapping[str, Any], messages: Sequence[Message]) -> Iterator[Item]:
    """What was said, once, in its order; tools between; the previews of the turn where no step has messages."""
    steps = turn["steps"]
    ran_tools = any(step["kind"] == "tool" for step in steps)
    has_calls = any(step["kind"] == "model" and step["messages_in"] for step in steps)
    said: set[int] = set()
    heard: set[int] = set()  # less what was sent again, which an answer may be as well
    before: list[Item] = []
    agent, spoke = "", False
    for step in steps:
        yield from _before(step, agent)
        agent = step["agent"] or agent
        if step["kind"] == "model" or (step["kind"] in _INNER and not has_calls):
            sent = step["messages_in"]
            again = step["repeated"] if said else _sent_again(step, messages)
            earlier = [ref for ref in sent[:again] if ref not in said]
            if earlier and not said:
                yield _earlier([_of(turn, step, messages[ref]) for ref in earlier], step)
            asked = sent[again : step["repeated"]]  # is shown though it was said before
            said.update(earlier)
            given = [ref for ref in sent[again:] if ref not in said or ref in asked]
            new = list(dict.fromkeys([*given, *(ref for ref in step["messages_out"] if ref not in heard)]))
            said.update(new)
            heard.update(new)
            spoken = (_of(turn, step, _spoken(messages[ref], ran_tools)) for ref in new)
            shown = [message for message in spoken if message["parts"]]
            if shown and not spoke:  # what ran before the first call stands behind the question that made it run
                until = next((n for n, message in enumerate(shown) if message["role"] not in _ASKING), len(shown))
                yield from _said(shown[:until], step)
                yield from before
                shown = shown[until:]
                spoke = True
            yield from _said(shown, step)
        if step["kind"] in _TOOLS or step["status"] == "error":
            item = _step(turn, step, messages, is_quiet=step["kind"] not in _TOOLS)
            if spoke:
                yield item
            else:
                before.append(item)
    if not spoke:
        if turn["input"]:
            yield {"kind": "messages", "messages": [_text("user", question(turn["input"]))]}
        yield from before
        if turn["output"]:
            yield {"kind": "messages", "messages": [_text("assistant", turn["output"])]}


def _sent_again(step: Mapping[str, Any], messages: Sequence[Message]) -> int:
    """How many of the first messages that a call was sent stood in turns before. What the user asks with it at the end
    does not, also where the same words were sent before.
    """
    sent = step["messages_in"]
    asks = bool(sent) and messages[sent[-1]]["role"] == "user"
    return int(min(step["repeated"], len(sent) - asks))


def _earlier(again: Sequence[Message], step: Mapping[str, Any]) -> Item:
    """Messages that were sent again, and how many characters they have."""
    parts = [part for message in again for part in message["parts"]]
    return {"kind": "earlier", "agent": step["agent"], "messages": again, "characters": sum(map(_characters, parts))}


def _characters(part: Mapping[str, Any]) -> int:
    """How long a text, or what a tool was given or gave, is in full; 0 of media."""
    name = {"tool_call": "arguments", "tool_result": "result"}.get(part["type"], "text")
    return int(part.get(f"{name}_length") or len(as_text(part.get(name))))


def _of(turn: Mapping[str, Any], step: Mapping[str, Any], message: Message) -> Message:
    """The message with the step in which all of it stands."""
    return {**message, "step": (turn["trace_id"], step["span_id"])}


def _said(messages: Sequence[Message], step: Mapping[str, Any]) -> Iterator[Item]:
    if messages:
        yield {"kind": "messages", "agent": step["agent"], "messages": messages}


def _spoken(message: Message, ran_tools: bool) -> Message:
    """The message less the calls of tools and their results, where the steps of the tools show both."""
    if not ran_tools:
        return message
    parts = [part for part in message["parts"] if part["type"] not in ("tool_call", "tool_result")]
    return {**message, "parts": parts}


def _before(step: Mapping[str, Any], agent: str) -> Iterator[Item]:
    """The marks that stand before a step: history was cut, another agent takes over."""
    if step["compacted"]:
        yield {"kind": "cut", "before_tokens": step.get("compacted_from"), "now_tokens": step["input_tokens"]}
    if agent and step["agent"] and step["agent"] != agent:
        yield {"kind": "handover", "source": agent, "target": step["agent"]}


def _step(
    turn: Mapping[str, Any],
    step: Mapping[str, Any],
    messages: Sequence[Message],
    *,
    is_quiet: bool = False,
    is_open: bool = False,
) -> Item:
    """One step; a quiet one without its messages, which stand around it."""
    is_tool = step["kind"] in _TOOLS
    before = takewhile(lambda each: each is not step, turn["steps"])
    is_asked_before = any(ref in each["messages_in"] for ref in step["messages_in"][-1:] for each in before)
    new = step["repeated"] if is_asked_before else _sent_again(step, messages)
    if is_tool:
        new = 0  # the call that a model made is what its tool was given
    given = [] if is_quiet else [_of(turn, step, messages[ref]) for ref in step["messages_in"][new:]]
    made = [] if is_quiet else [_of(turn, step, messages[ref]) for ref in step["messages_out"]]
    sent = len(step["messages_in"])
    return {
        "kind": "step",
        "agent": step["agent"],
        "trace_id": turn["trace_id"],
        "step": step,
        "unpriced": _is_unpriced(step),
        "messages_in": given,
        "messages_out": made,
        "arguments": _first(given, "tool_call", "arguments") if is_tool else None,
        "result": _first(made, "tool_result", "result") if is_tool else None,
        "given": f"{len(given)} new of {sent} messages sent" if sent else "",
        "is_tool": is_tool,
        "open": is_open,
        "passed_on": _passed_on(step, turn["steps"]),
    }


def _is_unpriced(step: Mapping[str, Any]) -> bool:
    """Whether no price is known of a call with tokens."""
    return step["kind"] == "model" and bool(step["total_tokens"]) and not step["cost_source"]


def _passed_on(step: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> str:
    """The name of the step within this one that failed with the same error; empty where this step failed by itself."""
    if step["status"] != "error":
        return ""
    for each in steps:
        same = each is not step and each["status"] == "error" and each["error"] and each["error"] in step["error"]
        if same and (each["parent_span_id"] == step["span_id"] or _is_within(each, step)):
            return str(each["name"] or each["kind"])
    return ""


def _is_within(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> bool:
    """Whether the time of one step is a part of the other's."""
    (begin, end), (first, last) = (
        (start, start + timedelta(microseconds=step["duration_ns"] / 1000))
        for step, start in ((step, instant(step["start_time"])) for step in (inner, outer))
    )
    return first <= begin and end <= last and (begin, end) != (first, last)


def _first(messages: Sequence[Message], type_: str, member: str) -> Any:
    """What the first part of this type says; the messages themselves as text where there is none."""
    for message in messages:
        for part in message["parts"]:
            if part["type"] == type_:
                return part[member]
    texts = [part["text"] for message in messages for part in message["parts"] if part["type"] == "text"]
    return "\n".join(texts) or None


def _text(role: str, text: str) -> Message:
    return {"role": role, "parts": [{"type": "text", "text": text}], "step": None}
