"""The session processor once more, naively: what one span says, read row by row from its attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.pdata import NO_CLAIM, SpanBatch
from otel_sessions.pdata.otlp import decode
from otel_sessions.pdata.values import as_text, is_composite
from otel_sessions.semconv import sessions, steps
from otel_sessions.semconv.usage import (
    COST_KEYS,
    INPUT_TOKEN_KEYS,
    MODEL_KEYS,
    OUTPUT_TOKEN_KEYS,
    SUMMARY_MARKS,
    TOTAL_TOKEN_KEYS,
)
from otel_sessions.testing.otlp import Attributes, key_values, request

LIMIT = 8192
Row = dict[str, Any]


def batch_of(*spans: Span, project: str = "default", resource: Attributes | None = None) -> SpanBatch:
    """A batch of one request."""
    return batch_of_requests((spans, resource or {}), project=project)


def batch_of_requests(*requests: tuple[Iterable[Span], Attributes], project: str = "default") -> SpanBatch:
    """A batch of several requests, each the spans of one resource."""
    bodies = [request(*spans, resource=resource).SerializeToString() for spans, resource in requests]
    decoded = decode(bodies, [project] * len(bodies))
    assert not any(result.rejected_spans or result.error for result in decoded.results)
    return decoded.batch


def rows_of(batch: SpanBatch) -> list[Row]:
    rows: list[Row] = batch.record.to_pylist()
    return rows


def is_id(text: str) -> bool:
    return bool(text.strip()) and not text.startswith("[Scrubbed due to") and len(text.encode()) <= LIMIT


def decoded(key: str, text: str) -> str:
    """Metadata may be JSON-encoded."""
    if not key.startswith(sessions.JSON_ENCODED_PREFIXES):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else "" if value is None else text


def own_claim(span: Attributes, resource: Attributes) -> tuple[int, str, str]:
    """Level, id, key."""
    levels = [
        (1, sessions.SESSION_KEYS, span),
        (2, sessions.SESSION_KEYS, resource),
        (3, sessions.CONVERSATION_KEYS, span),
        (4, sessions.CONVERSATION_KEYS, resource),
    ]
    for level, keys, attributes in levels:
        for key in keys:
            text = id_under(key, attributes)
            if text:
                return level, text, key
    return NO_CLAIM, "", ""


def id_under(key: str, attributes: Attributes) -> str:
    for pair in key_values(attributes):
        if pair.key == key and not is_composite(pair.value):
            text = decoded(key, as_text(pair.value))
            return text if is_id(text) else ""
    return ""


def user(span: Attributes, resource: Attributes) -> str:
    found = (id_under(key, attributes) for attributes in (span, resource) for key in sessions.USER_KEYS)
    return next(filter(None, found), "")


def texts(attributes: Attributes) -> dict[str, str]:
    """The attributes as the columns hold them."""
    return {pair.key: text for pair in key_values(attributes) if (text := as_text(pair.value))}


def is_model_call(attributes: Mapping[str, str]) -> bool:
    for key in steps.STEP_KIND_KEYS:
        if key in attributes:
            return attributes[key].lower() in steps.MODEL_CALL_KINDS
    for mark in SUMMARY_MARKS:
        key, _, value = mark.partition("=")
        if key in attributes and value in ("", attributes[key]):
            return False
    return any(key in attributes for key in MODEL_KEYS)


def number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found <= 10**15 else None


def first_number(attributes: Mapping[str, str], sources: Iterable[str]) -> Decimal:
    return stated(attributes, sources) or Decimal(0)


def stated(attributes: Mapping[str, str], sources: Iterable[str]) -> Decimal | None:
    for source in sources:
        key, _, member = source.partition("#")
        found = _number_at(attributes[key], member) if key in attributes else None
        if found is not None:
            return found
    return None


def _number_at(text: str, member: str) -> Decimal | None:
    if not member:
        return number(text)
    try:
        value = json.loads(text, parse_float=str)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    known = {name: n for name, n in ((name, number(each)) for name, each in value.items()) if n is not None}
    if len(member) > 1 and member.startswith("*"):
        others = {name: n for name, n in known.items() if name != "total"}
        disjoint = "total" in known and sum(others.values()) <= known["total"]
        known = {name: n for name, n in others.items() if disjoint and member.strip("*") in name}
    elif member != "*":
        for step in member.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return number(value)
    return sum(known.values(), Decimal(0)) if known else None


def usage(attributes: Attributes) -> Row:
    """The columns of tokens and cost."""
    plain = texts(attributes)
    if not is_model_call(plain):
        return {"InputTokens": 0, "OutputTokens": 0, "TotalTokens": 0, "Cost": Decimal(0), "CostSource": ""}
    inputs = int(first_number(plain, INPUT_TOKEN_KEYS))
    outputs = int(first_number(plain, OUTPUT_TOKEN_KEYS))
    total = inputs + outputs or int(first_number(plain, TOTAL_TOKEN_KEYS))
    told = stated(plain, COST_KEYS)
    cost = (told or Decimal(0)).quantize(Decimal("1e-12"), rounding=ROUND_HALF_EVEN)
    source = "" if told is None else "attribute"
    return {"InputTokens": inputs, "OutputTokens": outputs, "TotalTokens": total, "Cost": cost, "CostSource": source}
