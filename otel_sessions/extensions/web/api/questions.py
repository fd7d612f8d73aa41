"""What is asked over many sessions: the fields of the language, and the values that they have."""

from __future__ import annotations

from typing import Annotated

from clickhouse_connect.driver.client import Client
from pydantic import Field

from otel_sessions.extensions.web.api.operation import Answer, Call, Operation
from otel_sessions.extensions.web.api.parameters import Chosen
from otel_sessions.queries.facets import facets
from otel_sessions.queries.language import FIELDS
from otel_sessions.queries.rows import as_json


class Facets(Chosen):
    field: Annotated[str, Field(min_length=1)]
    limit: Annotated[int, Field(ge=1, le=1000)] = 50


def values(client: Client, call: Call[Facets, None]) -> Answer:
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
    fields = [
        {
            "name": f"{field.name}KEY" if field.is_keyed else field.name,
            "type": "text" if field.type == "texts" else field.type,
            "operators": list(field.operators),
            "description": field.description,
            "values": list(field.words),
        }
        for field in FIELDS.values()
    ]
    return Answer({"fields": fields, "next_cursor": None})


OPERATIONS = (
    Operation("GET", "/api/v1/facets", "Count the values of a field", "questions", values, parameters=Facets),
    Operation("GET", "/api/v1/query-fields", "List the fields of the language", "questions", query_fields),
)
