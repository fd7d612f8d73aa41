"""OTLP/JSON is the protobuf that it stands for. Codes are those of docs/otlp-checklist.md."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.errors import InvalidData, TooLarge
from otel_sessions.pdata import Decoded, decode
from otel_sessions.receivers.otlp import json as otlp_json
from otel_sessions.receivers.otlp.json import protobuf_of
from otel_sessions.testing.otlp import request, span
from tests.examples import examples
from tests.pdata.test_otlp import REQUESTS
from tests.receivers.otlp_json import plain, varied

TRACE, SPAN = "0123456789abcdef0123456789abcdef", "fedcba9876543210"
thorough = settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))


def spans_of(*spans: Any) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def one(**fields: Any) -> Span:
    """The span with these fields, as protobuf."""
    message = ExportTraceServiceRequest.FromString(protobuf_of(spans_of(fields)))
    return message.resource_spans[0].scope_spans[0].spans[0]


def value(**fields: Any) -> AnyValue:
    return one(attributes=[{"key": "k", "value": fields}]).attributes[0].value


def decoded(body: bytes) -> Decoded:
    return decode([protobuf_of(body)], ["p"])


@thorough
@given(REQUESTS, st.randoms(use_true_random=False))
def test_J_however_it_is_written_it_is_the_same_message_and_the_same_spans(message, rnd: Random):
    sent = message.SerializeToString(deterministic=True)
    for body in (plain(message), varied(message, rnd)):
        protobuf = protobuf_of(body)
        found = ExportTraceServiceRequest.FromString(protobuf)
        assert found.SerializeToString(deterministic=True) == sent
        assert decode([protobuf], ["p"]).batch.record.equals(decode([sent], ["p"]).batch.record)


@settings(thorough, max_examples=examples(120))
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(
            ["resourceSpans", "scopeSpans", "spans", "resource", "scope", "attributes", "key", "value", "intValue",
             "stringValue", "arrayValue", "kvlistValue", "values", "traceId", "spanId", "name", "kind", "status",
             "code", "events", "links", "timeUnixNano", "bytesValue", "doubleValue", "boolValue", "flags"]
        ), inner, max_size=5),
    max_leaves=30,
))  # fmt: skip
def test_J_any_JSON_is_a_request_or_InvalidData(tree):
    try:
        protobuf = protobuf_of(json.dumps(tree).encode())
    except InvalidData:
        return
    ExportTraceServiceRequest.FromString(protobuf)


@settings(thorough, max_examples=examples(30))
@given(st.binary(max_size=60) | REQUESTS.flatmap(
    lambda message: st.integers(0, len(plain(message))).map(lambda cut: plain(message)[:cut])
))  # fmt: skip
def test_J_any_bytes_are_a_request_or_InvalidData(body):
    try:
        protobuf = protobuf_of(body)
    except InvalidData:
        return
    ExportTraceServiceRequest.FromString(protobuf)


@pytest.mark.parametrize("change", [str, str.upper, lambda text: text[:8].upper() + text[8:]])
def test_J1_ids_are_hex_in_any_case(change):
    found = one(traceId=change(TRACE), spanId=change(SPAN), parentSpanId=change(SPAN))
    assert (found.trace_id.hex(), found.span_id.hex(), found.parent_span_id.hex()) == (TRACE, SPAN, SPAN)
    link = one(links=[{"traceId": change(TRACE), "spanId": change(SPAN)}]).links[0]
    assert (link.trace_id.hex(), link.span_id.hex()) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "bad",
    [
        {"traceId": TRACE[:-1]},
        {"traceId": TRACE[:-2]},
        {"traceId": "0" * 32},
        {"traceId": "zz" * 16},
        {"traceId": "ASNFZ4mrze8BI0VniavN7w=="},
        {"traceId": " ".join(TRACE)},
        {"traceId": "é" * 32},
        {"traceId": ""},
        {"traceId": None},
        {"spanId": "nothex"},
        {"spanId": SPAN * 2},
        {"parentSpanId": "nothex"},
        {"parentSpanId": "nothexnothexnoth"},
    ],
)
def test_J1_A6_an_id_that_is_not_hex_rejects_its_span_only(bad):
    good = {"traceId": TRACE, "spanId": SPAN, "name": "good"}
    answer = decoded(spans_of(good, {**good, **bad, "name": "bad"}, good))
    assert answer.batch["SpanName"].to_pylist() == ["good"] * 2
    assert answer.results[0].rejected_spans == 1
    assert answer.results[0].message


def test_J1_a_link_that_is_not_hex_keeps_its_span():
    good = {"traceId": TRACE, "spanId": SPAN}
    answer = decoded(spans_of({**good, "links": [{"traceId": "x", "spanId": "y"}, good]}))
    assert answer.batch["Links.TraceId"].to_pylist() == [["", TRACE]]


@pytest.mark.parametrize("text", ["+/8=", "+/8", "-_8=", "-_8"])
def test_J1_other_bytes_are_base64(text):
    assert value(bytesValue=text).bytes_value == b"\xfb\xff"


@pytest.mark.parametrize("kind", [3, "3", "SPAN_KIND_CLIENT", 3.0])
def test_J2_enums_are_numbers_or_names(kind):
    assert one(kind=kind).kind == Span.SPAN_KIND_CLIENT


@pytest.mark.parametrize("number", [77, -1])
def test_J2_a_number_that_no_name_has_is_kept(number):
    assert one(kind=number).kind == number


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 127, 128, 2**53 + 1, 2**63 - 1])
def test_J3_integers_are_text_or_numbers(number):
    assert value(intValue=number).int_value == value(intValue=str(number)).int_value == number
    assert value(intValue=number).WhichOneof("value") == "int_value"


@pytest.mark.parametrize(
    ("sent", "kind", "found"),
    [
        ("1e30", "double_value", 1e30),  # as JSON.stringify writes 10 ** 30
        ("5.5", "double_value", 5.5),
        ("9223372036854776000", "string_value", "9223372036854776000"),  # and 2 ** 63
        ('"-9223372036854775809"', "string_value", "-9223372036854775809"),
        (f'"{"9" * 5000}"', "string_value", "9" * 5000),
        ('"1.5"', "string_value", "1.5"),
    ],
)
def test_J3_a_number_that_no_int64_holds_is_kept_and_its_neighbours_are_unharmed(sent, kind, found):
    body = spans_of({"attributes": [{"key": "k", "value": {"intValue": "SENT"}}]}, {"name": "beside"})
    for name in (b"intValue", b"int_value"):
        message = ExportTraceServiceRequest.FromString(
            protobuf_of(body.replace(b"intValue", name).replace(b'"SENT"', sent.encode()))
        )
        spans = message.resource_spans[0].scope_spans[0].spans
        kept = spans[0].attributes[0].value
        assert (kept.WhichOneof("value"), getattr(kept, kind)) == (kind, found)
        assert spans[1].name == "beside"


@pytest.mark.parametrize(("sent", "found"), [("-1", 0), (-5.0, 0), (2**64, 2**64 - 1), ("9" * 40, 2**64 - 1)])
def test_J3_a_time_that_makes_no_sense_costs_nothing(sent, found):
    span = one(startTimeUnixNano=sent, events=[{"timeUnixNano": sent}])
    assert (span.start_time_unix_nano, span.events[0].time_unix_nano) == (found, found)


@pytest.mark.parametrize("time_", [1_700_000_000_000_000_000, "1700000000000000000", 1.7e18])
def test_J3_times_are_text_or_numbers(time_):
    assert one(startTimeUnixNano=time_).start_time_unix_nano == 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("sent", "found"), [(1, 1.0), (1.5, 1.5), ("1.5", 1.5), ("Infinity", math.inf), ("-Infinity", -math.inf)]
)
def test_J3_doubles(sent, found):
    assert value(doubleValue=sent).double_value == found
    assert math.isnan(value(doubleValue="NaN").double_value)


def test_J4_unknown_keys_and_nulls_are_passed_over():
    found = one(traceId=TRACE, name=None, new={"traceId": 7}, attributes=None, status={"code": None, "x": []})
    assert found == Span(trace_id=bytes.fromhex(TRACE), status={})


def test_J5_snake_case_is_accepted():
    body = {"resource_spans": [{"scope_spans": [{"spans": [{"trace_id": TRACE, "start_time_unix_nano": "5"}]}]}]}
    found = ExportTraceServiceRequest.FromString(protobuf_of(json.dumps(body).encode()))
    wanted = Span(trace_id=bytes.fromhex(TRACE), start_time_unix_nano=5)
    assert found.resource_spans[0].scope_spans[0].spans[0] == wanted


def test_an_empty_value_keeps_its_kind():
    assert value(stringValue="").WhichOneof("value") == "string_value"
    assert value(arrayValue={}).WhichOneof("value") == "array_value"
    assert value(intValue=0).WhichOneof("value") == "int_value"
    assert value().WhichOneof("value") is None
    assert value(stringValue=None).WhichOneof("value") is None


def test_what_is_no_unicode_becomes_U_FFFD_as_in_protobuf():
    # JSON.stringify writes half of an emoji, cut in two, like this.
    assert one(name="a\ud83d").name == "a\ufffd"
    assert one(name="\ud83d\ude00").name == "😀"
    for name in (b"a\xff", b"a\\udc00"):
        body = spans_of({"traceId": TRACE, "spanId": SPAN, "name": "NAME"}).replace(b"NAME", name)
        assert decoded(body).batch["SpanName"].to_pylist() == ["a\ufffd"]


def test_a_byte_order_mark_is_passed_over():
    assert protobuf_of(b"\xef\xbb\xbf{}") == b""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"\x0a\x00", "not JSON"),
        (b"[]", "the request: an object expected, not an array"),
        (b"null", "the request: an object expected, not null"),
        (b'{"resourceSpans": {}}', "resourceSpans: an array expected, not an object"),
        (b'{"resourceSpans": [1]}', "resourceSpans[0]: an object expected, not 1"),
        (spans_of({}, {"name": 5}), "resourceSpans[0].scopeSpans[0].spans[1].name: text expected, not 5"),
        (spans_of({"traceId": 5}), "spans[0].traceId: hex text expected, not 5"),
        (spans_of({"kind": "CLIENT"}), "kind: an integer from -2147483648 to 2147483647 expected, not 'CLIENT'"),
        (spans_of({"kind": True}), "kind: an integer"),
        (spans_of({"attributes": [{"value": {"intValue": "0x10"}}]}), "not '0x10'"),
        (spans_of({"attributes": [{"value": {"intValue": True}}]}), "not True"),
        (spans_of({"flags": -1}), "flags: an integer from 0 to 4294967295 expected, not -1"),
        (spans_of({"startTimeUnixNano": 1.5}), "not 1.5"),
        (spans_of({"startTimeUnixNano": "1_0"}), "not '1_0'"),
        (spans_of({"startTimeUnixNano": "9" * 5000}), "startTimeUnixNano: an integer"),
        (spans_of({"droppedEventsCount": 2**32}), "droppedEventsCount: an integer"),
        (spans_of({"attributes": [{"value": {"boolValue": 1}}]}), "value.boolValue: true or false expected, not 1"),
        (spans_of({"attributes": [{"value": {"bytesValue": "é"}}]}), r"base64 expected, not '\xe9'"),
        (spans_of({"attributes": [{"value": {"doubleValue": "x"}}]}), "a number expected, not 'x'"),
        (spans_of({"attributes": [{"value": {"doubleValue": 10**400}}]}), "a number expected, not 1000"),
    ],
)
def test_H6_what_does_not_fit_is_said_with_its_place(body, said):
    with pytest.raises(InvalidData) as raised:
        protobuf_of(body)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("depth", [100, 200, 400, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [('{"arrayValue":{"values":[', "]}}"), ("[", "]"), ('{"a":', "}")])
def test_H6_deep_nesting_is_InvalidData_or_saved_and_never_a_crash(depth, opening, closing):
    deep = f"{opening * depth}{'{}' if opening.endswith(':') else ''}{closing * depth}"
    body = spans_of({"traceId": TRACE, "spanId": SPAN, "attributes": [{"key": "k", "value": "DEEP"}]})
    try:
        accepted = decoded(body.replace(b'"DEEP"', deep.encode())).results[0].accepted_spans
    except InvalidData:
        assert depth > 100 or opening == "["
    else:
        assert accepted == 1


def test_A2_so_many_values_that_they_take_far_more_room_than_their_text_are_refused(monkeypatch):
    monkeypatch.setattr(otlp_json, "MAX_CONTAINERS", 600_000)
    allowed = b'{"a": [' + b"[]," * 599_997 + b"1]}"
    assert protobuf_of(allowed) == b""
    with pytest.raises(TooLarge, match="send fewer spans"):
        protobuf_of(allowed.replace(b"1]}", b"[],[],[]]}"))


@pytest.mark.parametrize("depth", [3, 30])
def test_nesting_that_protobuf_allows_is_allowed(depth):
    attribute: Any = "x"
    for _ in range(depth):
        attribute = [attribute]
    message = request(span(attributes={"k": attribute}))
    assert ExportTraceServiceRequest.FromString(protobuf_of(plain(message))) == message
