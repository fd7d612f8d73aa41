"""Requests that protobuf's parser refuses and that are read all the same."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.pdata import decode, lenient
from otel_sessions.testing.otlp import Value, event, link, request, span

MARK = "MARK"
BAD = b"\xc3(\xff "


def _spoiled(message: ExportTraceServiceRequest) -> bytes:
    """The request's bytes with each MARK replaced by bytes of the same length that are not UTF-8."""
    body = message.SerializeToString()
    assert MARK.encode() in body
    body = body.replace(MARK.encode(), BAD)
    with pytest.raises(DecodeError):
        ExportTraceServiceRequest.FromString(body)
    return body


def test_a_valid_request_is_read_as_the_real_parser_reads_it() -> None:
    message = request(
        span(
            "name",
            attributes={"a": [1, {"b": [b"\xff", None, 2.5, True]}], "empty": None, "none": [], "map": {}},
            events=[event("e", attributes={"x": {"y": "z"}})],
            links=[link("01" * 16, "02" * 8, attributes={"k": 1}, trace_state="s", flags=3)],
            status="Error",
            flags=257,
        ),
        resource={"service.name": "shop"},
        scope=("scope", "1"),
        scope_attributes={"s": 1},
    )
    assert lenient.parse(message.SerializeToString()) == message


def test_every_string_that_is_not_utf8_is_repaired_and_nothing_is_lost() -> None:
    body = _spoiled(
        request(
            span(
                f"n{MARK}",
                attributes={f"k{MARK}": f"v{MARK}", "nested": [{f"i{MARK}": MARK}], "bytes": BAD},
                events=[event(f"e{MARK}", attributes={"x": MARK})],
                links=[link("01" * 16, "02" * 8, trace_state=MARK)],
                message=MARK,
                trace_state=f"a=1,{MARK}",
            ),
            span("fine"),
            resource={"service.name": f"shop{MARK}"},
            scope=(MARK, MARK),
        )
    )
    fixed = BAD.decode("utf-8", "replace")
    decoded = decode([body], ["p"])
    assert decoded.results[0].accepted_spans == 2
    assert decoded.results[0].error is None
    row = decoded.batch.record.slice(0, 1).to_pylist()[0]
    assert "\ufffd" in fixed
    assert row["SpanName"] == f"n{fixed}"
    assert dict(row["SpanAttributes"]) == {
        f"k{fixed}": f"v{fixed}",
        "nested": f'[{{"i{fixed}":"{fixed}"}}]',
        "bytes": "wyj/IA==",
    }
    assert row["Events.Name"] == [f"e{fixed}"]
    assert row["Links.TraceState"] == [fixed]
    assert row["StatusMessage"] == row["ScopeName"] == row["ScopeVersion"] == fixed
    assert row["TraceState"] == f"a=1,{fixed}"
    assert row["ServiceName"] == f"shop{fixed}"


def test_a_bad_string_costs_only_its_own_request_the_short_cut() -> None:
    good = request(span("good")).SerializeToString()
    decoded = decode([good, _spoiled(request(span(MARK))), good], ["p"] * 3)
    assert [result.accepted_spans for result in decoded.results] == [1, 1, 1]
    assert decoded.batch["SpanName"].to_pylist() == ["good", BAD.decode("utf-8", "replace"), "good"]


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"k": inner}], ids=["arrays", "maps"])
@pytest.mark.parametrize("depth", [60, 5_000])
def test_a_value_nested_too_deep_for_the_parser_does_not_cost_the_request(wrap: object, depth: int) -> None:
    body = _nested_request(depth, wrap)
    with pytest.raises(DecodeError):
        ExportTraceServiceRequest.FromString(body)
    decoded = decode([body], ["p"])
    assert decoded.results[0].accepted_spans == 1
    attributes = dict(decoded.batch["SpanAttributes"].to_pylist()[0])
    assert attributes["session.id"] == "s-1"
    levels = min(depth, lenient.MAX_DEPTH)
    assert attributes["deep"].count("[" if "[" in attributes["deep"] else "{") == levels


def _nested_request(depth: int, wrap: object) -> bytes:
    """A request with an attribute of `depth` levels, put together by hand: the builders recurse."""
    shallow: Value = wrap("x")  # type: ignore[operator]
    is_map = isinstance(shallow, dict)
    value = _field(1, b"x")
    for _ in range(depth):
        value = _field(6, _field(1, _field(1, b"k") + _field(2, value))) if is_map else _field(5, _field(1, value))
    deep = _field(9, _field(1, b"deep") + _field(2, value))
    message = span("deep", attributes={"session.id": "s-1"})
    return _field(1, _field(2, _field(2, message.SerializeToString() + deep)))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def test_what_is_no_request_even_so_is_refused() -> None:
    with pytest.raises(DecodeError):
        lenient.parse(b"\x0a\xff")
