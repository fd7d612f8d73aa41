# SPDX-License-Identifier: Apache-2.0
"""Trajectories in the Agent Trajectory Interchange Format: one object of JSON a file, as in `trajectory.json`.

Its input tokens have cached ones in them, and its output tokens the reasoning. Steps that stand in the trajectory
before, which this one goes on from, are left out (`is_copied_context`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from otel_sessions.cli.importing.conversation import Call, Conversation, Tool, Turn
from otel_sessions.cli.importing.lines import nanoseconds, text_of

_USAGE = {"input": "prompt_tokens", "output": "completion_tokens", "cached": "cached_tokens"}


def load(path: Path) -> Mapping[str, Any] | None:
    """The trajectory in a file, None where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except ValueError:
        return None
    return value if isinstance(value, Mapping) and is_one(value) else None


def is_one(value: Mapping[str, Any]) -> bool:
    return (
        str(value.get("schema_version", "")).startswith("ATIF")
        and isinstance(value.get("agent"), Mapping)
        and isinstance(value.get("steps"), list)
    )


def read(trajectory: Mapping[str, Any]) -> Conversation:
    """The conversation of a trajectory; without turns where no step has a time."""
    agent = trajectory["agent"]
    session_id = str(trajectory.get("session_id") or trajectory.get("trajectory_id") or "")
    made = Conversation(session_id, str(agent.get("name") or "agent"), "", str(agent.get("version") or ""))
    steps = [step for step in trajectory["steps"] if isinstance(step, Mapping)]
    since = next(filter(None, (nanoseconds(step.get("timestamp")) for step in steps)), 0)
    if not since:
        return made
    given: list[dict[str, Any]] = []
    waiting: list[Tool] = []
    for step in steps:
        if step.get("is_copied_context"):
            continue
        time = max(since, nanoseconds(step.get("timestamp")))
        source, said = step.get("source"), text_of(step.get("message"))
        if made.turns and source != "user":
            made.turns[-1].end_ns = time
        for tool in waiting:
            tool.end_ns = time  # what it gave is there by the next step
        waiting = []
        if source == "user" or (source == "agent" and not made.turns):
            made.turns.append(Turn(f"{len(made.turns)}", said if source == "user" else "", time, time))
        if source == "user":
            given.append({"role": "user", "parts": [{"type": "text", "content": said}]})
        elif source == "agent":
            tools = list(_tools(step, time))
            if step.get("llm_call_count") != 0:
                model = str(step.get("model_name") or agent.get("model_name") or "")
                made.turns[-1].calls.append(_call(step, model, since, time, given, tools))
                given = []
            made.turns[-1].tools += tools
            waiting = tools
            responses = ({"type": "tool_call_response", "id": tool.id, "response": tool.result} for tool in tools)
            given += [{"role": "tool", "parts": [response]} for response in responses if response["response"]]
        since = time
    return made


def _call(  # noqa: PLR0917 - all of one step
    step: Mapping[str, Any], model: str, start: int, end: int, given: list[dict[str, Any]], tools: list[Tool]
) -> Call:
    parts: list[dict[str, Any]] = []
    if thought := text_of(step.get("reasoning_content")):
        parts.append({"type": "reasoning", "content": thought})
    if said := text_of(step.get("message")):
        parts.append({"type": "text", "content": said})
    parts += [{"type": "tool_call", "id": each.id, "name": each.name, "arguments": each.arguments} for each in tools]
    call = Call(str(step.get("step_id")), model, start, end, given, parts)
    metrics = step.get("metrics")
    if isinstance(metrics, Mapping):
        call.usage = {name: int(metrics.get(key) or 0) for name, key in _USAGE.items()}
        cost = metrics.get("cost_usd")
        call.cost = float(cost) if isinstance(cost, int | float) else None
    return call


def _tools(step: Mapping[str, Any], time: int) -> Iterator[Tool]:
    observation = step.get("observation")
    results = observation.get("results") if isinstance(observation, Mapping) else None
    by_id = {str(each.get("source_call_id")): each for each in results or () if isinstance(each, Mapping)}
    for call in step.get("tool_calls") or ():
        if isinstance(call, Mapping):
            id_ = str(call.get("tool_call_id") or "")
            result = by_id.get(id_, {})
            said = text_of(result.get("content")) if result else None
            failed = result.get("is_error") is True
            yield Tool(id_, str(call.get("function_name") or ""), call.get("arguments"), time, time, said, failed)
