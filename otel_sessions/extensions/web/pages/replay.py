"""Turns as a page shows them: the payload of `/turns` in reading order, less what the reader did not ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Item = Mapping[str, Any]
"""One thing of a turn; `kind` is `earlier`, `messages`, `cut`, `handover` or `step`."""

PRESETS: Final = (
    ("conversation", "Conversation"),
    ("calls", "Every call"),
    ("tools", "Tools and errors"),
)
IDLE_FROM_NS: Final = 60 * 1_000_000_000
"""Idle time from here on is marked."""
_TOOLS: Final = frozenset({"tool", "retrieval", "guardrail"})


def cards(payload: Mapping[str, Any], preset: str) -> list[dict[str, Any]]:
    """The turns of a page with what is shown of each as `shown`; those of which nothing is shown are left out."""
    messages = payload["messages"]
    shown = []
    day = ""
    users: set[str] = {turn["user_id"] for turn in payload["turns"] if turn.get("user_id")}
    for turn in payload["turns"]:
        items = list(_items(turn, messages, preset))
        if not items:
            continue
        new_day, day = str(turn["start_time"])[:10] != day, str(turn["start_time"])[:10]
        shown.append({**turn, "shown": items, "new_day": new_day, "shows_user": len(users) > 1})
    return shown


def _items(turn: Mapping[str, Any], messages: Sequence[Any], preset: str) -> Iterator[Item]:
    if preset == "conversation":
        yield from _conversation(turn, messages)
        return
    agent = ""
    for step in turn["steps"]:
        if preset == "tools" and step["kind"] not in _TOOLS and step["status"] != "error":
            continue
        yield from _before(step, agent)
        agent = step["agent"] or agent
        yield _step(turn, step, messages)


def _conversation(turn: Mapping[str, Any], messages: Sequence[Any]) -> Iterator[Item]:
    """What was said, once, in its order; tools between; the previews of the turn where no step has messages."""
    steps = turn["steps"]
    ran_tools = any(step["kind"] == "tool" for step in steps)
    said: set[int] = set()
    agent, spoke = "", False
    for step in steps:
        yield from _before(step, agent)
        agent = step["agent"] or agent
        if step["kind"] == "model":
            earlier = [ref for ref in step["messages_in"][: step["repeated"]] if ref not in said]
            if earlier and not spoke:
                yield {"kind": "earlier", "messages": [messages[ref] for ref in earlier]}
            said.update(earlier)
            new = [
                ref
                for ref in [*step["messages_in"][step["repeated"] :], *step["messages_out"]]
                if not (ref in said or (ran_tools and _is_result(messages[ref])))
            ]
            said.update(new)
            if new:
                spoke = True
                yield {"kind": "messages", "messages": [messages[ref] for ref in new]}
        if step["kind"] in _TOOLS or step["status"] == "error":
            yield _step(turn, step, messages, quiet=step["kind"] == "model")
    if not spoke:
        if turn["input"]:
            yield {"kind": "messages", "messages": [_text("user", turn["input"])]}
        if turn["output"]:
            yield {"kind": "messages", "messages": [_text("assistant", turn["output"])]}


def _before(step: Mapping[str, Any], agent: str) -> Iterator[Item]:
    """The marks that stand before a step: history was cut, another agent takes over."""
    if step["compacted"]:
        yield {"kind": "cut", "before": None, "after": None}
    if agent and step["agent"] and step["agent"] != agent:
        yield {"kind": "handover", "source": agent, "target": step["agent"]}


def _step(turn: Mapping[str, Any], step: Mapping[str, Any], messages: Sequence[Any], *, quiet: bool = False) -> Item:
    given = [] if quiet else [messages[ref] for ref in step["messages_in"][step["repeated"] :]]
    count = len(step["messages_in"])
    return {
        "kind": "step",
        "trace_id": turn["trace_id"],
        "step": step,
        "unpriced": step["kind"] == "model" and step.get("total_tokens") and not step["cost_source"],
        "messages_in": given,
        "messages_out": [] if quiet else [messages[ref] for ref in step["messages_out"]],
        "given": "Arguments" if step["kind"] in _TOOLS else f"{len(given)} new of {count} messages sent",
        "is_tool": step["kind"] in _TOOLS,
        "open": step["kind"] not in _TOOLS and len(given) <= 2,
    }


def _is_result(message: Mapping[str, Any]) -> bool:
    return bool(message["parts"]) and all(part["type"] == "tool_result" for part in message["parts"])


def _text(role: str, text: str) -> Mapping[str, Any]:
    return {"role": role, "parts": [{"type": "text", "text": text}]}
