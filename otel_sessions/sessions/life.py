# SPDX-License-Identifier: Apache-2.0
"""When a session is idle, as the tables have it: whatever reads sessions goes by that, SQL of others too."""

from __future__ import annotations

import time
from collections.abc import Mapping

import orjson
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.inserts import settings


def set_idle_after(client: Client, seconds: float, of_projects: Mapping[str, float]) -> None:
    """Stores how long after the end of its last span a session is idle, by project where that differs.

    What was stored last counts for all who read. Raises `Retryable` or `Permanent`.
    """
    row = {
        "IdleAfter": _ns(seconds),
        "IdleAfterOf": {project: _ns(of) for project, of in of_projects.items()},
        "UpdatedAt": time.time_ns() // 1000 / 1e6,
    }
    with writing("storing when sessions are idle"):
        client.raw_insert("_session_life", insert_block=orjson.dumps(row), settings=settings(client), fmt="JSONEachRow")


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
