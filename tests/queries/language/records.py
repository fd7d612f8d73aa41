"""Sessions as records, and the tables they are rows of: what the views of the schema are read by, column by column."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from clickhouse_connect.driver.client import Client

DATABASE = "language"
TABLES = {
    "sessions": (
        "Project String, SessionId String, StartTime DateTime64(9, 'UTC'), EndTime DateTime64(9, 'UTC'), "
        "Duration UInt64, TraceCount UInt64, SpanCount UInt64, ErrorCount UInt64, UserIds Array(String), "
        "ServiceNames Array(String), Environments Array(String), Models Array(String), Tags Array(String), "
        "InputTokens UInt64, OutputTokens UInt64, TotalTokens UInt64, Cost Float64, UnpricedCalls UInt64, "
        "Metadata Map(String, String)"
    ),
    "session_traces": "Project String, SessionId String, Input String, Output String",
    "session_spans": (
        "Project String, SessionId String, StepKind LowCardinality(String), StepName String, AgentName String, "
        "SpanAttributes Map(LowCardinality(String), String), ResourceAttributes Map(LowCardinality(String), String)"
    ),
    "_turn_minutes": "Project String, SessionId String, TraceId String, Tools Array(String), Agents Array(String)",
    "session_scores": (
        "Project String, SessionId String, Name String, DataType LowCardinality(String), Value Float64, "
        "StringValue String"
    ),
    "_labels": "Project String, SessionId String, Label String",
    "session_comments": "Project String, SessionId String",
    "session_bookmarks": "Project String, SessionId String",
    "session_shares": "Project String, SessionId String",
    "_session_life": "IdleAfter UInt64, IdleAfterOf Map(String, UInt64), UpdatedAt DateTime64(6, 'UTC')",
}


@dataclass(frozen=True)
class SpanRecord:
    kind: str = "other"
    name: str = ""
    agent: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    resource: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreRecord:
    name: str
    data_type: str
    value: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class SessionRecord:
    """Times in nanoseconds since 1970; `texts` are the inputs and outputs of the turns."""

    id: str
    start: int = 0
    end: int = 0
    turns: int = 1
    span_count: int = 1
    errors: int = 0
    users: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    texts: tuple[tuple[str, str], ...] = ()
    spans: tuple[SpanRecord, ...] = ()
    scores: tuple[ScoreRecord, ...] = ()
    commented: bool = False
    bookmarked: bool = False
    shared: bool = False


def create(client: Client) -> None:
    client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    for name, columns in TABLES.items():
        client.command(f"CREATE TABLE IF NOT EXISTS {DATABASE}.{name} ({columns}) ENGINE = Memory")


def store(client: Client, project: str, sessions: list[SessionRecord]) -> None:
    for name in TABLES:
        client.command(f"TRUNCATE TABLE {DATABASE}.{name}")
        rows = [{"Project": project, "SessionId": s.id, **row} for s in sessions for row in _rows(name, s)]
        if rows:
            block = "\n".join(json.dumps(row) for row in rows).encode()
            client.raw_insert(f"{DATABASE}.{name}", insert_block=block, fmt="JSONEachRow", settings={"async_insert": 0})


def _rows(table: str, session: SessionRecord) -> list[dict[str, Any]]:
    match table:
        case "sessions":
            return [_session(session)]
        case "session_traces":
            return [{"Input": given, "Output": got} for given, got in session.texts]
        case "session_spans":
            return [
                {"StepKind": span.kind, "StepName": span.name, "AgentName": span.agent}
                | {"SpanAttributes": span.attributes, "ResourceAttributes": span.resource}
                for span in session.spans
            ]
        case "_turn_minutes":
            return [
                {
                    "Tools": [span.name] if span.kind == "tool" and span.name else [],
                    "Agents": [span.agent] * bool(span.agent),
                }
                for span in session.spans
            ]
        case "session_scores":
            return [
                {"Name": score.name, "DataType": score.data_type, "Value": score.value, "StringValue": score.text}
                for score in session.scores
            ]
        case "_labels":
            return [{"Label": label} for label in session.labels]
        case "_session_life":
            return []
        case _:
            there = {"session_comments": "commented", "session_bookmarks": "bookmarked", "session_shares": "shared"}
            return [{}] if getattr(session, there[table]) else []


def _session(session: SessionRecord) -> dict[str, Any]:
    return {
        "StartTime": _time(session.start),
        "EndTime": _time(session.end),
        "Duration": session.end - session.start,
        "TraceCount": session.turns,
        "SpanCount": session.span_count,
        "ErrorCount": session.errors,
        "UserIds": session.users,
        "ServiceNames": session.services,
        "Environments": session.environments,
        "Models": session.models,
        "Tags": session.tags,
        "InputTokens": session.input_tokens,
        "OutputTokens": session.output_tokens,
        "TotalTokens": session.input_tokens + session.output_tokens,
        "Cost": session.cost,
        "UnpricedCalls": session.unpriced,
        "Metadata": session.metadata,
    }


def _time(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
