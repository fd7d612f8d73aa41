"""What Langfuse's clients read: traces of a session, scores in two versions, comments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions import langfuse
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.receivers.otlp import factory
from otel_sessions.sessions.additions import comment, save_score_config
from otel_sessions.sessions.scores import Score, store
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from tests.extensions.web.conftest import Api as Project
from tests.extensions.web.conftest import ByHeader, span
from tests.integration.delivery import new_project
from tests.langfuse.test_api import Api


@pytest.fixture(scope="module")
def address(otel_client: Client, clickhouse_endpoint: Endpoint) -> Iterator[str]:
    host = Host(
        Metrics(),
        mounts=[partial(langfuse.mount, clickhouse_endpoint)],
        authenticators={ComponentId("tests"): ByHeader()},
    )
    settings = {"protocols": {"http": {"endpoint": "127.0.0.1:0", "auth": {"authenticator": "tests"}}}}
    receiver = factory.create(ComponentId("otlp"), factory.config.model_validate(settings), host, RecordingConsumer())
    receiver.start()
    yield receiver.endpoints["otlp/http"]
    receiver.shutdown(5)


@pytest.fixture
def project(otel_client: Client) -> Project:
    return Project("", new_project(), otel_client)


@pytest.fixture
def api(address: str, project: Project) -> Api:
    return Api(address, RecordingConsumer(), **{"X-Project": project.project})


def ids(answer: Any) -> list[int]:
    return [int(each["id"], 16) for each in answer["data"]]


def query(path: str, **parameters: Any) -> str:
    named = {name.rstrip("_"): value for name, value in parameters.items()}
    return f"{path}?{urlencode(named, doseq=True)}"


def fill(project: Project) -> None:
    ada = {"user.id": "ada", "langfuse.trace.tags": ["a", "b"], "langfuse.environment": "live"}
    project.store(
        *(span("s/1", trace, start=trace, attributes={"input.value": f"in {trace}"}) for trace in range(1, 8)),
        span("s/1", 8, start=8, attributes={**ada, "langfuse.trace.metadata.k": "v"}, seconds=2, name="named"),
        span("s/1", 8, number=2, start=9),
        span("other", 9),
    )


def test_traces_of_a_session_are_told_page_by_page_the_latest_first(api: Api, project: Project) -> None:
    fill(project)
    pages = [api.get(query("traces", sessionId="s/1", limit=3, page=page)) for page in (1, 2, 3, 4)]
    assert [ids(page) for page in pages] == [[8, 7, 6], [5, 4, 3], [2, 1], []]
    assert {(page["meta"]["totalItems"], page["meta"]["totalPages"]) for page in pages} == {(8, 3)}
    assert ids(api.get(query("traces", sessionId="s/1", orderBy="timestamp.asc", limit=2))) == [1, 2]


def test_a_trace_has_its_figures_and_the_ids_of_what_is_in_it(api: Api, project: Project) -> None:
    fill(project)
    store(project.client, scores=[a_score(project, "good", trace_id=f"{8:032x}")])
    (found,) = api.get(query("traces", sessionId="s/1", userId="ada"))["data"]
    assert (found["name"], found["latency"], found["userId"], found["tags"]) == ("named", 2.0, "ada", ["a", "b"])
    assert (found["sessionId"], found["environment"], found["metadata"]) == ("s/1", "live", {"k": "v"})
    assert found["observations"] == [f"{8001:016x}", f"{8002:016x}"]
    assert found["scores"] == ["good"]
    (lean,) = api.get(query("traces", sessionId="s/1", userId="ada", fields="core"))["data"]
    assert (lean["observations"], lean["scores"], lean["latency"], lean["totalCost"]) == ([], [], -1, -1)
    assert (lean["input"], lean["metadata"]) == (None, {})


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"tags": ["a", "b"]}, [8]),
        ({"tags": ["a", "z"]}, []),
        ({"environment": "default"}, [7, 6, 5, 4, 3, 2, 1]),
        ({"environment": ["live", "default"], "limit": 2}, [8, 7]),
        ({"name": "named"}, [8]),
        ({"fromTimestamp": "2026-01-01T00:00:07Z", "toTimestamp": "2026-01-01T00:00:08Z"}, [7]),
        ({"fromTimestamp": "0001-01-01T00:00:00Z", "toTimestamp": "9999-12-31T23:59:59+14:00", "name": "named"}, [8]),
        ({"fromTimestamp": "9999-12-31T23:59:59-14:00"}, []),
        ({"toTimestamp": "0001-01-01T00:00:00+14:00"}, []),
    ],
)
def test_traces_are_chosen_by_all_that_is_given(
    api: Api, project: Project, filter_: dict[str, Any], expected: list[int]
) -> None:
    fill(project)
    assert ids(api.get(query("traces", sessionId="s/1", **filter_))) == expected


@pytest.mark.parametrize(
    "path",
    [
        "traces",
        "traces?sessionId=",
        "traces?sessionId=s&filter=[]",
        "traces?sessionId=s&orderBy=name.asc",
        "traces?sessionId=s&fields=core,all",
        "v2/scores?operator=%3E",
        "v2/scores?fields=score,trace",
        "v3/scores?limit=101",
        "v3/scores?fields=all",
        "v3/scores?observationId=x",
        "v3/scores?traceId=x&sessionId=y",
        "v3/scores?value=1",
        "v3/scores?value=yes&dataType=BOOLEAN",
        "v3/scores?value=nan&dataType=NUMERIC",
        "v3/scores?valueMin=1&dataType=TEXT",
        "v3/scores?cursor=x",
        "comments?objectId=x",
        "comments?objectType=USER",
    ],
)
def test_what_is_not_served_is_refused_and_not_passed_over(api: Api, path: str) -> None:
    status, answer = api.ask("GET", path)
    assert (status, answer["error"]) == (400, "InvalidRequestError")


def a_score(project: Project, id_: str, **more: Any) -> Score:
    session_id = more.pop("session_id", "" if "trace_id" in more else "s/1")
    now = datetime.now(UTC)
    given = {"name": "n", "value": 1.0, "data_type": "NUMERIC", "timestamp": now, "updated_at": now, **more}
    return Score(project=project.project, score_id=id_, session_id=session_id, **given)


def keep(project: Project) -> None:
    trace = f"{1:032x}"
    scores = [
        a_score(project, "number", value=0.5, comment="so so", metadata='{"k": 1}'),
        a_score(project, "yes", data_type="BOOLEAN", value=1.0, string_value="True", source="operator"),
        a_score(project, "text", data_type="CATEGORICAL", value=0.0, string_value="good", source="evaluator"),
        a_score(project, "of trace", trace_id=trace, name="m"),
        a_score(project, "of span", trace_id=trace, span_id=f"{1001:016x}", source="end_user"),
        a_score(project, "elsewhere", session_id="t"),
    ]
    project.store(span("s/1", 1), span("t", 2))
    store(project.client, scores=scores)


def names(answer: Any) -> set[str]:
    return {each["id"] for each in answer["data"]}


def test_scores_of_the_third_version_are_typed_and_in_groups(api: Api, project: Project) -> None:
    keep(project)
    found = {each["id"]: each for each in api.get("v3/scores?fields=details,subject,annotation")["data"]}
    assert {id_: each["value"] for id_, each in found.items() if id_ in ("number", "yes", "text")} == {
        "number": 0.5,
        "yes": True,
        "text": "good",
    }
    assert {id_: each["source"] for id_, each in found.items()} == {
        "number": "API",
        "yes": "ANNOTATION",
        "text": "EVAL",
        "of trace": "API",
        "of span": "API",
        "elsewhere": "API",
    }
    assert (found["number"]["comment"], found["number"]["metadata"]) == ("so so", {"k": 1})
    assert {each["environment"] for each in found.values()} == {"default"}
    assert found["number"]["subject"] == {"kind": "session", "id": "s/1"}
    assert found["of trace"]["subject"] == {"kind": "trace", "id": f"{1:032x}"}
    assert found["of span"]["subject"] == {"kind": "observation", "id": f"{1001:016x}", "traceId": f"{1:032x}"}
    bare = api.get("v3/scores?id=number")["data"][0]
    assert bare.keys() & {"comment", "subject", "authorUserId"} == set()


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"sessionId": "s/1"}, {"number", "yes", "text", "of trace", "of span"}),
        ({"sessionId": "t"}, {"elsewhere"}),
        ({"traceId": f"{1:032x}", "observationId": f"{1001:016x}"}, {"of span"}),
        ({"dataType": "boolean,Categorical"}, {"yes", "text"}),
        ({"dataType": "BOOLEAN", "value": "true"}, {"yes"}),
        ({"dataType": "CATEGORICAL", "value": "good,bad"}, {"text"}),
        ({"dataType": "NUMERIC", "valueMin": 0.5, "valueMax": 0.9}, {"number"}),
        ({"name": "m,x"}, {"of trace"}),
        ({"source": "annotation"}, {"yes"}),
        ({"queueId": "q"}, set()),
        ({"toTimestamp": "2000-01-01T00:00:00Z"}, set()),
    ],
)
def test_scores_are_chosen_by_all_that_is_given(
    api: Api, project: Project, filter_: dict[str, Any], expected: set[str]
) -> None:
    keep(project)
    assert names(api.get(query("v3/scores", **filter_))) == expected


def test_scores_behind_a_cursor_are_neither_skipped_nor_repeated(api: Api, project: Project) -> None:
    keep(project)
    found: list[str] = []
    cursor = {}
    while True:
        answer = api.get(query("v3/scores", limit=2, **cursor))
        found += [each["id"] for each in answer["data"]]
        assert answer["meta"]["limit"] == 2
        if "cursor" not in answer["meta"]:
            break
        cursor = {"cursor": answer["meta"]["cursor"]}
        store(project.client, scores=[a_score(project, f"newer {len(found)}")])
    assert sorted(found) == sorted(["number", "yes", "text", "of trace", "of span", "elsewhere"])


def test_scores_of_the_second_version_compare(api: Api, project: Project) -> None:
    keep(project)
    assert names(api.get(query("v2/scores", dataType="NUMERIC", operator="<", value=0.6))) == {"number"}
    assert names(api.get(query("v2/scores", scoreIds="yes,text", source="EVAL"))) == {"text"}
    assert names(api.get(query("v2/scores", dataType="NUMERIC", operator="<", value=0.5))) == set()


def test_comments_say_what_they_are_on(api: Api, project: Project) -> None:
    project.store(span("s/1", 1))
    on: dict[str, dict[str, str]] = {
        "SESSION": {},
        "TRACE": {"trace_id": f"{1:032x}"},
        "OBSERVATION": {"trace_id": f"{1:032x}", "span_id": f"{1001:016x}"},
    }
    for kind, anchor in on.items():
        comment(
            project.client,
            project=project.project,
            session_id="s/1",
            text=f"on {kind}",
            created_at=datetime.now(UTC),
            **anchor,
        )
    answer = api.get("comments")
    assert {each["objectType"]: each["content"] for each in answer["data"]} == {kind: f"on {kind}" for kind in on}
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 3, "totalPages": 1}
    (found,) = api.get(query("comments", objectType="SESSION", objectId="s/1"))["data"]
    assert found["objectId"] == "s/1"
    assert api.get(f"comments/{quote(found['id'])}") == found
    assert api.get(query("comments", objectType="TRACE", objectId=f"{2:032x}"))["data"] == []
    assert api.get(query("comments", authorUserId="ada"))["data"] == []
    assert api.ask("GET", "comments/none")[0] == 404


def test_no_project_reads_anothers(api: Api, project: Project, address: str) -> None:
    keep(project)
    comment(project.client, project=project.project, session_id="s/1", text="mine", created_at=datetime.now(UTC))
    other = Api(address, RecordingConsumer(), **{"X-Project": "another project"})
    for path in ("traces?sessionId=s/1", "v2/scores", "v3/scores", "comments", "sessions"):
        assert api.get(path)["data"] != []
        assert other.get(path)["data"] == [], path


def test_score_configurations_are_listed_in_pages_and_read_by_their_names(
    api: Api, project: Project, otel_client: Client
) -> None:
    odd = "tone/?#% \"'\n\U0001f600"
    tones = [{"value": 0.0, "label": "rude"}, {"value": 1.0, "label": "kind"}]
    bounded = {"min_value": 0.0, "max_value": 5.0, "description": "stars"}
    save_score_config(otel_client, project=project.project, name="quality", data_type="NUMERIC", **bounded)
    save_score_config(otel_client, project=project.project, name=odd, data_type="CATEGORICAL", categories=tones)
    save_score_config(otel_client, project=new_project(), name="elsewhere", data_type="TEXT")
    first, second = (api.get(query("score-configs", limit=1, page=page)) for page in (1, 2))
    assert first["meta"] == {"page": 1, "limit": 1, "totalItems": 2, "totalPages": 2}
    (shown,) = first["data"]
    assert datetime.fromisoformat(shown.pop("createdAt")).tzinfo is not None
    assert datetime.fromisoformat(shown.pop("updatedAt")).tzinfo is not None
    assert shown == {
        "id": "quality",
        "name": "quality",
        "projectId": project.project,
        "dataType": "NUMERIC",
        "isArchived": False,
        "minValue": 0.0,
        "maxValue": 5.0,
        "categories": None,
        "description": "stars",
    }
    assert [each["id"] for each in second["data"]] == [odd]
    assert api.get(f"score-configs/{quote(odd, safe='')}") == second["data"][0]
    assert second["data"][0]["categories"] == tones
    assert api.ask("GET", "score-configs/elsewhere")[0] == 404
