# SPDX-License-Identifier: Apache-2.0
"""Parameters that several operations take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from otel_sessions.extensions.web.api.operation import Parameters
from otel_sessions.queries.filters import Filter, end_of_window
from otel_sessions.queries.language import values
from otel_sessions.queries.language.tree import Span
from otel_sessions.queries.listing import Order, Sort
from otel_sessions.queries.paging import MAX_LIMIT
from otel_sessions.queries.shapes import DEFAULT_GROUPS, GROUPS, no_groups


def time_of(value: Any, *, or_date: bool = True) -> Span:
    """The nanoseconds since 1970 of an RFC 3339 time, or those of the day that a date is. Raises ValueError."""
    span = values.time(value) if isinstance(value, str) else None
    if span is None or (span.first != span.last and not or_date):
        date = "a date, as in 2026-01-31, or " if or_date else ""
        raise ValueError(f"write {date}a time as RFC 3339 has it, as in 2026-01-31T10:00:00Z")
    return span


def _time(*, is_end: bool) -> Callable[[Any], Any]:
    def nanoseconds(value: Any) -> Any:
        # a plus of an offset that was not encoded arrives as a space
        span = time_of(value.replace(" ", "+") if isinstance(value, str) else value)
        return end_of_window(span, is_last=is_end)

    return nanoseconds


def rfc3339_of(time: datetime) -> str:
    """A time as answers have it: RFC 3339 in UTC, with nanoseconds."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


_TIME_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "format": "date-time",
        "description": "Inclusive; a date is taken as its whole UTC day.",
    }
)
From = Annotated[int | None, BeforeValidator(_time(is_end=False)), Field(alias="from"), _TIME_SCHEMA]
To = Annotated[int | None, BeforeValidator(_time(is_end=True)), Field(alias="to"), _TIME_SCHEMA]
Preview = Annotated[int | None, Field(ge=0, le=10_000_000)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, StringConstraints(min_length=1)]


def _groups(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    names = {name for name in value.split(",") if name}
    unknown = sorted(names - set(GROUPS))
    if unknown:
        raise ValueError(no_groups(unknown))
    return frozenset(names | {"core"})


Fields = Annotated[
    frozenset[str],
    BeforeValidator(_groups),
    WithJsonSchema({"type": "string", "description": f"Several of {', '.join(GROUPS)}, with commas between."}),
]


class Paged(Parameters):
    limit: Limit = 50
    cursor: Cursor | None = None


class Texts(Parameters):
    preview: Preview = None


class PagedTexts(Paged):
    preview: Preview = None


class Chosen(Parameters):
    """The sessions that a query and a window of time choose."""

    query: str = ""
    from_: From = None
    to: To = None

    def filter(self) -> Filter:
        return Filter(query=self.query, from_ns=self.from_, to_ns=self.to)


class Listed(Chosen):
    """Which sessions to list, in which order, and what of them."""

    limit: Limit = 50
    cursor: Cursor | None = None
    sort: Sort = "last_activity"
    order: Order = "desc"
    fields: Fields = DEFAULT_GROUPS
    preview: Preview = None
    q: str | None = None
    user_id: str | None = None
    service: str | None = None
    environment: str | None = None
    model: str | None = None
    tag: str | None = None
    has_error: bool | None = None
    bookmarked: bool | None = None
    min_cost: Annotated[float, Field(allow_inf_nan=False)] | None = None
    min_duration_ms: Annotated[float, Field(allow_inf_nan=False)] | None = None

    def filter(self) -> Filter:
        shorthands = self.model_dump(include=set(Filter.__slots__) - {"query", "from_ns", "to_ns"})
        return Filter(query=self.query, from_ns=self.from_, to_ns=self.to, **shorthands)
