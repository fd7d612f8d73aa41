"""What the methods answer, beside what REST does."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from clickhouse_connect.driver.client import Client
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from otel_sessions import session_service
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.extensions.web import Web
from otel_sessions.queries import detail, shapes, spans
from otel_sessions.queries.rows import as_json
from otel_sessions.session_service import reads
from otel_sessions.session_service.messages import SERVICE, message_type
from tests.extensions.web.conftest import Api, span, web, web_host  # noqa: F401 - fixtures
from tests.extensions.web.test_odd_ids import EVERYTHING, LONGEST
from tests.integration.delivery import EPOCH
from tests.session_service.conftest import Sessions, members, serving


@pytest.fixture
def rest(stored: Api, web: Web) -> Api:  # noqa: F811
    """The REST interface to the same project."""
    return Api(web.endpoints["web"], stored.project, stored.client)


def detail_of(error: Any, type_: Any) -> Any:
    """The detail of this type."""
    found = type_()
    (match,) = [each for each in rpc_status.from_call(error).details if each.Unpack(found)]
    assert match
    return found


def fill(api: Api) -> None:
    api.store(
        span("s", 1, start=0, attributes={"user.id": "ada", "input.value": "x" * 50, "langfuse.trace.metadata.k": "v"}),
        span("s", 1, number=2, start=1, status="error", message="broken"),
        span("s", 2, start=60, attributes={"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 7}),
        span("t", 3, start=30, attributes={"user.id": "bob"}),
        resource={"service.name": "shop"},
    )


def test_every_member_that_rest_answers_has_a_field_of_the_same_name(stored: Api, rest: Api) -> None:
    fill(stored)
    rest.call("POST", "/sessions/s/scores", {"name": "t", "data_type": "TEXT", "value": "long", "comment": "long"})
    rest.call("POST", "/sessions/s/share")
    session = rest.get("/sessions/s", preview=3)
    answers = {
        "Session": session,
        "Score": session["scores"][0],
        "Share": session["share"],
        "Trace": rest.get("/sessions/s/traces", preview=3)["traces"][0],
        "Span": rest.get("/sessions/s/spans", preview=3)["spans"][0],
    }
    for name, answer in answers.items():
        assert answer.keys() - set(message_type(name).DESCRIPTOR.fields_by_name) == set(), name


def test_a_session_is_as_rest_has_it(stored: Api, rest: Api, service: Sessions) -> None:
    fill(stored)
    rest.call("POST", "/sessions/s/scores", {"name": "good", "data_type": "BOOLEAN", "value": True})
    found = json_format.MessageToDict(
        service.call("GetSession", session_id="s", preview=10),
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    told = rest.get("/sessions/s", preview=10)
    numbers = {name for name, value in told.items() if isinstance(value, int) and not isinstance(value, bool)}
    for name, value in told.items():
        if name in numbers:
            assert int(found[name]) == value, name
        elif name in ("start_time", "end_time", "scores", "share"):
            continue
        elif value is None:
            assert name not in found, name
        elif isinstance(value, dict):
            assert found[name] == {key: each for key, each in value.items() if each is not None}, name
        else:
            assert found[name] == value, name
    assert service.call("GetSession", session_id="s").start_time.ToNanoseconds() == EPOCH
    (score,) = found["scores"]
    assert (score["value"], score["data_type"]) == (True, "BOOLEAN")


def test_sessions_are_listed_by_query_window_and_order_page_by_page(stored: Api, service: Sessions) -> None:
    fill(stored)

    def ids(**request: Any) -> list[str]:
        return [session.session_id for session in service.call("ListSessions", **request).sessions]

    assert ids() == ["s", "t"]
    assert ids(query="user:bob") == ["t"]
    assert ids(user_id="ada", has_error=True) == ["s"]
    assert ids(has_error=False) == ["t"]
    assert ids(sort="start", order="asc") == ["s", "t"]
    time = Timestamp()
    time.FromNanoseconds(EPOCH + 30 * 10**9)
    assert ids(**{"from": time, "to": time}) == ["t"]
    early, late = Timestamp(seconds=-62_135_596_800), Timestamp(seconds=253_402_300_799)  # the years 1 and 9999
    assert ids(**{"from": early, "to": late}) == ["s", "t"]
    assert ids(**{"from": late}) == ids(to=early) == []
    first = service.call("ListSessions", limit=1, fields=["core"])
    assert (first.sessions[0].session_id, first.sessions[0].input) == ("s", "")
    assert ids(limit=1, cursor=first.next_cursor) == ["t"]


def test_turns_and_spans_come_oldest_first_page_by_page(stored: Api, service: Sessions) -> None:
    fill(stored)
    page = service.call("ListTraces", session_id="s", limit=1)
    rest = service.call("ListTraces", session_id="s", limit=1, cursor=page.next_cursor)
    assert [int(each.trace_id, 16) for each in (*page.traces, *rest.traces)] == [1, 2]
    assert rest.next_cursor == ""
    spans = service.call("ListSpans", session_id="s").spans
    assert [(int(each.trace_id, 16), each.is_root, each.status_code) for each in spans] == [
        (1, True, "Unset"),
        (1, False, "Error"),
        (2, True, "Unset"),
    ]
    assert spans[0].span_attributes["user.id"] == "ada"
    assert (spans[2].model, spans[2].input_tokens) == ("gpt-4o", 7)


def test_a_page_that_would_be_too_large_for_clients_ends_sooner(
    stored: Api, service: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "MAX_ANSWER", 1500)
    stored.store(*(span("s", n, start=n, attributes={"note": "x" * 400}) for n in range(1, 9)))
    cursor, seen, pages = "", [], 0
    while cursor or not seen:
        page = service.call("ListSpans", session_id="s", cursor=cursor)
        seen += [int(each.trace_id, 16) for each in page.spans]
        cursor, pages = page.next_cursor, pages + 1
    assert seen == list(range(1, 9))
    assert pages > 2


@pytest.mark.parametrize("id_", [EVERYTHING, LONGEST], ids=["everything", "longest"])
def test_ids_may_be_any_text(stored: Api, service: Sessions, id_: str) -> None:
    stored.store(span(id_, 1), span(id_, 2, start=1), span("other", 3))
    written = id_.replace("\\", "\\\\").replace('"', '\\"')
    assert [each.session_id for each in service.call("ListSessions", query=f'id:"{written}"').sessions] == [id_]
    page = service.call("ListSessions", limit=1, sort="traces")
    assert [each.session_id for each in page.sessions] == [id_]
    assert (
        service.call("ListSessions", limit=1, sort="traces", cursor=page.next_cursor).sessions[0].session_id == "other"
    )
    assert service.call("GetSession", session_id=id_).session_id == id_
    for method, name in (("ListTraces", "traces"), ("ListSpans", "spans")):
        first = service.call(method, session_id=id_, limit=1)
        second = service.call(method, session_id=id_, limit=1, cursor=first.next_cursor)
        found = [*getattr(first, name), *getattr(second, name)]
        assert [each.session_id for each in found] == [id_, id_]
        assert len({each.trace_id for each in found}) == 2
    watched = service.watch(session_id=id_, from_start=True)
    begun = next(watched)
    watched.cancel()
    again = service.watch(session_id=id_, last_event_id=begun.id)
    assert (begun.trace.session_id, next(again).trace.session_id) == (id_, id_)
    again.cancel()


@pytest.mark.parametrize("method", ["GetSession", "ListTraces", "ListSpans"])
def test_a_session_that_is_not_there_is_not_found(service: Sessions, method: str) -> None:
    assert service.refused(method, session_id="nobody").code() == grpc.StatusCode.NOT_FOUND


def test_no_project_reads_anothers(stored: Api, service: Sessions, otel_client: Client) -> None:
    stored.store(span("mine", 1))
    other = Sessions(service.channel, "another")
    assert other.refused("GetSession", session_id="mine").code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError) as caught:
        service.channel.unary_unary(f"/{SERVICE}/ListSessions")(b"", timeout=60)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_what_is_not_of_the_language_is_told_with_its_position_and_what_was_meant(service: Sessions) -> None:
    error = service.refused("ListSessions", query="cost>1 usr:ada")
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = detail_of(error, BadRequest).field_violations
    assert violation.field == "query"
    assert "position: 7" in violation.description
    assert "did_you_mean: ['user'" in violation.description
    assert detail_of(error, ErrorInfo).metadata["position"] == "7"


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("cursor", {"cursor": "x"}),
        ("limit", {"limit": 1001}),
        ("sort", {"sort": "size"}),
        ("order", {"order": "up"}),
        ("fields", {"fields": ["core", "everything"]}),
        ("min_cost", {"min_cost": float("nan")}),
        ("from", {"from": Timestamp(seconds=5, nanos=10**9)}),
        ("to", {"to": Timestamp(seconds=5, nanos=-1)}),
    ],
)
def test_a_field_that_is_wrong_is_named(service: Sessions, field: str, request_: dict[str, Any]) -> None:
    error = service.refused("ListSessions", **request_)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert detail_of(error, BadRequest).field_violations[0].field == field


@pytest.mark.parametrize("body", [b"\xff\xff", b"\x0a\x02\xff\xfe", b"\xfa\x07\x03abc"])
def test_bytes_that_are_no_request_and_fields_of_a_newer_version_are_refused(service: Sessions, body: bytes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        service.send("ListSessions", body)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("is_busy", [False, True], ids=["ClickHouse is away", "too many calls"])
def test_reads_that_fail_for_no_fault_of_the_client_are_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_busy: bool
) -> None:
    monkeypatch.setattr(session_service.service, "OPEN_READS", 0 if is_busy else 8)
    with serving(Endpoint.parse("http://127.0.0.1:9")) as address, grpc.insecure_channel(address) as channel:
        sessions = Sessions(channel, "shop")
        for request in ({"session_id": "s"}, {"session_id": "s"}, {"session_id": ""}):
            assert sessions.refused("GetSession", **request).code() in {
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.INVALID_ARGUMENT,
            }
    (line,) = [each.message for each in caplog.records if each.name == "otel_sessions.refused"]
    about = "a call" if is_busy else "GetSession, project shop"
    assert f"ipv4:127.0.0.1 is refused over otlp/grpc ({about}): UNAVAILABLE " in line
    assert line.endswith("see `otel-sessions doctor`")


def test_reflection_and_health_know_the_service(service: Sessions) -> None:
    database = ProtoReflectionDescriptorDatabase(service.channel)
    assert SERVICE in database.get_services()
    assert database.FindFileContainingSymbol(SERVICE).package == "otel_sessions.v1"
    stub = health_pb2_grpc.HealthStub(service.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_rows_of_the_views_fill_their_messages_whole(stored: Api) -> None:
    fill(stored)
    named = {"project": stored.project, "session_id": "s", "limit": 10}
    for name, page in (
        ("Trace", detail.list_traces(stored.client, **named)),
        ("Span", spans.list_spans(stored.client, **named)),
    ):
        for row in page.rows:
            filled = members(reads.filling(name)(shapes.turn(row)))
            said = {key for key, value in as_json(row).items() if value} - {"project"}
            assert said - filled.keys() == set(), name
