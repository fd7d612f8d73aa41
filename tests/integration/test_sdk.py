"""What the OpenTelemetry SDK for Python exports, read back by SQL."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, set_span_in_context

from tests.integration.running import Running

SESSION = "sdk session"
START = 1_767_225_600_123_456_789  # 2026-01-01T00:00:00.123456789Z
END = START + 61_000_000_011
LINKED = SpanContext(0xABC, 0xDEF, is_remote=True)
ATTRIBUTES = {
    "text": "naïve ☂",
    "empty": "",
    "yes": True,
    "whole": -42,
    "large": 2**53 + 1,
    "real": 0.1,
    "round": 3.0,
    "texts": ("a", "b<c"),
    "wholes": (1, 2),
    "reals": (0.5, 2.0),
    "bools": (True, False),
}
AS_TEXT = {
    "text": "naïve ☂",
    "empty": "",
    "yes": "true",
    "whole": "-42",
    "large": "9007199254740993",
    "real": "0.1",
    "round": "3",
    "texts": '["a","b\\u003cc"]',
    "wholes": "[1,2]",
    "reals": "[0.5,2]",
    "bools": "[true,false]",
}


@dataclass(frozen=True)
class Sent:
    """A trace of a root and a child that failed, in `SESSION`."""

    running: Running
    trace_id: str
    root_id: str
    child_id: str
    found_at_once: list[list[int]]

    def row(self, columns: str, span_id: str) -> list[object]:
        rows = self.running.sql(f"SELECT {columns} FROM otel_traces WHERE SpanId = {{id:String}}", id=span_id)
        assert len(rows) == 1
        return rows[0]


@pytest.fixture(scope="module")
def sent(service: Running) -> Sent:
    exporter = OTLPSpanExporter(endpoint=service.endpoints["otlp/grpc"], insecure=True)
    resource = Resource({"service.name": "shop", "deployment.environment.name": "test", "host.cpus": 2})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("shop.chat", "1.2.3", attributes={"scope.key": "scope value"})
    root = tracer.start_span(
        "ask",
        kind=SpanKind.SERVER,
        start_time=START,
        attributes={"session.id": SESSION, "user.id": "ada", **ATTRIBUTES},
        links=[Link(LINKED, {"why": "retry", "n": 1})],
    )
    context = set_span_in_context(root)
    child = tracer.start_span("answer", context, SpanKind.CLIENT, {"session.id": SESSION}, start_time=START + 1)
    child.add_event("note", {"n": 7}, timestamp=START + 2)
    try:
        int("no such \U0001f4a5")
    except ValueError as error:
        child.record_exception(error, timestamp=START + 3)
    child.set_status(Status(StatusCode.ERROR, "it broke"))
    child.end(START + 5)
    root.set_status(StatusCode.OK)
    root.end(END)
    assert provider.force_flush()
    found = service.sql("SELECT SpanCount FROM sessions WHERE SessionId = {id:String}", id=SESSION)
    provider.shutdown()
    ids = root.get_span_context()
    return Sent(
        service, f"{ids.trace_id:032x}", f"{ids.span_id:016x}", f"{child.get_span_context().span_id:016x}", found
    )


def test_a_session_is_visible_when_its_spans_are_answered(sent: Sent) -> None:
    assert sent.found_at_once == [[2]]


def test_the_session_has_the_figures_of_its_spans(sent: Sent) -> None:
    columns = (
        "Project, StartTime, EndTime, Duration, TraceCount, SpanCount, ErrorCount, UserIds, ServiceNames, Environments"
    )
    assert sent.running.sql(f"SELECT {columns} FROM sessions WHERE SessionId = {{id:String}}", id=SESSION) == [
        [
            "default",
            "2026-01-01 00:00:00.123456789",
            "2026-01-01 00:01:01.123456800",
            END - START,
            1,
            2,
            1,
            ["ada"],
            ["shop"],
            ["test"],
        ]
    ]


def test_the_trace_is_a_turn_of_the_session(sent: Sent) -> None:
    columns = "TraceId, Name, StartTime, Duration, UserId, SpanCount, ErrorCount"
    assert sent.running.sql(f"SELECT {columns} FROM session_traces WHERE SessionId = {{id:String}}", id=SESSION) == [
        [sent.trace_id, "ask", "2026-01-01 00:00:00.123456789", END - START, "ada", 2, 1]
    ]


def test_both_spans_stand_in_the_minute_of_their_start(sent: Sent) -> None:
    columns = "Minute, TraceCount, SpanCount, ErrorCount"
    assert sent.running.sql(f"SELECT {columns} FROM session_timeline WHERE SessionId = {{id:String}}", id=SESSION) == [
        ["2026-01-01 00:00:00.000000000", 1, 2, 1]
    ]


def test_the_session_has_both_spans_whole(sent: Sent) -> None:
    query = (
        "SELECT SpanId, SpanName, SessionSource, SpanAttributes['text'], `Events.Name` "
        "FROM session_spans WHERE SessionId = {id:String} ORDER BY StartTimeUnixNano"
    )
    assert sent.running.sql(query, id=SESSION) == [
        [sent.root_id, "ask", "span", "naïve ☂", []],
        [sent.child_id, "answer", "span", "", ["note", "exception"]],
    ]


def test_ids_names_kinds_status_and_nanoseconds_are_kept(sent: Sent) -> None:
    columns = (
        "Timestamp, Duration, TraceId, ParentSpanId, SpanName, SpanKind, StatusCode, StatusMessage, "
        "StartTimeUnixNano, EndTimeUnixNano"
    )
    assert sent.row(columns, sent.root_id) == [
        "2026-01-01 00:00:00.123456789",
        END - START,
        sent.trace_id,
        "",
        "ask",
        "Server",
        "Ok",
        "",
        START,
        END,
    ]
    assert sent.row(columns, sent.child_id) == [
        "2026-01-01 00:00:00.123456790",
        4,
        sent.trace_id,
        sent.root_id,
        "answer",
        "Client",
        "Error",
        "it broke",
        START + 1,
        START + 5,
    ]


def test_attributes_of_every_type_are_text(sent: Sent) -> None:
    (attributes,) = sent.row("SpanAttributes", sent.root_id)
    assert attributes == {**AS_TEXT, "session.id": SESSION, "user.id": "ada"}


def test_resource_and_scope_are_kept(sent: Sent) -> None:
    service, resource, *scope = sent.row(
        "ServiceName, ResourceAttributes, ScopeName, ScopeVersion, ScopeAttributes", sent.root_id
    )
    assert service == "shop"
    assert isinstance(resource, dict)
    assert resource.items() >= {
        ("service.name", "shop"),
        ("host.cpus", "2"),
        ("deployment.environment.name", "test"),
    }
    assert scope == ["shop.chat", "1.2.3", {"scope.key": "scope value"}]


def test_events_are_kept_with_the_exception(sent: Sent) -> None:
    times, names, attributes = sent.row("`Events.Timestamp`, `Events.Name`, `Events.Attributes`", sent.child_id)
    assert times == ["2026-01-01 00:00:00.123456791", "2026-01-01 00:00:00.123456792"]
    assert names == ["note", "exception"]
    assert isinstance(attributes, list)
    note, exception = attributes
    assert note == {"n": "7"}
    assert exception["exception.type"] == "ValueError"
    assert "no such \U0001f4a5" in exception["exception.message"]
    assert "test_sdk.py" in exception["exception.stacktrace"]


def test_links_are_kept(sent: Sent) -> None:
    assert sent.row("`Links.TraceId`, `Links.SpanId`, `Links.Attributes`", sent.root_id) == [
        ["0" * 29 + "abc"],
        ["0" * 13 + "def"],
        [{"why": "retry", "n": "1"}],
    ]


def test_the_times_of_the_trace_are_where_grafana_looks_for_them(sent: Sent) -> None:
    query = "SELECT Start, End FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}"
    assert sent.running.sql(query, id=sent.trace_id) == [
        ["2026-01-01 00:00:00.123456789", "2026-01-01 00:00:00.123456790"]
    ]
