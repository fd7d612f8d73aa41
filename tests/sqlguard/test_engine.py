"""What the guard's lists were made from: an engine that brings more says here what nobody has looked at yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

SEEN = Path(__file__).parent / "engine"
SETTINGS = "write those that only shape an answer or tune a read into otel_sessions/sqlguard/allowed_settings.txt"
FUNCTIONS = "write those that read files, other tables, the network, or only wait into REFUSED_FUNCTIONS"
TABLES = "write those that reach out, hold secrets or stop threads into REFUSED_SYSTEM_TABLES"


@pytest.mark.parametrize(
    ("kind", "query", "advice"),
    [
        ("settings", "SELECT name FROM system.settings", SETTINGS),
        (
            "functions",
            "SELECT name FROM system.functions WHERE NOT is_aggregate AND alias_to = '' AND origin = 'System'",
            FUNCTIONS,
        ),
        ("system_tables", "SELECT name FROM system.tables WHERE database = 'system' AND engine LIKE 'System%'", TABLES),
    ],
)
def test_all_that_the_engine_has_was_looked_at(kind: str, query: str, advice: str, client: Client) -> None:
    seen = set((SEEN / f"{kind}.txt").read_text().split())
    new = set(client.raw_query(query, fmt="TSV").decode().split()) - seen
    assert not new, f"new {kind}: {sorted(new)}; {advice}, then all of them into {SEEN.name}/{kind}.txt"
