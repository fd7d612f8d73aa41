# SPDX-License-Identifier: Apache-2.0
"""`/api/public/traces`: the traces of a session, page by page."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote

from pydantic import Field, field_validator
from starlette.requests import Request
from starlette.responses import Response

from otel_sessions.clickhouse.connection import Store
from otel_sessions.langfuse.answers import Page, parameters, time
from otel_sessions.langfuse.score_body import WindowEnd
from otel_sessions.queries import turns
from otel_sessions.queries.rows import Row
from otel_sessions.queries.scores import FIRST, LAST

GROUPS: Final = ("core", "io", "scores", "observations", "metrics")


class TracesPage(Page):
    """Which traces to list, by their start: from `from_timestamp` to before `to_timestamp`."""

    session_id: str = Field(min_length=1)
    user_id: str = ""
    name: str = ""
    tags: list[str] = Field(default_factory=list)
    environment: list[str] = Field(default_factory=list)
    from_timestamp: WindowEnd = FIRST
    to_timestamp: WindowEnd = LAST
    order_by: Literal["timestamp.desc", "timestamp.asc"] = "timestamp.desc"
    fields: frozenset[str] = frozenset(GROUPS)

    @field_validator("fields", mode="before")
    @classmethod
    def _groups(cls, value: Any) -> Any:
        groups = frozenset(value.split(",")) if isinstance(value, str) else value
        if unknown := sorted(groups - set(GROUPS)):
            raise ValueError(f"there are no fields {unknown[:5]}; there are {', '.join(GROUPS)}")
        return groups

    def wanted(self) -> turns.TraceFilter:
        return turns.TraceFilter(
            session_id=self.session_id,
            user_id=self.user_id,
            name=self.name,
            environments=self.environment,
            tags=self.tags,
            from_=self.from_timestamp,
            to=self.to_timestamp,
            latest_first=self.order_by == "timestamp.desc",
        )


class Traces:
    """Handlers; what they raise, `answered` answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, request: Request) -> Response:
        page = TracesPage.model_validate(parameters(request, "tags", "environment"))
        with_ids = not page.fields.isdisjoint(("scores", "observations"))
        found = partial(
            turns.traces_page,
            project=request.state.project,
            wanted=page.wanted(),
            limit=page.limit,
            offset=page.offset,
            with_ids=with_ids,
        )
        rows, total = await self._store.run(found)
        return page.answer([_detailed(row, page.fields) for row in rows], total)


def trace(row: Row, *, has_io: bool = True) -> dict[str, Any]:
    """A row of `session_traces` in Langfuse's shape."""
    return {
        "id": row["TraceId"],
        "timestamp": time(row["StartTime"]),
        "name": row["Name"],
        "input": (row["Input"] or None) if has_io else None,
        "output": (row["Output"] or None) if has_io else None,
        "sessionId": row["SessionId"],
        "userId": row["UserId"] or None,
        "metadata": row["Metadata"] if has_io else {},
        "tags": row["Tags"],
        "environment": row["Environment"] or "default",
        "release": None,
        "version": None,
        "public": False,
        "createdAt": time(row["StartTime"]),
        "updatedAt": time(row["EndTime"]),
        "projectId": row["Project"],
    }


def _detailed(row: Row, groups: frozenset[str]) -> dict[str, Any]:
    """A trace with ids and figures; those that are not asked for are empty lists and -1, as in Langfuse."""
    measured = "metrics" in groups
    return {
        **trace(row, has_io="io" in groups),
        "htmlPath": f"/sessions/{quote(row['SessionId'], safe='')}",
        "latency": row["Duration"] / 1e9 if measured else -1,
        "totalCost": row["Cost"] if measured else -1,
        "observations": row["SpanIds"] if "observations" in groups else [],
        "scores": row["ScoreIds"] if "scores" in groups else [],
    }
