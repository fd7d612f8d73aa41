"""Both decoders, held against a second, plain reading of the same messages."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.errors import InvalidData, TooLarge
from otel_sessions.pdata import SCHEMA, Decoded, SpanBatch, decoder, fast, otlp
from otel_sessions.pdata.rows import KINDS, STATUSES
from otel_sessions.pdata.values import as_text, is_composite
from otel_sessions.testing.otlp import START, event, link, request, resource_spans, span
from tests.examples import examples
from tests.pdata.test_values import VALUES

TRACE, SPAN = "0a" * 16, "0b" * 8
MAX_NS = 2**63 - 1
DECODERS = {"reference": otlp.decode, "compiled": fast.decode}
_chosen = "reference"


@pytest.fixture(params=DECODERS, scope="module", autouse=True)
def _decoder(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test here runs with each decoder."""
    global _chosen  # noqa: PLW0603
    if request.param == "compiled" and decoder() != "compiled":
        pytest.skip("there is no compiled decoder")
    _chosen = request.param
    yield
    _chosen = "reference"


def decoded(*messages: ExportTraceServiceRequest | bytes) -> Decoded:
    bodies = [m if isinstance(m, bytes) else m.SerializeToString() for m in messages]
    return DECODERS[_chosen](bodies, [f"project-{i}" for i in range(len(bodies))])


def one(message: ExportTraceServiceRequest) -> dict[str, Any]:
    rows = rows_of(decoded(message).batch)
    assert len(rows) == 1
    return rows[0]


def rows_of(batch: SpanBatch) -> list[dict[str, Any]]:
    """The rows with times as integers, so that they compare at nanosecond precision."""
    columns = {}
    for name in SCHEMA.names:
        column = batch[name]
        if name == "Timestamp":
            column = column.cast("int64")
        elif name == "Events.Timestamp":
            column = _list_of_ints(column)
        columns[name] = column if isinstance(column, list) else column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _list_of_ints(column: Any) -> list[list[int]]:
    return [[item.value for item in row] for row in column]


# --- what a span becomes ---


def test_a_span_becomes_a_row_of_the_collectors_columns() -> None:
    message = request(
        span(
            "POST /chat",
            trace_id=TRACE,
            span_id=SPAN,
            parent="0c" * 8,
            start=START,
            end=START + 5,
            attributes={"session.id": "s-1", "n": 3, "ok": True, "list": ["a"], "raw": b"\x01", "none": None},
            kind="Server",
            status="Error",
            message="boom",
            events=[event("first", time=START + 1, attributes={"k": "v"}, dropped=4), event("second", time=START + 2)],
            links=[link("0d" * 16, "0e" * 8, attributes={"l": 1}, trace_state="x=y", flags=256, dropped=5)],
            trace_state="a=b",
            flags=257,
            dropped_attributes_count=1,
            dropped_events_count=2,
            dropped_links_count=3,
        ),
        resource={"service.name": "shop", "pid": 7, "argv": ["x"]},
        scope=("lib", "1.0"),
        scope_attributes={"s": 0.5},
        resource_schema_url="https://r",
        scope_schema_url="https://s",
    )
    message.resource_spans[0].resource.dropped_attributes_count = 6
    message.resource_spans[0].scope_spans[0].scope.dropped_attributes_count = 7
    row = one(message)
    assert {name: row[name] for name in row if name not in _DERIVED} == {
        "Request": 0,
        "Position": 0,
        "ResourceCompositeKeys": ["argv"],
        "SpanCompositeKeys": ["list", "raw", "none"],
        "Project": "project-0",
        "Timestamp": START,
        "TraceId": TRACE,
        "SpanId": SPAN,
        "ParentSpanId": "0c" * 8,
        "TraceState": "a=b",
        "Flags": 257,
        "SpanName": "POST /chat",
        "SpanKind": "Server",
        "ServiceName": "shop",
        "ResourceAttributes": [("service.name", "shop"), ("pid", "7"), ("argv", '["x"]')],
        "ResourceSchemaUrl": "https://r",
        "ResourceDroppedAttributesCount": 6,
        "ScopeName": "lib",
        "ScopeVersion": "1.0",
        "ScopeAttributes": [("s", "0.5")],
        "ScopeSchemaUrl": "https://s",
        "ScopeDroppedAttributesCount": 7,
        "SpanAttributes": [
            ("session.id", "s-1"),
            ("n", "3"),
            ("ok", "true"),
            ("list", '["a"]'),
            ("raw", "AQ=="),
            ("none", ""),
        ],
        "DroppedAttributesCount": 1,
        "StartTimeUnixNano": START,
        "EndTimeUnixNano": START + 5,
        "Duration": 5,
        "StatusCode": "Error",
        "StatusMessage": "boom",
        "Events.Timestamp": [START + 1, START + 2],
        "Events.Name": ["first", "second"],
        "Events.Attributes": [[("k", "v")], []],
        "Events.DroppedAttributesCount": [4, 0],
        "DroppedEventsCount": 2,
        "Links.TraceId": ["0d" * 16],
        "Links.SpanId": ["0e" * 8],
        "Links.TraceState": ["x=y"],
        "Links.Attributes": [[("l", "1")]],
        "Links.DroppedAttributesCount": [5],
        "Links.Flags": [256],
        "DroppedLinksCount": 3,
    }


_DERIVED = set(SCHEMA.names[SCHEMA.get_field_index("IsRoot") :])


@pytest.mark.parametrize("number", [-1, 6, 2**31 - 1])
def test_numbers_of_no_kind_and_no_status_become_the_zero_value(number: int) -> None:
    message = request(span())
    wrong = message.resource_spans[0].scope_spans[0].spans[0]
    wrong.kind = number  # type: ignore[assignment]
    wrong.status.code = number  # type: ignore[assignment]
    row = one(message)
    assert (row["SpanKind"], row["StatusCode"]) == ("Unspecified", "Unset")


def test_kinds_and_statuses_have_the_collectors_names() -> None:
    spans = [span(kind=kind) for kind in KINDS] + [span(status=status) for status in STATUSES]
    batch = decoded(request(*spans)).batch
    assert batch["SpanKind"].to_pylist()[: len(KINDS)] == list(KINDS)
    assert batch["StatusCode"].to_pylist()[len(KINDS) :] == list(STATUSES)


@pytest.mark.parametrize(
    ("start", "end", "timestamp", "duration"),
    [
        (0, 0, 0, 0),
        (5, 3, 5, 0),
        (0, 2**64 - 1, 0, 2**64 - 1),
        (MAX_NS + 1, MAX_NS + 3, MAX_NS, 2),
        (2**64 - 1, 0, MAX_NS, 0),
    ],
)
def test_absurd_times_are_kept_raw_and_clamped_where_columns_cannot_hold_them(
    start: int, end: int, timestamp: int, duration: int
) -> None:
    row = one(request(span(start=start, end=end, events=[event("e", time=start)])))
    assert (row["StartTimeUnixNano"], row["EndTimeUnixNano"]) == (start, end)
    assert (row["Timestamp"], row["Duration"], row["Events.Timestamp"]) == (timestamp, duration, [timestamp])


def test_the_last_of_a_repeated_key_is_kept_and_decides_whether_it_is_composite() -> None:
    pairs = [("a", "1"), ("b", ["x"]), ("a", ["2"]), ("b", "y"), ("", "empty key")]
    row = one(request(span(attributes=pairs)))
    assert row["SpanAttributes"] == [("a", '["2"]'), ("b", "y"), ("", "empty key")]
    assert row["SpanCompositeKeys"] == ["a"]


@pytest.mark.parametrize(("value", "text"), [("", ""), (7, "7"), (None, ""), (["x"], '["x"]'), ("\x00é", "\x00é")])
def test_the_service_name_is_text_whatever_its_type(value: Any, text: str) -> None:
    assert one(request(span(), resource={"service.name": value}))["ServiceName"] == text


def test_an_all_zero_parent_is_no_parent() -> None:
    assert one(request(span(parent=bytes(8))))["ParentSpanId"] == ""


def test_links_keep_ids_of_any_length() -> None:
    row = one(request(span(links=[link(b"\xab", b""), link(bytes(16), bytes(8))])))
    assert (row["Links.TraceId"], row["Links.SpanId"]) == (["ab", "0" * 32], ["", "0" * 16])


def test_a_missing_resource_scope_and_value_are_empty() -> None:
    message = request(span())
    group = message.resource_spans[0]
    group.ClearField("resource")
    group.scope_spans[0].ClearField("scope")
    group.scope_spans[0].spans[0].attributes.add(key="k")
    row = one(message)
    assert (row["ResourceAttributes"], row["ScopeName"], row["SpanAttributes"]) == ([], "", [("k", "")])
    assert row["SpanCompositeKeys"] == ["k"]


# --- what is refused ---


@pytest.mark.parametrize("bad", [b"", b"\x01" * 15, b"\x01" * 17, bytes(16)])
def test_a_span_with_an_invalid_trace_id_is_rejected_alone(bad: bytes) -> None:
    answer = decoded(request(span("good"), span("bad", trace_id=bad), span("good")))
    (result,) = answer.results
    assert (result.accepted_spans, result.rejected_spans, result.error) == (2, 1, None)
    assert result.message == "1 of 3 spans rejected: 1 with an invalid trace id (16 bytes, not all zero)"
    assert answer.batch["SpanName"].to_pylist() == ["good", "good"]


def test_the_message_counts_every_reason() -> None:
    spans = [span(), span(trace_id=b"x"), span(span_id=bytes(8)), span(span_id=b""), span(parent=b"\x01" * 7)]
    (result,) = decoded(request(*spans)).results
    assert (result.accepted_spans, result.rejected_spans) == (1, 4)
    assert result.message == (
        "4 of 5 spans rejected: 1 with an invalid parent span id (8 bytes, or none), "
        "2 with an invalid span id (8 bytes, not all zero), 1 with an invalid trace id (16 bytes, not all zero)"
    )


def test_nothing_of_a_rejected_span_stays_behind() -> None:
    bad = span(span_id=b"", attributes={"bad": 1}, events=[event("bad")], links=[link("00", "00")])
    good = span(attributes={"good": 1}, events=[event("good")])
    row = one(request(bad, good, bad))
    assert (row["SpanAttributes"], row["Events.Name"], row["Links.SpanId"]) == ([("good", "1")], ["good"], [])


@pytest.mark.parametrize("garbage", [b"\xff", b"{}", b'{"resourceSpans":[]}', b"\x0a\x05abc", bytes(3), b"\x0b" * 200])
def test_an_undecodable_request_is_invalid_data_and_the_others_are_not(garbage: bytes) -> None:
    answer = decoded(request(span("a")), garbage, request(span("b")))
    assert isinstance(answer.results[1].error, InvalidData)
    assert answer.results[1].error.__cause__ is not None
    assert (answer.results[1].accepted_spans, answer.results[1].rejected_spans) == (0, 0)
    assert [result.accepted_spans for result in answer.results] == [1, 0, 1]
    assert answer.batch["Request"].to_pylist() == [0, 2]
    assert answer.batch["Position"].to_pylist() == [0, 0]
    assert answer.batch["Project"].to_pylist() == ["project-0", "project-2"]


def test_a_truncated_request_is_invalid_data() -> None:
    body = request(span("a", attributes={"k": "v"}), span("b"), resource={"r": 1}).SerializeToString()
    for length in range(1, len(body)):
        assert isinstance(decoded(body[:length]).results[0].error, InvalidData)


def test_an_empty_request_succeeds() -> None:
    answer = decoded(b"", ExportTraceServiceRequest(resource_spans=[resource_spans()]))
    assert [(r.accepted_spans, r.rejected_spans, r.message, r.error) for r in answer.results] == [(0, 0, "", None)] * 2
    assert len(answer.batch) == 0


def test_no_requests_are_an_empty_batch() -> None:
    answer = decoded()
    assert (len(answer.batch), answer.results) == (0, ())


def test_unknown_fields_are_ignored() -> None:
    body = request(span("a")).SerializeToString() + b"\xf2\x3f\x03new"
    assert decoded(body).batch["SpanName"].to_pylist() == ["a"]


def test_a_resource_that_its_spans_would_multiply_beyond_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "MAX_SHARED_BYTES", 1_000_000)
    large = request(*[span() for _ in range(20)], resource={"k": "x" * 100_000})
    answer = decoded(large, request(span()))
    assert "send smaller resource attributes" in str(answer.results[0].error)
    assert [result.accepted_spans for result in answer.results] == [0, 1]


def test_requests_too_large_for_one_batch_are_refused_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "_MAX_COLUMN_BYTES", 10_000)
    long = request(span("x" * 1000))
    shared = request(*[span() for _ in range(10)], resource={"k": "x" * 100})
    for message in (long, shared):
        assert decoded(message).results[0].rejected_spans == 0
        with pytest.raises(TooLarge, match="decode fewer at a time"):
            decoded(message, message)


# --- all of it at once ---

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NS = st.sampled_from([0, START, MAX_NS, MAX_NS + 1, 2**64 - 1]) | st.integers(0, 2**64 - 1)
COUNT = st.integers(0, 2**32 - 1)
ATTRIBUTES = st.dictionaries(TEXT, VALUES, max_size=4)
TRACE_IDS = st.binary(min_size=16, max_size=16) | st.binary(max_size=20)
SPAN_IDS = st.binary(min_size=8, max_size=8) | st.binary(max_size=10)
EVENTS = st.builds(event, TEXT, time=NS, attributes=ATTRIBUTES, dropped=COUNT)
LINKS = st.builds(link, TRACE_IDS, SPAN_IDS, attributes=ATTRIBUTES, trace_state=TEXT, flags=COUNT, dropped=COUNT)
SPANS = st.builds(
    span,
    TEXT,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent=st.just(b"") | SPAN_IDS,
    start=NS,
    end=NS,
    attributes=ATTRIBUTES | st.lists(st.tuples(st.sampled_from("ab"), VALUES), max_size=4),
    kind=st.sampled_from(KINDS),
    status=st.sampled_from(STATUSES),
    message=TEXT,
    events=st.lists(EVENTS, max_size=2),
    links=st.lists(LINKS, max_size=2),
    trace_state=TEXT,
    flags=COUNT,
    dropped_attributes_count=COUNT,
    dropped_events_count=COUNT,
    dropped_links_count=COUNT,
)
GROUPS = st.builds(
    lambda spans, **group: resource_spans(*spans, **group),
    st.lists(SPANS, max_size=3),
    resource=ATTRIBUTES | st.fixed_dictionaries({"service.name": VALUES}),
    scope=st.tuples(TEXT, TEXT),
    scope_attributes=ATTRIBUTES,
    resource_schema_url=TEXT,
    scope_schema_url=TEXT,
)
REQUESTS = st.lists(GROUPS, max_size=3).map(lambda groups: ExportTraceServiceRequest(resource_spans=groups))

thorough = settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))


@thorough
@given(st.lists(REQUESTS, max_size=3))
def test_the_columns_say_what_a_plain_reading_of_the_messages_says(messages: list[ExportTraceServiceRequest]) -> None:
    answer = decoded(*messages)
    expected = [_plain_request(message, number) for number, message in enumerate(messages)]
    answer.batch.record.validate(full=True)
    assert all(column.null_count == 0 for column in answer.batch.record.columns)
    rows = [{name: row[name] for name in row if name not in _DERIVED} for row in rows_of(answer.batch)]
    assert rows == [row for rows, _ in expected for row in rows]
    assert [(r.accepted_spans, r.rejected_spans) for r in answer.results] == [
        (len(rows), rejected) for rows, rejected in expected
    ]


@settings(thorough, max_examples=25)
@given(st.lists(REQUESTS, max_size=3))
def test_requests_decoded_together_are_the_requests_decoded_apart(messages: list[ExportTraceServiceRequest]) -> None:
    together = decoded(*messages)
    apart = [decoded(message) for message in messages]
    rows = [row for answer in apart for row in rows_of(answer.batch)]
    ignored = {"Request", "Project"}
    assert [_without(row, ignored) for row in rows_of(together.batch)] == [_without(row, ignored) for row in rows]
    assert together.results == tuple(answer.results[0] for answer in apart)


@settings(max_examples=examples(120), deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_random_bytes_have_a_result_each_and_never_raise(bodies: list[bytes]) -> None:
    assert len(decoded(*bodies).results) == len(bodies)


@settings(max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_mutated_requests_have_a_result_each_and_never_raise(rng: random.Random, changes: int) -> None:
    good = _SAMPLE.SerializeToString()
    mutated = bytearray(good)
    for _ in range(changes):
        place = rng.randrange(len(mutated))
        mutated[place : place + rng.randrange(2)] = rng.randbytes(rng.randrange(3))
    answer = decoded(good, bytes(mutated), good)
    answer.batch.record.validate(full=True)
    assert len(answer.results) == 3
    assert answer.results[0] == answer.results[2]
    assert len(answer.batch) == sum(result.accepted_spans for result in answer.results)


_SAMPLE = request(
    *[span(f"span {i}", attributes={"a": [1, {"b": "c"}], "d": 1.5}, events=[event("e")]) for i in range(3)],
    resource={"service.name": "shop"},
    scope=("lib", "1"),
)


def _without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _plain_request(message: ExportTraceServiceRequest, number: int) -> tuple[list[dict[str, Any]], int]:
    """The rows of the valid spans, and how many are not; each row read by itself, without columns."""
    rows, rejected = [], 0
    for group in message.resource_spans:
        for scope_group in group.scope_spans:
            for item in scope_group.spans:
                if _is_valid(item):
                    place = {"Request": number, "Position": len(rows), "Project": f"project-{number}"}
                    rows.append(place | _plain_span(item) | _plain_group(group, scope_group))
                else:
                    rejected += 1
    return rows, rejected


def _is_valid(item: Any) -> bool:
    return (
        len(item.trace_id) == 16
        and any(item.trace_id)
        and len(item.span_id) == 8
        and any(item.span_id)
        and len(item.parent_span_id) in (0, 8)
    )


def _plain_group(group: Any, scope_group: Any) -> dict[str, Any]:
    resource, scope = group.resource, scope_group.scope
    attributes = _map(resource)
    return {
        "ResourceAttributes": attributes,
        "ResourceCompositeKeys": _composite(resource),
        "ServiceName": dict(attributes).get("service.name", ""),
        "ResourceSchemaUrl": group.schema_url,
        "ResourceDroppedAttributesCount": resource.dropped_attributes_count,
        "ScopeName": scope.name,
        "ScopeVersion": scope.version,
        "ScopeAttributes": _map(scope),
        "ScopeSchemaUrl": scope_group.schema_url,
        "ScopeDroppedAttributesCount": scope.dropped_attributes_count,
    }


def _plain_span(item: Any) -> dict[str, Any]:
    start, end = item.start_time_unix_nano, item.end_time_unix_nano
    return {
        "SpanCompositeKeys": _composite(item),
        "Timestamp": min(start, MAX_NS),
        "TraceId": item.trace_id.hex(),
        "SpanId": item.span_id.hex(),
        "ParentSpanId": item.parent_span_id.hex() if any(item.parent_span_id) else "",
        "TraceState": item.trace_state,
        "Flags": item.flags,
        "SpanName": item.name,
        "SpanKind": item.SpanKind.Name(item.kind).removeprefix("SPAN_KIND_").capitalize(),
        "SpanAttributes": _map(item),
        "DroppedAttributesCount": item.dropped_attributes_count,
        "StartTimeUnixNano": start,
        "EndTimeUnixNano": end,
        "Duration": max(end - start, 0),
        "StatusCode": item.status.StatusCode.Name(item.status.code).removeprefix("STATUS_CODE_").capitalize(),
        "StatusMessage": item.status.message,
        "Events.Timestamp": [min(e.time_unix_nano, MAX_NS) for e in item.events],
        "Events.Name": [e.name for e in item.events],
        "Events.Attributes": [_map(e) for e in item.events],
        "Events.DroppedAttributesCount": [e.dropped_attributes_count for e in item.events],
        "DroppedEventsCount": item.dropped_events_count,
        "Links.TraceId": [each.trace_id.hex() for each in item.links],
        "Links.SpanId": [each.span_id.hex() for each in item.links],
        "Links.TraceState": [each.trace_state for each in item.links],
        "Links.Attributes": [_map(each) for each in item.links],
        "Links.DroppedAttributesCount": [each.dropped_attributes_count for each in item.links],
        "Links.Flags": [each.flags for each in item.links],
        "DroppedLinksCount": item.dropped_links_count,
    }


def _last(message: Message) -> dict[str, Any]:
    return {pair.key: pair.value for pair in message.attributes}  # type: ignore[attr-defined]


def _map(message: Message) -> list[tuple[str, str]]:
    return [(key, as_text(value)) for key, value in _last(message).items()]


def _composite(message: Message) -> list[str]:
    return [key for key, value in _last(message).items() if is_composite(value)]
