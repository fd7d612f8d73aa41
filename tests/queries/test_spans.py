"""A page of spans is read in the parts in which they lie, and is whole whatever becomes of these meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.surface import Front
from otel_sessions.queries.spans import list_spans
from tests.integration.delivery import new_project
from tests.queries.test_replay import store, turn


class Between(Front):
    """Runs a statement before spans are read in parts, and notes what is read of texts."""

    def __init__(self, behind: Client, before: str) -> None:
        super().__init__(behind)
        self._before = before
        self.read: list[str] = []

    def raw_query(
        self, query: str, parameters: Any = None, settings: dict[str, Any] | None = None, fmt: str | None = None
    ) -> bytes:
        if "{span_ids:" in query:
            self.read.append(query)
        if "_part IN" in query:
            self.behind.command(self._before)
        return super().raw_query(query, parameters, settings, fmt)


@pytest.fixture
def project(otel_client: Client) -> str:
    """A project with a session whose turns lie in parts of their own."""
    project = new_project()
    otel_client.command("SYSTEM STOP MERGES otel_traces")
    for number in range(3):
        store(otel_client, project, *turn(number, ("chat", {"input.value": "why " * 50})))
    otel_client.command("SYSTEM START MERGES otel_traces")
    return project


@pytest.mark.parametrize("preview", [None, 8])
@pytest.mark.parametrize(("before", "reads"), [("SELECT 1", 1), ("OPTIMIZE TABLE otel_traces FINAL", 2)])
def test_a_page_is_whole_though_its_parts_are_merged(
    otel_client: Client, project: str, before: str, reads: int, preview: int | None
) -> None:
    client = Between(otel_client, before)
    page = list_spans(client, project=project, session_id="s", limit=5, preview=preview)
    assert len(client.read) == reads
    assert [(row["TraceId"], row["SpanName"]) for row in page.rows] == [
        (f"{number + 1:032x}", name) for number in range(3) for name in (f"turn {number}", "chat")
    ][:5]
    assert all(row["SpanAttributes"]["input.value"].startswith("why why ") for row in page.rows[1::2])
    rest = list_spans(client, project=project, session_id="s", limit=5, cursor=page.next_cursor)
    assert [row["TraceId"] for row in rest.rows] == [f"{3:032x}"]
    assert rest.next_cursor is None
