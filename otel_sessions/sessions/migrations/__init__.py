# SPDX-License-Identifier: Apache-2.0
"""The schema of this version: the numbered files beside this, and how to bring a database to them."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from otel_sessions.clickhouse import schema
from otel_sessions.clickhouse.cluster import Layout, made_by
from otel_sessions.clickhouse.schema import Migration, script

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["Migration", "apply", "layout", "migrations", "pending", "script"]

BY_TRACE: Final = frozenset(
    {
        "otel_traces",
        "_session_turns",
        "_session_activity",
        "_trace_claims",
        "_corrections",
        "_corrected_turns",
        "_corrected_spans",
        "_turn_minutes",
        "session_spans",
    }
)
"""What lies on the shard of its trace, on a cluster: all that grows with the spans, and views that join such tables.
Every other table is on every server whole."""

_INLINED: Final = ("_turn_minutes",)


@cache
def migrations() -> tuple[Migration, ...]:
    """All there are, oldest first."""
    found = schema.read(__name__)
    text = "\n".join(migration.sql for migration in found)
    inlined = {}
    for view in _INLINED:
        made = re.search(rf"^CREATE OR REPLACE VIEW {view} AS\n(.*?)\nCOMMENT '", text, re.MULTILINE | re.DOTALL)
        assert made is not None, f"there is no view {view}"
        inlined[view] = made[1].partition("\nFROM ")[2]  # what it reads
    return tuple(replace(migration, inlined=inlined) for migration in found)


def layout(database: str, cluster: str | None) -> Layout | None:
    """How the schema lies on a cluster; None where there is none."""
    if cluster is None:
        return None
    names = made_by("\n".join(migration.sql for migration in migrations()))
    return Layout(cluster, database, names, BY_TRACE)


def pending(client: Client, database: str, cluster: str | None = None) -> tuple[Migration, ...]:
    """Those that this database has not had, see `schema.pending`."""
    return schema.pending(client, database, migrations(), layout(database, cluster))


def apply(client: Client, database: str, cluster: str | None = None) -> tuple[Migration, ...]:
    """Makes the database if need be and applies what is pending, see `schema.apply`; returns what was applied."""
    return schema.apply(client, database, migrations(), layout(database, cluster))
