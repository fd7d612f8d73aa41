"""What the exporter `otlp` sends of what was sent to us: all of it, but for what the processors changed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.exporters.otlp.encode import chunks, encoded
from otel_sessions.pdata import SpanBatch, decode, split
from otel_sessions.pdata.rows import fault_of
from otel_sessions.pdata.values import as_text
from otel_sessions.processors.redaction import RedactionConfig, RedactionProcessor
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing.otlp import event, key_values, link, request, resource_spans, span
from tests.pdata.test_otlp import REQUESTS

thorough = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
TYPED = {
    "text": "x",
    "int": 7,
    "zero": 0,
    "double": 0.5,
    "nan": float("nan"),
    "bool": True,
    "bytes": b"\xff\x00",
    "none": None,
    "list": ["a", 1, None],
    "map": {"k": [1.5, {"l": b"x"}]},
    "digits": "7",
}


def batch_of(*messages: ExportTraceServiceRequest | bytes) -> SpanBatch:
    bodies = tuple(message if isinstance(message, bytes) else message.SerializeToString() for message in messages)
    record = decode(bodies, ["p"] * len(bodies)).batch.record
    return SpanBatch(record, requests=bodies)


def forwarded(*batches: SpanBatch) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(encoded(batches))


def normal(*messages: ExportTraceServiceRequest) -> list[Any]:
    """Of each valid span: its resource, its scope, itself; of a key that is repeated the last value."""
    found = []
    for message in messages:
        for group in message.resource_spans:
            for scope in group.scope_spans:
                found += [
                    (_once(group, "scope_spans"), _once(scope, "spans"), _once(item))
                    for item in scope.spans
                    if not fault_of(item.trace_id, item.span_id, item.parent_span_id)
                ]
    return found


def _once(message: Any, *left_out: str) -> str:
    copy = type(message)()
    copy.CopyFrom(message)
    for name in left_out:
        copy.ClearField(name)
    parts = [getattr(copy, name) for name in ("resource", "scope") if name in copy.DESCRIPTOR.fields_by_name]
    parts += [*getattr(copy, "events", ()), *getattr(copy, "links", ())]
    for owner in parts or [copy]:
        _dedupe(owner.attributes)
    if parts and hasattr(copy, "attributes"):
        _dedupe(copy.attributes)
    return str(copy)


def _dedupe(attributes: Any) -> None:
    last = {pair.key: pair.value for pair in attributes}
    pairs = [type(attributes[0])(key=key, value=value) for key, value in last.items()] if last else []
    del attributes[:]
    attributes.extend(pairs)


@thorough
@given(st.lists(REQUESTS, max_size=3))
def test_what_no_processor_touched_is_what_was_sent(messages: list[ExportTraceServiceRequest]) -> None:
    assert normal(forwarded(batch_of(*messages))) == normal(*messages)


@settings(thorough, max_examples=20)
@given(st.lists(REQUESTS, max_size=3), st.randoms(use_true_random=False))
def test_what_a_processor_left_out_is_not_sent(messages: list[Any], rng: random.Random) -> None:
    batch = batch_of(*messages)
    kept = [rng.random() < 0.5 for _ in range(len(batch))]
    found = normal(forwarded(batch.filter(pa.array(kept, pa.bool_()))))
    assert found == [row for row, keep in zip(normal(*messages), kept, strict=True) if keep]


@settings(thorough, max_examples=20)
@given(st.lists(REQUESTS, min_size=1, max_size=3), st.integers(0, 10))
def test_halves_are_together_what_was_sent(messages: list[Any], at: int) -> None:
    first, second = split([batch_of(*messages)], at)
    assert [*normal(forwarded(*first)), *normal(forwarded(*second))] == normal(*messages)


def test_groups_are_those_that_came() -> None:
    scopes = [resource_spans(span(), span(), resource={"r": n}, scope=(f"s{n}", "1")) for n in range(2)]
    message = request(*scopes)
    message.resource_spans[0].scope_spans.add(spans=[span()])
    assert forwarded(batch_of(message)) == message


def typed() -> ExportTraceServiceRequest:
    spans = [
        span(
            f"s{number}",
            attributes=TYPED | {"email": "me@example.com", "password": 12, "list of mail": ["me@example.com"]},
            events=[event("e", attributes=TYPED | {"password": 1})],
            links=[link("0d" * 16, "0e" * 8, attributes=TYPED | {"password": 1})],
            status="Error",
            message="mail me@example.com",
        )
        for number in range(3)
    ]
    secret = TYPED | {"password": 1}
    return request(*spans, resource=secret, scope=("lib", "1"), scope_attributes=secret)


def test_of_redacted_spans_exactly_the_changes_are_text() -> None:
    config = {"dropped_key_patterns": ["password"], "blocked_values": ["email"], "blocked_key_patterns": ["^int$"]}
    redaction = RedactionProcessor(RedactionConfig.model_validate(config))
    message = typed()
    found = forwarded(SessionProcessor(SessionConfig()).process(redaction.process(batch_of(message))))
    hidden = key_values(TYPED | {"int": "****"})
    [group] = found.resource_spans
    [scope] = group.scope_spans
    assert str(list(group.resource.attributes)) == str(list(scope.scope.attributes)) == str(hidden)
    for got, sent in zip(scope.spans, message.resource_spans[0].scope_spans[0].spans, strict=True):
        assert str(list(got.attributes)) == str([*hidden, *key_values({"email": "****", "list of mail": '["****"]'})])
        assert str(list(got.events[0].attributes)) == str(list(got.links[0].attributes)) == str(hidden)
        assert got.status.message == "mail ****"
        assert (got.name, got.trace_id, got.events[0].name) == (sent.name, sent.trace_id, "e")


@settings(thorough, max_examples=20)
@given(st.lists(REQUESTS, max_size=2), st.sampled_from(["a", "[0-9]", ".", "^$"]))
def test_nothing_is_sent_that_a_redaction_took_away(messages: list[Any], pattern: str) -> None:
    config = RedactionConfig.model_validate({"dropped_key_patterns": [pattern], "blocked_values": ["[a-m]"]})
    batch = RedactionProcessor(config).process(batch_of(*messages))
    again = batch_of(forwarded(batch))
    for name in ("SpanAttributes", "ResourceAttributes", "ScopeAttributes", "Events.Attributes", "StatusMessage"):
        assert again[name].to_pylist() == batch[name].to_pylist()


def test_a_value_that_a_redaction_did_not_see_is_not_sent() -> None:
    pairs = [("a", "me@example.com"), ("a", "fine")]
    message = request(span(attributes=pairs), resource=dict(pairs))
    message.resource_spans[0].resource.attributes.insert(0, message.resource_spans[0].resource.attributes[0])
    message.resource_spans[0].resource.attributes[0].value.string_value = "me@example.com"
    assert b"example" not in encoded([batch_of(message)])


def test_what_else_a_processor_writes_is_sent() -> None:
    batch = batch_of(request(*(span("old", events=[event("x")], links=[link("0d" * 16, "0e" * 8)]) for _ in range(2))))
    columns = {
        "SpanName": pa.array(["new", "old"]),
        "SpanKind": pa.array(["Server", "Internal"]),
        "StatusCode": pa.array(["Unset", "Error"]),
        "TraceState": pa.array(["a=b", ""]),
        "SpanAttributes": pa.array([[("added", "1")], []], batch["SpanAttributes"].type),
        "ResourceAttributes": pa.array([[("r", "1")], [("r", "2")]], batch["SpanAttributes"].type),
    }
    for name in ("Events.Timestamp", "Events.Name", "Events.Attributes"):
        columns[name] = pa.array([[], batch[name][1].as_py()], batch[name].type)
    found = forwarded(batch.with_columns(columns))
    assert [list(group.resource.attributes) for group in found.resource_spans] == [
        key_values({"r": "1"}),
        key_values({"r": "2"}),
    ]
    first, second = (group.scope_spans[0].spans[0] for group in found.resource_spans)
    assert (first.name, first.kind, first.status.code, first.trace_state) == ("new", 2, 0, "a=b")
    assert (second.name, second.kind, second.status.code, len(second.events)) == ("old", 1, 2, 1)
    assert list(first.attributes) == key_values({"added": "1"})
    assert (len(first.events), len(first.links)) == (0, 1)


def test_a_request_that_only_the_lenient_reader_takes_is_sent_repaired() -> None:
    good = request(span("héllo", attributes={"a": 1})).SerializeToString()
    found = forwarded(batch_of(good.replace("é".encode(), b"\xc3\x28")))
    assert found.resource_spans[0].scope_spans[0].spans[0].name == "h\ufffd(llo"


def test_parts_hold_what_came_in_so_many_bytes() -> None:
    batches = [batch_of(*(request(span(f"{n}.{i}"), span("x" * 500)) for i in range(5))) for n in range(4)]
    parts = list(chunks(batches, 2000))
    assert sum(sum(map(len, part)) for part in parts) == 40
    assert all(len(encoded(part)) <= 2000 for part in parts)
    assert len(parts) < 20
    assert [len(list(chunks(batches, limit))) for limit in (1, 10**6)] == [20, 1]


def test_text_decides_and_not_the_type() -> None:
    assert as_text(key_values({"a": 7})[0].value) == "7"
    batch = batch_of(request(span(attributes={"a": 7})))
    same = batch.with_columns({"SpanAttributes": pa.array([[("a", "7")]], batch["SpanAttributes"].type)})
    assert forwarded(same).resource_spans[0].scope_spans[0].spans[0].attributes[0].value.int_value == 7


@pytest.mark.parametrize("spans", [0, 3])
def test_batches_without_spans_are_nothing(spans: int) -> None:
    batch = batch_of(request(*(span() for _ in range(spans))))
    assert encoded([batch.filter(pa.array(np.zeros(spans, np.bool_)))]) == b""
