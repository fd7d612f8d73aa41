# SPDX-License-Identifier: Apache-2.0
"""When a session is idle and when it falls into parts, as the tables have it: whatever reads goes by that."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.inserts import settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def set_limits(
    client: Client,
    *,
    idle_after: float,
    idle_after_of: Mapping[str, float],
    split_after: float | None = None,
    split_after_of: Mapping[str, float | None] | None = None,
) -> None:
    """Stores how long after the end of its last span a session is idle, and after how long without a turn a new part
    of it begins (None: never), in seconds, by project where that differs.

    What was stored last counts for all who read. Raises `Retryable` or `Permanent`.
    """
    row = {
        "IdleAfter": _ns(idle_after),
        "IdleAfterOf": {project: _ns(of) for project, of in idle_after_of.items()},
        "SplitAfter": _ns(split_after),
        "SplitAfterOf": {project: _ns(of) for project, of in (split_after_of or {}).items()},
        "UpdatedAt": time.time_ns() // 1000 / 1e6,
    }
    with writing("storing when sessions are idle"):
        client.raw_insert("_session_life", insert_block=orjson.dumps(row), settings=settings(client), fmt="JSONEachRow")


def _ns(seconds: float | None) -> int:
    return round((seconds or 0) * 1e9)
