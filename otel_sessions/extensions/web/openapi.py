# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document, out of the operations and the types of what they take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from otel_sessions._version import __version__
from otel_sessions.extensions.web.api.operation import Operation
from otel_sessions.extensions.web.problems import MEDIA_TYPE
from otel_sessions.sessions.additions import MAX_PATH_NAME

_ID: Final = {"type": "string", "minLength": 1}
_NAME: Final = {**_ID, "maxLength": MAX_PATH_NAME}
_FAULT: Final = {
    "type": "object",
    "required": ["name", "message"],
    "properties": {"name": {"type": "string"}, "message": {"type": "string"}},
}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "position": {
            "type": "integer",
            "description": "where the word at fault of a query begins, in characters from 0",
        },
        "did_you_mean": {"type": "array", "items": {"type": "string"}},
        "errors": {"type": "array", "items": _FAULT, "description": "what is wrong with which parameter or member"},
        "limit": {"type": "string", "enum": ["time", "memory", "rows"]},
    },
}
_REFUSALS: Final = {
    400: "what was sent is not what this takes",
    401: "nobody knows these credentials",
    403: "not allowed",
    404: "there is no such thing",
    405: "not with this method",
    409: "what is there already forbids it",
    413: "the body is too large",
    415: "the body is no JSON",
    422: "the query reached a limit; `limit` says which",
    429: "too many wrong credentials came from this client",
    501: "this service has no ClickHouse",
    503: "ClickHouse is not reached, or too many requests wait",
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1 of these operations."""
    models = [op.parameters for op in operations] + [op.body for op in operations if op.body]
    refs, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas = definitions.get("$defs", {})
    paths: dict[str, Any] = {}
    for op in operations:
        properties = schemas[refs[op.parameters, "validation"]["$ref"].rpartition("/")[2]]
        body = refs[op.body, "validation"] if op.body else None
        paths.setdefault(op.path, {})[op.method.lower()] = _operation(op, properties, body)
    used = f"{paths} {list(schemas.values())}"
    kept = {name: schema for name, schema in schemas.items() if f"#/components/schemas/{name}'" in used}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "otel-sessions",
            "version": __version__,
            "description": "Sessions of OpenTelemetry traces: read, ask, score, publish.",
        },
        "paths": paths,
        "components": {"schemas": {**kept, "Problem": _PROBLEM}},
    }


def _operation(op: Operation, properties: dict[str, Any], body: dict[str, Any] | None) -> dict[str, Any]:
    """An operation as OpenAPI has it; `properties` and `body` are the JSON schemas of its parameters and its body."""
    required = properties.get("required", [])
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _NAME if name == op.given_name else _ID}
        for name in re.findall(r"\{(\w+)\}", op.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in properties.get("properties", {}).items()
    ]
    done: dict[str, Any] = {"description": "done"}
    if op.status != 204:
        done["content"] = {type_: {"schema": op.shape or {}} for type_ in op.answers}
    answers = {str(op.status): done}
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers |= {str(status): {"description": text, "content": problem} for status, text in _REFUSALS.items()}
    words = re.sub(r"\W+", "_", op.path.removeprefix("/api/v1/")).strip("_")
    made: dict[str, Any] = {
        "summary": op.summary,
        "tags": [op.tag],
        "operationId": f"{op.method.lower()}_{words}",
        "parameters": parameters,
    }
    if body is not None:
        content = {"application/json": {"schema": body}}
        made["requestBody"] = {"required": not op.is_body_optional, "content": content}
    return {**made, "responses": answers}


@cache
def known_document() -> bytes:
    """The document of all operations, as JSON."""
    import orjson  # noqa: PLC0415

    from otel_sessions.extensions.web.api.routes import OPERATIONS  # noqa: PLC0415

    return orjson.dumps(document(OPERATIONS))
