"""What people add, over HTTP: the next request sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions import evaluators
from otel_sessions.component import Host
from otel_sessions.extensions.web.api import additions
from otel_sessions.extensions.web.api.additions import Score
from otel_sessions.extensions.web.api.operation import Operation
from otel_sessions.extensions.web.api.routes import OPERATIONS
from otel_sessions.extensions.web.pages import sessions
from otel_sessions.sessions.additions import MAX_NAME, MAX_PATH_NAME, publish
from tests.extensions.web.conftest import Api, span, started

NUMERIC = {"name": "quality", "data_type": "NUMERIC", "value": 0.25}


@pytest.fixture
def session(api: Api) -> str:
    api.store(span("s", 1), span("other", 2))
    return "/sessions/s"


def test_a_star_is_given_and_taken_back(api: Api, session: str) -> None:
    for _ in range(2):
        assert api.call("PUT", f"{session}/bookmark").status == 204
    assert api.get(session)["bookmarked"] is True
    assert api.ids(query="is:bookmarked") == ["s"]
    for _ in range(2):
        assert api.call("DELETE", f"{session}/bookmark").status == 204
    assert api.get(session)["bookmarked"] is False
    assert api.ids(query="-is:bookmarked id:s") == ["s"]


def test_labels_choose_sessions(api: Api, session: str) -> None:
    assert api.call("PUT", f"{session}/labels/needs%2Freview").status == 204
    assert api.get(session)["labels"] == ["needs/review"]
    assert api.ids(query="label:needs/*") == ["s"]
    assert api.get("/facets", field="label")["values"] == [{"value": "needs/review", "count": 1}]
    assert api.call("DELETE", f"{session}/labels/needs%2Freview").status == 204
    assert api.ids(query="has:label") == []


@pytest.mark.parametrize(
    ("score", "value", "query"),
    [
        (NUMERIC, 0.25, "score.quality<0.5"),
        ({"name": "tone", "data_type": "CATEGORICAL", "value": "rude"}, "rude", "score.tone:rude"),
        ({"name": "ok", "data_type": "BOOLEAN", "value": True}, True, "score.ok:true"),
        ({"name": "ok", "data_type": "BOOLEAN", "value": 0}, False, "score.ok<1"),
        ({"name": "why", "data_type": "TEXT", "value": "it says 'no'"}, "it says 'no'", "score.why:\"it says 'no'\""),
    ],
)
def test_a_score_of_each_type_is_read_as_it_was_given(
    api: Api, session: str, score: dict[str, Any], value: Any, query: str
) -> None:
    answer = api.call("POST", f"{session}/scores", score)
    assert answer.status == 201
    assert answer.json["value"] == value
    (read,) = api.get(f"{session}/scores")["scores"]
    assert read == answer.json
    assert (read["source"], read["data_type"], read["session_id"]) == ("operator", score["data_type"], "s")
    assert api.ids(query=query) == ["s"]
    assert api.get(session)["scores"] == [read]
    kept = api.client.query(
        "SELECT Environment FROM session_scores WHERE ScoreId = {id:String}", {"id": read["score_id"]}
    )
    assert kept.result_rows == [("default",)]
    assert api.call("DELETE", f"{session}/scores/{read['score_id']}").status == 204
    assert api.get(f"{session}/scores")["scores"] == []
    assert api.call("DELETE", f"{session}/scores/{read['score_id']}").status == 404


def test_a_score_under_an_id_of_the_caller_is_replaced_and_belongs_to_one_session(api: Api, session: str) -> None:
    path = f"{session}/scores/mine%2F1"
    for value in (0.1, 0.1, 0.9):
        assert api.call("PUT", path, {**NUMERIC, "value": value, "source": "evaluator", "comment": "c"}).status == 200
    (read,) = api.get(f"{session}/scores")["scores"]
    assert (read["score_id"], read["value"], read["source"], read["comment"]) == ("mine/1", 0.9, "evaluator", "c")
    assert api.call("PUT", "/sessions/other/scores/mine%2F1", NUMERIC).status == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**NUMERIC, "value": "high"},
        {**NUMERIC, "value": True},
        {**NUMERIC, "name": ""},
        {**NUMERIC, "data_type": "STARS"},
        {**NUMERIC, "data_type": "BOOLEAN", "value": 2},
        {**NUMERIC, "data_type": "TEXT", "value": 5},
        {**NUMERIC, "source": "nobody"},
        {**NUMERIC, "colour": "red"},
        [],
        b"{",
        b'{"name": "q", "data_type": "NUMERIC", "value": NaN}',
        b'{"name": "\\ud800", "data_type": "NUMERIC", "value": 1}',
        b"\xff",
    ],
)
def test_a_score_that_is_none_is_400(api: Api, session: str, body: Any) -> None:
    answer = api.call("POST", f"{session}/scores", body)
    assert answer.status == 400
    assert "constrained" not in answer.json["detail"]
    assert {each["name"] for each in answer.json.get("errors", ())} <= {"body", "colour", *Score.model_fields}


def test_what_a_value_may_be_is_told_under_its_name(api: Api, session: str) -> None:
    for more, message in (
        ({"value": ""}, "expected 1 characters or more"),
        ({"value": []}, "expected text for a TEXT score, not a list"),
        ({"value": {}, "data_type": "STARS"}, "expected true or false, a number or text, not a map"),
    ):
        answer = api.call("POST", f"{session}/scores", {"name": "q", "data_type": "TEXT", **more})
        assert {"name": "value", "message": message} in answer.json["errors"]
    answer = api.call("POST", f"{session}/scores", b'{"name": "\\ud800", "data_type": "TEXT", "value": "x"}')
    told = "expected text that UTF-8 can say, not half of a surrogate pair"
    assert answer.json["errors"] == [{"name": "name", "message": told}]


def test_a_preview_cuts_what_people_wrote_and_says_its_full_length(api: Api, session: str) -> None:
    score = {"name": "why", "data_type": "TEXT", "value": "because", "comment": "said so"}
    assert api.call("POST", f"{session}/scores", score).status == 201
    assert api.call("POST", f"{session}/scores", {"name": "n", "data_type": "NUMERIC", "value": 12345}).status == 201
    assert api.call("POST", f"{session}/comments", {"text": "a remark"}).status == 201
    config = {"data_type": "TEXT", "description": "the reason"}
    assert api.call("PUT", "/score-configs/why", config).status == 200
    expected = {"value": "bec", "value_length": 7, "comment": "sai", "comment_length": 7}
    (listed,) = api.get("/sessions", preview=3, fields="scores", query="has:score")["sessions"]
    one = api.get(session, preview=3)
    for scores in (api.get(f"{session}/scores", preview=3)["scores"], one["scores"], listed["scores"]):
        text, number = sorted(scores, key=lambda each: each["data_type"] == "NUMERIC")
        assert expected.items() <= text.items()
        assert number["value"] == 12345
        assert not {"value_length", "comment_length"} & number.keys()
    (comment,) = api.get(f"{session}/comments", preview=1)["comments"]
    assert (comment["text"], comment["text_length"]) == ("a", 8)
    (listed_config,) = api.get("/score-configs", preview=3)["score_configs"]
    for shown in (listed_config, api.get("/score-configs/why", preview=3)):
        assert (shown["description"], shown["description_length"]) == ("the", 10)


def test_comments_are_written_and_deleted(api: Api, session: str) -> None:
    given = [api.call("POST", f"{session}/comments", {"text": f"no {n}", "trace_id": "t" * n}).json for n in range(3)]
    page = api.get(f"{session}/comments", limit=2)
    rest = api.get(f"{session}/comments", limit=2, cursor=page["next_cursor"])
    found = page["comments"] + rest["comments"]
    assert found == given
    assert api.ids(query="has:comment") == ["s"]
    assert api.call("DELETE", f"{session}/comments/{given[1]['comment_id']}").status == 204
    assert api.call("DELETE", f"{session}/comments/{given[1]['comment_id']}").status == 404
    assert len(api.get(f"{session}/comments")["comments"]) == 2


def test_a_published_session_is_read_by_whoever_has_the_link_until_it_is_taken_back(api: Api, session: str) -> None:
    answer = api.call("POST", f"{session}/share")
    assert answer.status == 201
    token = answer.json["token"]
    assert answer.json == {"token": token, "url": f"http://{api.address}/share/{token}", "expires_at": None}
    stranger = Api(api.address, "", api.client)
    stranger.headers = {"X-Project": ""}
    shared = stranger.call("GET", f"/share/{token}", headers={})
    assert shared.status == 200
    assert (shared.json["session_id"], len(shared.json["traces"])) == ("s", 1)
    assert shared.headers["x-robots-tag"].startswith("noindex")
    assert "bookmarked" not in shared.json
    assert len(stranger.call("GET", f"/share/{token}/spans").json["spans"]) == 1
    assert stranger.call("GET", f"/share/{token}/scores").status == 404
    assert [share["session_id"] for share in api.get("/shares")["shares"]] == ["s"]
    assert api.get(session)["share"]["expires_at"] is None
    assert api.ids(query="is:shared") == ["s"]
    assert api.call("DELETE", f"{session}/share").status == 204
    gone = stranger.call("GET", f"/share/{token}")
    assert gone.status == 404
    assert gone.headers["x-robots-tag"].startswith("noindex")
    assert api.get("/shares")["shares"] == []
    assert api.call("POST", f"{session}/share").json["token"] != token
    assert stranger.call("GET", f"/share/{token}").status == 404


def test_a_link_that_expired_opens_nothing_and_one_that_would_is_refused(
    api: Api, session: str, otel_client: Client
) -> None:
    now = datetime.now(UTC)
    tomorrow, yesterday = ((now + timedelta(days=days)).isoformat() for days in (1, -1))
    alive = api.call("POST", f"{session}/share", {"expires_at": tomorrow}).json
    past = {"project": api.project, "session_id": "s", "expires_at": now - timedelta(days=1)}
    dead = {"token": publish(otel_client, **past)}
    refused = api.call("POST", f"{session}/share", {"expires_at": yesterday})
    told = {"name": "expires_at", "message": "is past: the link would open nothing"}
    assert (refused.status, refused.json["errors"]) == (400, [told])
    assert len(api.get("/shares")["shares"]) == 1
    assert alive["expires_at"][:19] == tomorrow[:19]
    assert api.call("GET", f"/share/{alive['token']}").status == 200
    assert api.call("GET", f"/share/{dead['token']}").status == 404
    for wrong in ("tomorrow", "2099", "4102444800", "2099-01-01", 5):
        answer = api.call("POST", f"{session}/share", {"expires_at": wrong})
        assert answer.status == 400
        assert "write a time as RFC 3339 has it" in answer.json["detail"]


def test_without_sharing_nothing_is_published_and_old_links_are_dead(
    api: Api, session: str, web_host: Host, otel_client: Client
) -> None:
    token = api.call("POST", f"{session}/share").json["token"]
    closed = started(web_host, sharing=False)
    try:
        elsewhere = Api(closed.endpoints["web"], api.project, otel_client)
        assert elsewhere.call("POST", f"{session}/share").status == 403
        assert elsewhere.call("GET", f"/share/{token}").status == 404
    finally:
        closed.shutdown(5)


def test_views_are_saved_under_their_names(api: Api) -> None:
    assert api.call("GET", "/views/mine").status == 404
    answer = api.call("PUT", "/views/my%20own%2Fview", {"query": "cost>1", "sort": "cost", "columns": ["cost"]})
    assert answer.status == 200
    view = api.get("/views/my%20own%2Fview")
    assert (view["name"], view["query"], view["sort"], view["order"]) == ("my own/view", "cost>1", "cost", "desc")
    assert view["columns"] == ["cost"]
    assert api.get("/views")["views"] == [view]
    assert api.call("PUT", "/views/bad", {"query": "cost>"}).status == 400
    assert api.call("DELETE", "/views/my%20own%2Fview").status == 204
    assert api.call("DELETE", "/views/my%20own%2Fview").status == 404


def test_a_link_expires_no_later_than_times_go(api: Api, session: str) -> None:
    last = "2262-04-11T23:47:16.854775Z"
    made = api.call("POST", f"{session}/share", {"expires_at": last})
    assert (made.status, made.json["expires_at"]) == (201, "2262-04-11T23:47:16.854775000Z")
    for beyond in ("2262-04-11T23:47:17Z", "2300-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        refused = api.call("POST", f"{session}/share", {"expires_at": beyond})
        (told,) = refused.json["errors"]
        assert (refused.status, told["name"]) == (400, "expires_at")
        assert "until 2262-04-11T23:47:16Z" in told["message"]


def test_a_frozen_link_expires_no_later_than_its_copy(api: Api, session: str) -> None:
    frozen = {"mode": "frozen", "expires_at": "2100-01-01T00:00:00Z"}
    assert api.call("POST", f"{session}/share", frozen).status == 201
    refused = api.call("POST", f"{session}/share", {**frozen, "expires_at": "2100-01-01T00:00:00.001Z"})
    told = {"name": "expires_at", "message": "the copy of a frozen link is kept until 2100-01-01"}
    assert (refused.status, refused.json["errors"]) == (400, [told])


GIVEN = [op for op in OPERATIONS if op.given_name]


@pytest.mark.parametrize("op", GIVEN, ids=lambda op: op.path)
def test_names_that_people_give_are_bounded_and_the_document_says_so(api: Api, session: str, op: Operation) -> None:
    bodies = {"score_id": NUMERIC, "label": None}
    body = bodies.get(op.given_name, {"data_type": "NUMERIC"} if "score-configs" in op.path else {"query": ""})
    path = op.path.removeprefix("/api/v1").replace("{session_id}", "s")
    put = lambda name: api.call("PUT", path.replace(f"{{{op.given_name}}}", name), body)  # noqa: E731
    assert put("n" * MAX_PATH_NAME).status in (200, 204)
    refused = put("n" * (MAX_PATH_NAME + 1))
    told = {"name": op.given_name, "message": f"expected at most {MAX_PATH_NAME} characters"}
    assert (refused.status, refused.json["errors"]) == (400, [told])
    parameters = api.get("/openapi.json")["paths"][op.path]["put"]["parameters"]
    assert next(each["schema"]["maxLength"] for each in parameters if each["name"] == op.given_name) == MAX_PATH_NAME


def test_every_kind_of_name_is_bounded() -> None:
    assert {op.given_name for op in GIVEN} == {"label", "score_id", "name"}
    assert evaluators.MAX_NAME == MAX_NAME


def test_a_view_has_columns_that_there_are(api: Api) -> None:
    columns = [*additions.COLUMNS, "metadata.tenant", "metadata.a b"]
    assert api.call("PUT", "/views/v", {"query": "", "columns": columns}).json["columns"] == columns
    for wrong, said in (("costs", "; did you mean 'cost'?"), ("metadata.", ""), ("", "expected 1"), ("Cost", "'cost'")):
        refused = api.call("PUT", "/views/v", {"query": "", "columns": ["cost", wrong]})
        (told,) = refused.json["errors"]
        assert (refused.status, told["name"], said in told["message"]) == (400, "columns.1", True), told
    assert tuple(sessions._TITLES) == additions.COLUMNS


@pytest.mark.parametrize(("method", "path"), [("PUT", "/views/v"), ("POST", "/deletions"), ("GET", "/sessions")])
def test_what_is_wrong_with_a_query_is_told_the_same_wherever_it_stands(api: Api, method: str, path: str) -> None:
    query = "user:ada modle:x"
    body, params = (None, {"query": query}) if method == "GET" else ({"query": query}, {})
    refused = api.call(method, path, body, **params)
    assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json")
    assert (refused.json["position"], refused.json["did_you_mean"]) == (9, ["model"])
    assert refused.json["errors"] == [{"name": "query", "message": refused.json["detail"]}]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/sessions?cursor=x", "cursor"),
        ("/facets?field=modle", "field"),
        ("/sessions?from=2300-13-01", "from"),
        ("/users?cursor=x", "cursor"),
        ("/metrics?to=1600-01-01T00:00:61Z", "to"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(api: Api, path: str, name: str) -> None:
    refused = api.call("GET", path)
    assert (refused.status, [each["name"] for each in refused.json["errors"]]) == (400, [name])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/sessions/no/bookmark", None),
        ("PUT", "/sessions/no/labels/x", None),
        ("POST", "/sessions/no/scores", NUMERIC),
        ("PUT", "/sessions/no/scores/1", NUMERIC),
        ("POST", "/sessions/no/comments", {"text": "x"}),
        ("POST", "/sessions/no/share", None),
    ],
)
def test_nothing_is_added_to_a_session_that_is_not_there(api: Api, method: str, path: str, body: Any) -> None:
    assert api.call(method, path, body).status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "none"}, 204),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_other_sites_pages_change_nothing(api: Api, session: str, headers: dict[str, str], status: int) -> None:
    assert api.call("PUT", f"{session}/bookmark", headers=headers).status == status
    assert api.call("PUT", f"{session}/bookmark", headers={"Origin": f"http://{api.address}"}).status == 204


def test_a_body_that_is_no_json_or_too_large_is_told(api: Api, session: str) -> None:
    plain = {"Content-Type": "text/plain"}
    assert api.call("POST", f"{session}/comments", b'{"text": "x"}', headers=plain).status == 415
    assert api.call("POST", f"{session}/comments", b'{"text": "' + b"x" * (5 << 20) + b'"}').status == 413
