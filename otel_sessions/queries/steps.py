# SPDX-License-Identifier: Apache-2.0
"""One step: a span of a session with what went in and came out of it, whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.genai.transcript import Reader
from otel_sessions.queries.rows import Row, as_json, select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_NAMES: Final = {"step_kind": "kind", "step_name": "name", "agent_name": "agent", "status_code": "status"}
_CONTENT: Final = ("span_attributes", "resource_attributes", "events")
_EXCEPTION: Final = "exception"


def error_of(status: str, message: str, events: Iterable[tuple[str, Mapping[str, str]]], name: str) -> str:
    """Why a step failed: the message of its status, else of the exception that it noted, else its name. Empty for one
    that did not.
    """
    if status.lower() != "error":
        return ""
    raised = (attributes.get("exception.message", "") for event, attributes in events if event == _EXCEPTION)
    return message or next(filter(None, raised), "") or name


def agents_of(spans: Iterable[Row]) -> dict[str, str]:
    """Of each span the agent that the nearest span upwards names, itself included; empty without any."""
    rows = {span["SpanId"]: span for span in spans}
    found: dict[str, str] = {}
    for span_id in rows:
        path: list[str] = []
        at = span_id
        while at in rows and at not in found and not rows[at]["AgentName"] and len(path) <= len(rows):
            path.append(at)
            at = rows[at]["ParentSpanId"]
        agent = found.get(at) or (rows[at]["AgentName"] if at in rows else "")
        found.update(dict.fromkeys((*path, span_id), agent))
    return found


def read_step(client: Client, *, project: str, trace_id: str, span_id: str) -> Row | None:
    """The members that a step has in the replay, `messages_in`, `messages_out` and `tools` in place, and behind them
    `attributes`, `resource_attributes` and `events` as they were sent. None if no session has such a span.
    """
    rows = select(client, "step", {"project": project, "trace_id": trace_id, "span_id": span_id})
    if not rows:
        return None
    turn = {"project": project, "session_id": rows[0]["SessionId"], "trace_id": trace_id}
    agent = rows[0]["AgentName"] or agents_of(select(client, "step_agents", turn)).get(span_id, "")
    row: dict[str, Any] = {**as_json(rows[0]), "agent_name": agent}
    content = {name: row.pop(name) for name in _CONTENT}
    attributes, events = content["span_attributes"], content["events"]
    named = [(event["name"], event["attributes"]) for event in events]
    said = Reader().step(attributes, named, row["step_kind"] or "other", row["step_name"])
    shown = {_NAMES.get(name, name): value for name, value in row.items()}
    return {
        **shown,
        "status": shown["status"].lower() or "unset",
        "error": error_of(shown["status"], shown["status_message"], named, shown["name"]),
        "messages_out": list(said.output),
        "messages_in": list(said.input),
        "tools": list(said.tools),
        "attributes": attributes,
        "resource_attributes": content["resource_attributes"],
        "events": events,
    }
