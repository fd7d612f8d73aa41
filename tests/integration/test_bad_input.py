"""Input that is wrong, over the wire: each gets its answer, and the spans beside it are stored and counted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.testing.otlp import START, Value, new_trace_id, request, resource_spans, span
from tests.integration.running import Running

Code = grpc.StatusCode
YEAR = 365 * 24 * 3600 * 10**9
_numbers = itertools.count()


@pytest.fixture
def session() -> str:
    """A session id of its own for each test."""
    return f"bad input {next(_numbers)}"


def good(session: str) -> Span:
    return span("good", attributes={"session.id": session})


def names(running: Running, session: str) -> list[str]:
    """Of the spans of a session."""
    query = "SELECT SpanName FROM session_spans WHERE SessionId = {id:String} ORDER BY SpanName"
    return [name for (name,) in running.sql(query, id=session)]


def counted(running: Running, session: str) -> int:
    return int(running.sql("SELECT sum(SpanCount) FROM sessions WHERE SessionId = {id:String}", id=session)[0][0])


def refusal(running: Running, body: bytes, **call: object) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        running.send(body, **call)
    return raised.value


def details(error: grpc.RpcError) -> Sequence[type]:
    status = rpc_status.from_call(error)
    return [
        type_
        for any_ in (status.details if status else ())
        for type_ in (BadRequest, RetryInfo)
        if any_.Is(type_.DESCRIPTOR)
    ]


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, length = len(payload), b""
    while size >= 128:
        size, length = size >> 7, length + bytes([size & 127 | 128])
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


@pytest.mark.parametrize(
    "damage",
    [lambda body: body[:-1], lambda body: body[: len(body) // 2], lambda _: b"\xff" * 100],
    ids=["cut", "half", "noise"],
)
def test_bytes_that_are_no_request_are_INVALID_ARGUMENT(service: Running, session: str, damage: object) -> None:
    assert callable(damage)
    body = request(good(session)).SerializeToString()
    error = refusal(service, damage(body))
    assert (error.code(), details(error)) == (Code.INVALID_ARGUMENT, [BadRequest])
    assert counted(service, session) == 0
    service.send(body)
    assert names(service, session) == ["good"]


def test_spans_with_wrong_ids_are_rejected_and_their_neighbours_stored(service: Running, session: str) -> None:
    attributes: dict[str, Value] = {"session.id": session}
    wrong = [
        {"trace_id": b"\1" * 15},
        {"trace_id": b"\1" * 17},
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"span_id": b"\1" * 7},
        {"span_id": b"\1" * 16},
        {"span_id": b""},
        {"span_id": bytes(8)},
        {"parent": b"\1" * 4},
    ]
    spans = [span("bad", attributes=attributes, **ids) for ids in wrong]
    answer = service.send(request(good(session), *spans, good(session)))
    assert answer.partial_success.rejected_spans == len(wrong)
    assert "trace id" in answer.partial_success.error_message
    assert names(service, session) == ["good", "good"]
    assert counted(service, session) == 2


def test_a_parent_of_zeros_is_none(service: Running, session: str) -> None:
    answer = service.send(request(span("root", parent=bytes(8), attributes={"session.id": session})))
    assert not answer.HasField("partial_success")
    query = "SELECT ParentSpanId, IsRoot FROM otel_traces WHERE ClaimId = {id:String}"
    assert service.sql(query, id=session) == [["", 1]]


@pytest.mark.parametrize("place", ["name", "value", "key"])
def test_text_that_is_not_UTF8_is_stored_with_replacement_characters(
    service: Running, session: str, place: str
) -> None:
    marked = {"name": ("MARK", "k", "v"), "value": ("n", "k", "MARK"), "key": ("n", "MARK", "v")}[place]
    name, key, value = marked
    body = request(span(name, attributes={"session.id": session, key: value}), good(session)).SerializeToString()
    answer = service.send(body.replace(b"MARK", b"A\xff\xc3B"))
    assert not answer.HasField("partial_success")
    query = (
        "SELECT SpanName, mapFilter((k, v) -> k != 'session.id', SpanAttributes) FROM session_spans "
        "WHERE SessionId = {id:String} AND SpanName != 'good'"
    )
    name, key, value = (text.replace("MARK", "A\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}B") for text in marked)
    assert service.sql(query, id=session) == [[name, {key: value}]]
    assert counted(service, session) == 2


ABSURD = {
    "zero": (0, 0),
    "no start": (0, START),
    "no end": (START, 0),
    "the end of time": (2**64 - 1, 2**64 - 1),
    "all of time": (0, 2**64 - 1),
    "an end before the start": (START, START - 1),
    "the last nanosecond": (2**63 - 1, 2**63 - 1),
    "beyond it": (2**63, 2**63),
}


@pytest.mark.parametrize("times", ABSURD.values(), ids=ABSURD)
def test_times_that_make_no_sense_are_stored_and_counted(
    service: Running, session: str, times: tuple[int, int]
) -> None:
    start, end = times
    odd = span("odd", start=start, end=end, attributes={"session.id": session})
    service.send(request(odd, good(session)))
    assert names(service, session) == ["good", "odd"]
    assert counted(service, session) == 2
    query = "SELECT StartTimeUnixNano, EndTimeUnixNano, Duration FROM otel_traces WHERE SpanId = {id:String}"
    (row,) = service.sql(query, id=odd.span_id.hex())
    assert [int(value) for value in row] == [start, end, max(0, end - start)]
    assert (
        sum(
            count
            for (count,) in service.sql(
                "SELECT SpanCount FROM session_timeline WHERE SessionId = {id:String}", id=session
            )
        )
        == 2
    )


@pytest.mark.parametrize(
    "times",
    [(0, 0), (2**64 - 1, 2**64 - 1), (START, 2**64 - 1)],
    ids=["zero", "the end of time", "an end at the end of time"],
)
def test_times_that_make_no_sense_do_not_stretch_a_session(
    service: Running, session: str, times: tuple[int, int]
) -> None:
    start, end = times
    service.send(request(span("odd", start=start, end=end, attributes={"session.id": session}), good(session)))
    query = "SELECT StartTime, Duration FROM sessions WHERE SessionId = {id:String}"
    assert service.sql(query, id=session) == [["2023-11-14 22:13:20.000000000", 1_000_000]]


def test_a_request_over_three_hundred_years_is_stored(service: Running, session: str) -> None:
    spans = [span(start=1 + year * YEAR // 2, attributes={"session.id": session}) for year in range(2 * 292)]
    assert not service.send(request(*spans)).HasField("partial_success")
    assert counted(service, session) == len(spans)
    query = "SELECT toYear(StartTime), toYear(EndTime) FROM sessions WHERE SessionId = {id:String}"
    assert service.sql(query, id=session) == [[1970, 2261]]
    assert len(service.sql("SELECT Minute FROM session_timeline WHERE SessionId = {id:String}", id=session)) == len(
        spans
    )


def test_a_message_of_100_MiB_is_RESOURCE_EXHAUSTED_for_good(service: Running, session: str) -> None:
    large = span("large", attributes={"session.id": session, "padding": "x" * (100 << 20)})
    error = refusal(service, request(large).SerializeToString())
    assert (error.code(), details(error)) == (Code.RESOURCE_EXHAUSTED, [])
    assert counted(service, session) == 0


def test_a_gzip_bomb_is_RESOURCE_EXHAUSTED_and_costs_no_memory(service: Running, session: str) -> None:
    bomb = request(span("bomb", attributes={"session.id": session, "padding": "\0" * (160 << 20)})).SerializeToString()
    before = rss_mib(service)
    error = refusal(service, bomb, compression=grpc.Compression.Gzip)
    assert (error.code(), details(error)) == (Code.RESOURCE_EXHAUSTED, [])
    assert rss_mib(service) - before < 130  # twice the cap, that of a message before and after decompression
    service.send(request(good(session)))
    assert names(service, session) == ["good"]


def rss_mib(running: Running) -> float:
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


@pytest.mark.parametrize(
    "empty", [request(), request(resource_spans()), request(resource={"a": "b"})], ids=["none", "resource", "scope"]
)
def test_an_empty_request_succeeds(service: Running, empty: ExportTraceServiceRequest) -> None:
    assert not service.send(empty).HasField("partial_success")


def test_unknown_fields_are_ignored(service: Running, session: str) -> None:
    body = request(good(session)).SerializeToString()
    answer = service.send(field(15, b"from the future") + body + field(9, b"\xff\xff"))
    assert not answer.HasField("partial_success")
    assert names(service, session) == ["good"]


def test_concatenated_requests_are_one(service: Running, session: str) -> None:
    body = request(good(session)).SerializeToString()
    service.send(body + request(good(session)).SerializeToString())
    assert counted(service, session) == 2


def test_a_value_that_is_nested_too_deep_costs_only_itself(service: Running, session: str) -> None:
    value = field(1, b"deep")  # AnyValue.string_value
    for _ in range(200):
        value = field(5, field(1, value))  # AnyValue.array_value.values
    attribute = field(9, field(1, b"deep") + field(2, value))  # Span.attributes
    deep = span("deep", attributes={"session.id": session}).SerializeToString() + attribute
    body = field(1, field(2, field(2, deep)))  # resource_spans.scope_spans.spans
    assert not service.send(body + request(good(session)).SerializeToString()).HasField("partial_success")
    assert names(service, session) == ["deep", "good"]


def test_an_id_of_8192_bytes_is_one_and_a_longer_one_is_told_of(service: Running, session: str) -> None:
    longest = session + "é" * ((8192 - len(session)) // 2) + "x" * (len(session) % 2)
    assert len(longest.encode()) == 8192
    assert not service.send(request(good(longest))).HasField("partial_success")
    assert counted(service, longest) == 1

    over = span("over", attributes={"session.id": longest + "x"})
    answer = service.send(request(over, good(session)))
    assert answer.HasField("partial_success")
    assert answer.partial_success.rejected_spans == 0
    assert "8192" in answer.partial_success.error_message
    assert claim(service, over) == ""
    assert counted(service, session) == 1


def claim(running: Running, of: Span) -> str:
    """The session that a stored span claims, empty without one."""
    query = "SELECT ClaimId FROM otel_traces WHERE SpanId = {id:String}"
    ((found,),) = running.sql(query, id=of.span_id.hex())
    assert isinstance(found, str)
    return found


NOT_IDS: dict[str, Value] = {
    "empty": "",
    "blank": " \t\n\u3000",
    "scrubbed": "[Scrubbed due to 'session']",
    "an array": ["a"],
    "a map": {"a": "b"},
    "bytes": b"abc",
    "nothing": None,
}


@pytest.mark.parametrize("value", NOT_IDS.values(), ids=NOT_IDS)
def test_what_is_not_an_id_leaves_a_span_without_a_session(service: Running, value: Value) -> None:
    sent = span("no session", trace_id=new_trace_id(), attributes={"session.id": value})
    assert not service.send(request(sent)).HasField("partial_success")
    assert claim(service, sent) == ""
    assert service.sessions_of(sent.span_id.hex()) == [None]


@pytest.mark.parametrize(("value", "id_"), [(42, "42"), (True, "true"), (1.5, "1.5"), (0, "0"), (False, "false")])
def test_numbers_and_booleans_are_ids_by_their_text(service: Running, value: Value, id_: str) -> None:
    sent = span(attributes={"session.id": value})
    service.send(request(sent))
    assert service.sessions_of(sent.span_id.hex()) == [id_]


ODD_IDS = [
    "日本語 ☃ ñ",
    "a/b/../c?d=e&f#g%20",
    " leading and trailing ",
    "\U0001f469\u200d\U0001f4bb\U0001f1e6\U0001f1f9",
    """it's "quoted" `and` \\escaped\\n""",
    "one\ntwo\r\nthree\tfour",
    "'; DROP TABLE otel_traces; --",
    "{id:String}",
    "nul \0 inside",
    "e\u0301 is not \u00e9",
    "\\",
    "\\N",
]


@pytest.mark.parametrize("id_", ODD_IDS)
def test_any_text_is_an_id_and_comes_back_by_a_bound_parameter(service: Running, id_: str) -> None:
    sent = span(trace_id=new_trace_id(), attributes={"session.id": id_})
    service.send(request(sent))
    assert service.sessions_of(sent.span_id.hex()) == [id_]
    # A bound value is read as a field of TSV: https://clickhouse.com/docs/interfaces/http#tabs-in-url-parameters
    escaped = (
        id_.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    )
    for view in ("sessions", "session_traces", "session_timeline", "session_spans"):
        assert service.sql(f"SELECT SessionId FROM {view} WHERE SessionId = {{id:String}}", id=escaped) == [[id_]]
