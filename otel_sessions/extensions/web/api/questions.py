# SPDX-License-Identifier: Apache-2.0
"""What is asked over many sessions: the fields of the language, and the values that they have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from otel_sessions.clickhouse.surface import Client
from otel_sessions.errors import near
from otel_sessions.extensions.web.api.operation import Answer, Call, Operation
from otel_sessions.extensions.web.api.parameters import Chosen
from otel_sessions.queries.facets import facets
from otel_sessions.queries.filters import FIRST_NS, LAST_NS
from otel_sessions.queries.language import FIELDS, values
from otel_sessions.queries.metrics import (
    ALL_SERIES,
    DEFAULT_SERIES,
    GroupBy,
    Measured,
    Series,
    metrics,
)
from otel_sessions.queries.rows import Row, as_json


class Facets(Chosen):
    field: Annotated[str, Field(min_length=1)]
    limit: Annotated[int, Field(ge=1, le=1000)] = 50


def facet(client: Client, call: Call[Facets, None]) -> Answer:
    wanted = call.parameters
    rows = facets(
        client,
        project=call.project,
        field=wanted.field,
        limit=wanted.limit,
        chosen=wanted.filter(),
        now_ns=call.now_ns,
    )
    return Answer({"values": [as_json(row) for row in rows], "next_cursor": None})


def query_fields(_: Client, __: Call[Chosen, None]) -> Answer:
    return Answer({"fields": shown_fields(), "next_cursor": None})


def shown_fields() -> list[Row]:
    """The fields of the query language: name, type, operators, description, and the words that a value can be."""
    return [
        {
            "name": field.shown_name,
            "type": "text" if field.type == "texts" else field.type,
            "operators": list(field.operators),
            "description": field.description,
            "values": list(field.words),
        }
        for field in FIELDS.values()
    ]


def _series(value: Any) -> Any:
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        value = ",".join(value)
    if not isinstance(value, str):
        return value
    names = list(dict.fromkeys(name for name in value.split(",") if name))
    unknown = [name for name in names if name not in ALL_SERIES]
    if unknown or not names:
        also = near(unknown[0], ALL_SERIES) if unknown else ""
        raise ValueError(f"write some of {', '.join(ALL_SERIES)}, with commas between{also}")
    return tuple(names)


def _interval(value: Any) -> Any:
    """The nanoseconds of a duration; None for `all`. Raises ValueError."""
    if value == "all" or value is None:
        return None
    found = values.duration(value) if isinstance(value, str) else None
    if found is None or not 1 <= found < 2**62:
        raise ValueError("write `all`, or a duration, as in 5m, 1h or 1d")
    return int(found)


class Metrics(Chosen):
    series: Annotated[
        tuple[Series, ...],
        BeforeValidator(_series),
        WithJsonSchema({"type": "string", "description": f"Some of {', '.join(ALL_SERIES)}, with commas between."}),
    ] = DEFAULT_SERIES
    interval: Annotated[int | None, BeforeValidator(_interval), WithJsonSchema({"type": "string"})] = None
    group_by: GroupBy | None = None
    top: Annotated[int, Field(ge=1, le=1000)] = 10


def measure(client: Client, call: Call[Metrics, None]) -> Answer:
    return Answer({"groups": metrics(client, measured(call.project, call.parameters), now_ns=call.now_ns)})


def measured(project: str, wanted: Metrics) -> Measured:
    """These parameters as `queries.metrics` takes them."""
    chosen = wanted.filter()
    return Measured(
        project,
        wanted.query,
        FIRST_NS if chosen.from_ns is None else chosen.from_ns,
        LAST_NS if chosen.to_ns is None else chosen.to_ns,
        wanted.series,
        wanted.interval,
        wanted.group_by,
        wanted.top,
    )


OPERATIONS = (
    Operation("GET", "/api/v1/metrics", "Figures over many sessions", "questions", measure, parameters=Metrics),
    Operation("GET", "/api/v1/facets", "Count the values of a field", "questions", facet, parameters=Facets),
    Operation("GET", "/api/v1/query-fields", "List the fields of the language", "questions", query_fields),
)
