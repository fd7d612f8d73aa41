# SPDX-License-Identifier: Apache-2.0
"""Scores as Langfuse writes them, in its versions 2 and 3."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from otel_sessions.langfuse.answers import time
from otel_sessions.langfuse.score_pages import SOURCE_OF
from otel_sessions.queries.rows import Row


def score(row: Row, project: str) -> dict[str, Any]:
    """A score in the shape of v2; ids that it has not are null."""
    shown = {
        **_core(row, project),
        "value": row["Value"],
        "traceId": row["TraceId"] or None,
        "sessionId": row["SessionId"] or None,
        "observationId": row["SpanId"] or None,
        "comment": row["Comment"] or None,
        "metadata": _metadata(row["Metadata"]),
    }
    return shown if row["DataType"] == "NUMERIC" else {**shown, "stringValue": row["StringValue"]}


def score_in_groups(row: Row, project: str, groups: Collection[str]) -> dict[str, Any]:
    """A score in the shape of v3: its value as its type has it, and what the groups add."""
    kind = row["DataType"]
    value = row["Value"] if kind == "NUMERIC" else row["Value"] == 1 if kind == "BOOLEAN" else row["StringValue"]
    shown = {**_core(row, project), "value": value}
    if "details" in groups:
        shown |= {"comment": row["Comment"] or None, "configId": None, "metadata": _metadata(row["Metadata"])}
    if "subject" in groups:
        if row["SpanId"]:
            shown["subject"] = {"kind": "observation", "id": row["SpanId"], "traceId": row["TraceId"] or None}
        elif row["TraceId"]:
            shown["subject"] = {"kind": "trace", "id": row["TraceId"]}
        else:
            shown["subject"] = {"kind": "session", "id": row["SessionId"]}
    if "annotation" in groups:
        shown |= {"authorUserId": None, "queueId": None}
    return shown


def _core(row: Row, project: str) -> dict[str, Any]:
    return {
        "id": row["ScoreId"],
        "projectId": project,
        "name": row["Name"],
        "dataType": row["DataType"],
        "source": SOURCE_OF.get(row["Source"], "API"),
        "environment": row["Environment"],
        "timestamp": time(row["Timestamp"]),
        "createdAt": time(row["Timestamp"]),
        "updatedAt": time(row["UpdatedAt"]),
    }


def _metadata(text: str) -> dict[str, Any]:
    """An object; any other value under the name `metadata`."""
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {"metadata": value}
