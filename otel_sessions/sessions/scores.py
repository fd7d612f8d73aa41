# SPDX-License-Identifier: Apache-2.0
"""Scores on sessions, traces and spans, written; `queries.scores` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import orjson

from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.inserts import settings

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

DataType = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"]
_DELETE = """INSERT INTO _scores
SELECT known.* REPLACE (
    1 AS IsDeleted,
    greatest(now64(9, 'UTC'), known.UpdatedAt + INTERVAL 1 MICROSECOND) AS UpdatedAt)
FROM
(
    SELECT * FROM _scores FINAL WHERE Project = {project:String} AND ScoreId = {score_id:String} AND IsDeleted = 0
) AS known"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One row of `_scores`; its target is a session, a trace, or a span of a trace.

    `value` is 0 for CATEGORICAL and TEXT, `string_value` is empty for NUMERIC. Of several scores with one id the one of
    the latest `updated_at` counts, of equal ones the last stored. Times are aware, within 1970 and 2261.
    """

    project: str
    score_id: str
    name: str
    data_type: DataType
    timestamp: datetime
    updated_at: datetime
    value: float = 0.0
    string_value: str = ""
    session_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    comment: str = ""
    source: str = "API"
    metadata: str = ""
    environment: str = "default"


def store(client: Client, scores: Sequence[Score]) -> None:
    """Stores these; the same once more changes nothing. Raises `Retryable`, `SchemaError` or `Permanent`."""
    if not scores:
        return
    lines = []
    for score in scores:
        row = {}
        for name in Score.__slots__:
            value = getattr(score, name)
            if isinstance(value, datetime):
                value = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            row["".join(part.capitalize() for part in name.split("_"))] = value
        lines.append(orjson.dumps(row))
    body = b"\n".join(lines)
    with writing("storing scores"):
        client.raw_insert("_scores", insert_block=body, settings=settings(client), fmt="JSONEachRow")


def delete(client: Client, *, project: str, score_id: str) -> None:
    """Deletes it for good, where it is; repetitions of what was stored before do not bring it back."""
    with writing("deleting a score"):
        client.command(_DELETE, parameters={"project": project, "score_id": score_id}, settings=settings(client))
