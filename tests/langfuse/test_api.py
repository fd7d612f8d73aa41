"""Langfuse's public API on the HTTP port of the receiver `otlp`, against ClickHouse in this process."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions import langfuse
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import Authenticator, ComponentId, Host
from otel_sessions.errors import Retryable
from otel_sessions.langfuse.api import MAX_BODY
from otel_sessions.langfuse.trace_update import SPAN_NAME
from otel_sessions.pdata import decode
from otel_sessions.receivers.otlp import factory
from otel_sessions.sessions import attribution
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from tests.receivers.conftest import BODY, PROTOBUF
from tests.receivers.secrets import auth, authenticator, basic_of

TIME = "2026-01-02T03:04:05.678Z"
TRACE = "0123456789abcdef0123456789abcdef"


class Api:
    """A client of the API with the keys of a project, and the receiver that it is on."""

    receiver: Any = None

    def __init__(self, endpoint: str, consumer: RecordingConsumer, **headers: str) -> None:
        self._endpoint = endpoint
        self._headers = headers
        self.consumer = consumer

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self._endpoint, timeout=60)
        named = {name.replace("_", "-"): value for name, value in {**self._headers, **headers}.items()}
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body)
        try:
            connection.request(method, f"/api/public/{path}", sent, named)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        status, _, text = self.raw(method, path, body, **headers)
        return status, json.loads(text)

    def get(self, path: str) -> Any:
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def ingest(self, *events: Any) -> dict[str, Any]:
        status, answer = self.ask("POST", "ingestion", {"batch": list(events), "metadata": None})
        assert status == 207, answer
        return answer


Start = Callable[..., Api]


@pytest.fixture
def start_api(otel_client: Client, clickhouse_endpoint: Endpoint) -> Iterator[Start]:
    """Starts a receiver whose ClickHouse is that of `otel_client`, unless another is named."""
    started = []

    def start(
        clickhouse: Endpoint | None = clickhouse_endpoint,
        authenticators: dict[str, Authenticator] | None = None,
        consumer: RecordingConsumer | None = None,
        **settings: Any,
    ) -> Api:
        known = {ComponentId.parse(name): each for name, each in (authenticators or {}).items()}
        host = Host(Metrics(), authenticators=known, mounts=[partial(langfuse.mount, clickhouse)])
        config = factory.config.model_validate({"protocols": {"http": {"endpoint": "127.0.0.1:0", **settings}}})
        consumer = consumer or RecordingConsumer()
        started.append(factory.create(ComponentId("otlp"), config, host, consumer))
        started[-1].start()
        api = Api(started[-1].endpoints["otlp/http"], consumer)
        api.receiver = started[-1]
        return api

    yield start
    for receiver in started:
        receiver.shutdown(5.0)


@pytest.fixture
def api(start_api: Start) -> Api:
    return start_api()


@pytest.fixture
def session() -> str:
    """A session id of the test's own."""
    return f"s/1 é {uuid.uuid4()}"


def event(type_: str, body: Any, time: str = TIME) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "type": type_, "timestamp": time, "body": body}


def score(**fields: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "name": "n", "value": 0.5, **fields}


def stored(client: Client, session: str, columns: str = "Name, DataType, Value, StringValue, Comment") -> list[Any]:
    rows = client.query(
        f"SELECT {columns} FROM session_scores WHERE SessionId = {{id:String}} ORDER BY Name", {"id": session}
    ).result_rows
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(("type_", "body"), [(PROTOBUF, BODY), ("application/json", b"{}")])
def test_traces_are_taken_as_at_the_path_of_OTLP(api: Api, type_: str, body: bytes) -> None:
    status, headers, _ = api.raw(
        "POST", "otel/v1/traces", gzip.compress(body), content_type=type_, content_encoding="gzip"
    )
    assert (status, headers["content-type"]) == (200, type_)
    assert api.consumer.bodies == [b"" if body == b"{}" else body]


def test_what_needs_no_data_is_answered(api: Api) -> None:
    assert api.get("health")["status"] == "OK"
    (project,) = api.get("projects")["data"]
    assert (project["id"], project["name"], project["metadata"]) == ("default", "default", {})
    assert project["organization"].keys() == {"id", "name"}
    status, answer = api.ask("GET", "v2/prompts/a%2Fb?label=production")
    assert (status, answer["error"]) == (404, "LangfuseNotFoundError")
    status, answer = api.ask("GET", "datasets")
    assert (status, answer.keys()) == (404, {"message", "error"})


def test_another_method_is_refused_as_all_else_is(api: Api) -> None:
    for method, path in (("PUT", "projects"), ("OPTIONS", "sessions"), ("GET", "media/x"), ("GET", "ingestion")):
        status, headers, text = api.raw(method, path)
        assert (status, json.loads(text).keys()) == (405, {"message", "error"})
        assert headers["allow"]


def test_media_have_the_id_of_the_SDK_and_are_not_uploaded(api: Api) -> None:
    digest = "ab+/cdefghijklmnopqrstuvwxyz0123456789ABCDE="
    assert api.ask("POST", "media", {"sha256Hash": digest}) == (
        200,
        {"mediaId": "ab-_cdefghijklmnopqrst", "uploadUrl": None},
    )
    assert api.ask("PATCH", "media/x", {"uploadHttpStatus": 200})[0] == 200
    assert api.ask("PUT", "media/x", b"\x00content")[0] == 200
    assert api.ask("POST", "media", {})[0] == 400


def test_scores_of_each_type_are_in_their_session(api: Api, session: str, otel_client: Client) -> None:
    answer = api.ingest(
        event("score-create", score(name="a", value=0.25, sessionId=session, comment="why")),
        event("score-create", score(name="b", value=1, dataType="BOOLEAN", sessionId=session)),
        event("score-create", score(name="c", value="good", sessionId=session)),
        event("score-create", score(name="d", value="long text", dataType="TEXT", sessionId=session)),
    )
    assert (len(answer["successes"]), answer["errors"]) == (4, [])
    assert stored(otel_client, session) == [
        ("a", "NUMERIC", 0.25, "", "why"),
        ("b", "BOOLEAN", 1.0, "True", ""),
        ("c", "CATEGORICAL", 0.0, "good", ""),
        ("d", "TEXT", 0.0, "long text", ""),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "sessionId or traceId expected"),
        ({"sessionId": "s", "value": "high", "dataType": "NUMERIC"}, "a number expected"),
        ({"sessionId": "s", "value": 3, "dataType": "CATEGORICAL"}, "text expected"),
        ({"sessionId": "s", "value": 3, "dataType": "BOOLEAN"}, "0 or 1 expected"),
        ({"sessionId": "s", "value": None}, "value"),
        ({"sessionId": "s", "value": float("nan")}, "finite number expected"),
        ({"sessionId": "s", "name": ""}, "name"),
        ({"sessionId": "\ud800"}, "sessionId"),
        ({"sessionId": "s", "observationId": "o"}, "goes with traceId"),
        ({"datasetRunId": "d"}, "dataset runs"),
        ({"sessionId": "s", "timestamp": "9999-01-01T00:00:00Z"}, "timestamp"),
    ],
)
def test_an_event_that_is_wrong_costs_only_itself(
    api: Api, session: str, otel_client: Client, body: dict[str, Any], message: str
) -> None:
    bad, good = event("score-create", score(**body)), event("score-create", score(sessionId=session))
    answer = api.ingest(bad, good)
    assert answer["successes"] == [{"id": good["id"], "status": 201}]
    assert [(each["id"], each["status"]) for each in answer["errors"]] == [(bad["id"], 400)]
    assert message in answer["errors"][0]["message"]
    assert len(stored(otel_client, session)) == 1


def test_events_of_SDKs_before_OpenTelemetry_are_told_what_to_do(api: Api) -> None:
    kinds = ("span-create", "generation-update", "event-create", "observation-create", "what")
    answer = api.ingest(*(event(kind, {}) for kind in kinds), 5, event("sdk-log", {"log": "x"}))
    messages = [each["message"] for each in answer["errors"]]
    assert (len(answer["successes"]), len(messages)) == (1, 6)
    assert all("SDK 3 or newer" in message for message in messages[:4])
    assert "'what'" in messages[4]


def test_the_same_id_again_replaces_and_a_late_repetition_does_not(api: Api, session: str, otel_client: Client) -> None:
    first = event("score-create", score(sessionId=session, value=1), "2026-01-01T00:00:00Z")
    second = event("score-create", {**first["body"], "value": 2}, "2026-01-01T00:00:01Z")
    for each in (first, first, second, first):
        api.ingest(each)
    assert stored(otel_client, session, "Value") == [(2.0,)]


def test_a_deleted_score_stays_deleted(api: Api, session: str, otel_client: Client) -> None:
    made = event("score-create", score(sessionId=session))
    api.ingest(made)
    path = f"scores/{made['body']['id']}"
    assert api.get(path)["sessionId"] == session
    assert api.ask("DELETE", path)[0] == 202
    api.ingest(made)
    assert stored(otel_client, session) == []
    assert api.ask("GET", path)[0] == api.ask("DELETE", path)[0] == 404


def test_scores_are_created_one_by_one_or_as_a_list(api: Api, session: str, otel_client: Client) -> None:
    one = score(name="a", sessionId=session)
    assert api.ask("POST", "scores", one) == (200, {"id": one["id"]})
    two = [score(name="b", sessionId=session), score(name="c", sessionId=session)]
    assert api.ask("POST", "scores", two) == (202, {"message": "Accepted"})
    status, answer = api.ask("POST", "scores", [score(name="d", sessionId=session), score(), 5])
    assert (status, answer["accepted"], answer["rejected"], len(answer["errors"])) == (207, 1, 2, 2)
    assert "sessionId or traceId expected" in answer["errors"][0]["message"]
    assert [row[0] for row in stored(otel_client, session)] == ["a", "b", "c", "d"]
    assert api.ask("POST", "scores", score())[0] == 400


def test_a_score_on_a_trace_is_in_the_session_of_the_trace(api: Api, session: str, otel_client: Client) -> None:
    trace, span = uuid.uuid4().hex, "00000000000000ab"
    api.ask("POST", "scores", [score(name="a", traceId=trace), score(name="b", traceId=trace, observationId=span)])
    assert stored(otel_client, session) == []
    place = {"id": session, "trace": trace, "span": span}
    insert = (
        "INSERT INTO otel_traces (Project, SessionHint, TraceId, SpanId, ClaimLevel, ClaimId) "
        "SELECT 'default', {id:String}, {trace:String}, {span:String}, 3, {id:String}"
    )
    otel_client.command(insert, place)
    assert stored(otel_client, session, "Name, TraceId, SpanId") == [("a", trace, ""), ("b", trace, span)]
    assert api.get(f"scores?sessionId={quote(session)}")["meta"]["totalItems"] == 2
    other = session + " other"
    otel_client.command(insert.replace(" 3, ", " 1, "), {**place, "id": other, "span": "00000000000000ac"})
    attribution.correct(otel_client, [doubt.trace for doubt in attribution.find(otel_client, [("default", trace)])])
    assert stored(otel_client, session) == []
    assert stored(otel_client, other, "Name") == [("a",), ("b",)]


def test_an_id_is_every_character_of_the_path(api: Api) -> None:
    for id_ in ("a/b", "a\n", "\na", "a\nb", "..", " "):
        status, answer = api.ask("GET", f"sessions/{quote(id_, safe='')}")
        assert (status, answer["message"]) == (404, f"there is no session {id_!r}")


def test_scores_are_listed_by_page(api: Api, session: str) -> None:
    api.ask("POST", "scores", [score(name=str(n), sessionId=session, metadata=[n]) for n in range(5)])
    path = f"scores?sessionId={quote(session)}&limit=2"
    pages = [api.get(f"{path}&page={page}") for page in (1, 2, 3, 4)]
    assert [len(page["data"]) for page in pages] == [2, 2, 1, 0]
    assert all(page["meta"]["totalItems"] == 5 and page["meta"]["totalPages"] == 3 for page in pages)
    named = api.get(f"{path}&name=3")["data"]
    assert [(each["value"], each["dataType"], each["metadata"]) for each in named] == [
        (0.5, "NUMERIC", {"metadata": [3]})
    ]
    assert api.ask("GET", f"{path}&userId=ada")[0] == api.ask("GET", "scores?limit=0")[0] == 400


def test_what_is_said_of_a_trace_becomes_a_span_that_repetitions_do_not_change(api: Api) -> None:
    body = {"id": TRACE.upper(), "sessionId": "s", "userId": "ada", "tags": ["t"], "name": "N", "input": {"a": 1}}
    update = event("trace-create", body)
    for _ in range(2):
        assert api.ingest(update, event("trace-create", {"id": "legacy"}))["errors"][0]["status"] == 400
    first, second = (decode([sent], ["default"]).batch for sent in api.consumer.bodies)
    assert first.record.equals(second.record)
    assert first["TraceId"].to_pylist() == [TRACE]
    assert first["SpanName"].to_pylist() == [SPAN_NAME]
    assert dict(first["SpanAttributes"].to_pylist()[0]) == {
        "session.id": "s",
        "user.id": "ada",
        "langfuse.trace.name": "N",
        "langfuse.trace.input": '{"a":1}',
        "langfuse.trace.tags": '["t"]',
    }


def test_without_an_answer_of_the_pipeline_the_whole_batch_is_to_come_again(start_api: Start, session: str) -> None:
    def full(_: object) -> Retryable:
        return Retryable("full", retry_after=7)

    api = start_api(consumer=RecordingConsumer(full))
    update = event("trace-create", {"id": TRACE, "sessionId": session})
    status, headers, _ = api.raw("POST", "ingestion", {"batch": [update]})
    assert (status, headers["retry-after"]) == (503, "7")


def test_a_batch_that_is_broken_off_leaves_its_spans_to_the_pipeline(start_api: Start) -> None:
    consumer = RecordingConsumer()
    consumer.hold()
    api = start_api(None, consumer=consumer)
    with ThreadPoolExecutor(1) as pool:
        update = event("trace-create", {"id": TRACE, "sessionId": "s"})
        sent = pool.submit(api.raw, "POST", "ingestion", {"batch": [update]})
        consumer.wait_for(1)
        api.receiver.shutdown(0.4)
        assert sent.result()[0] == 503
    consumer.release()  # would raise if its future had been cancelled


def test_while_ClickHouse_is_away_clients_are_to_come_again(start_api: Start, session: str) -> None:
    api = start_api(Endpoint.parse("http://127.0.0.1:9"))
    for path, body in (("scores", score(sessionId=session)), ("sessions", None)):
        status, headers, text = api.raw("POST" if body else "GET", path, body)
        assert (status, headers["retry-after"], json.loads(text)["error"]) == (503, "1", "ServiceUnavailableError")
    assert api.get("health")["status"] == "OK"


def test_without_a_ClickHouse_of_ours_nothing_is_kept(start_api: Start, session: str) -> None:
    assert start_api(None).ask("POST", "scores", score(sessionId=session))[0] == 501


@pytest.mark.parametrize("body", [b"{", b"[" * 200_000, b"\xff", b""])
def test_a_body_that_is_no_JSON_is_refused(api: Api, body: bytes) -> None:
    assert api.ask("POST", "ingestion", body)[0] == api.ask("POST", "scores", body)[0] == 400


@pytest.mark.parametrize("id_", [r'"\ud800"', "NaN", "1e400", "[{}]"])
def test_an_event_whose_id_is_no_text_does_not_keep_the_others(api: Api, session: str, id_: str) -> None:
    good = {"id": "e", "type": "score-create", "timestamp": TIME, "body": score(sessionId=session)}
    body = json.dumps({"batch": [good, "BAD"]}).replace('"BAD"', f'{{"type": "score-create", "id": {id_}}}')
    status, answer = api.ask("POST", "ingestion", body.encode())
    assert (status, len(answer["successes"]), len(answer["errors"])) == (207, 1, 1)


def test_bodies_are_bounded_after_decompression(api: Api, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    large = json.dumps(score(sessionId=session, comment="x" * MAX_BODY)).encode()
    assert api.ask("POST", "scores", large)[0] == 413
    assert api.ask("POST", "scores", gzip.compress(large), content_encoding="gzip")[0] == 413
    small = gzip.compress(json.dumps(score(sessionId=session)).encode())
    assert api.ask("POST", "scores", small, content_encoding="gzip")[0] == 200


def test_keys_open_their_project_and_nothing_else(start_api: Start, session: str) -> None:
    keys = [{"username": f"pk-{name}", "password": f"sk-{name}", "project": name} for name in "ab"]
    api = start_api(authenticators={"basicauth": authenticator("basicauth", credentials=keys)}, **auth("basicauth"))
    status, headers, text = api.raw("GET", "projects")
    assert (status, json.loads(text)["error"]) == (401, "UnauthorizedError")
    assert "www-authenticate" in headers
    assert api.get("health")["status"] == "OK"
    assert api.raw("POST", "otel/v1/traces", BODY, content_type=PROTOBUF)[0] == 401
    a, b = ({"authorization": basic_of(f"pk-{name}", f"sk-{name}")} for name in "ab")
    assert api.ask("GET", "projects", **a)[1]["data"][0]["id"] == "a"
    made = score(sessionId=session)
    assert api.ask("POST", "scores", made, **a)[0] == 200
    assert [api.ask("GET", f"scores/{made['id']}", **keys)[0] for keys in (a, b)] == [200, 404]
    assert api.ask("GET", f"scores?sessionId={quote(session)}", **b)[1]["data"] == []


def large_batch() -> tuple[str, bytes, int]:
    events = [{"id": "e", "type": "trace-create", "timestamp": TIME, "body": {"id": TRACE}} for _ in range(26_000)]
    return "ingestion", json.dumps({"batch": events}, separators=(",", ":")).encode(), 207


def long_list_of_scores() -> tuple[str, bytes, int]:
    scores = [{"name": "n", "value": 1, "sessionId": "s"} for _ in range(60_000)]
    return "scores", json.dumps(scores).encode(), 501  # there is nothing to keep them in


@pytest.mark.parametrize("sent", [large_batch, long_list_of_scores])
def test_traces_are_answered_beside_it_on_the_same_port(
    start_api: Start, sent: Callable[[], tuple[str, bytes, int]]
) -> None:
    api, (path, body, expected) = start_api(None), sent()
    assert len(body) < MAX_BODY
    with ThreadPoolExecutor(1) as pool:
        answered = 0
        ingested = pool.submit(api.ask, "POST", path, body)
        while not ingested.done():
            assert api.raw("POST", "otel/v1/traces", BODY, content_type=PROTOBUF)[0] == 200
            answered += 1
    assert ingested.result()[0] == expected
    assert answered > 10, "on the event loop it would be what comes before and the first that waits"
