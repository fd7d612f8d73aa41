"""Sessions over HTTP: lists, filters, pages, one of them and what is in it."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.extensions.web import Web
from tests.extensions.web.conftest import Api, segment, span, store_each
from tests.integration.delivery import new_project

ODD_IDS = [
    "a/b",
    "/",
    "a/b/traces",
    "what?#%&\"'<>",
    "100% sure",
    "two words",
    "line\nend",
    "tab\tcr\r",
    "back\\slash",
    "日本語 👩‍🚀",
    "مرحبا بالعالم",
    "'; DROP TABLE otel_traces; --",
    "{x:String}",
    "\x00",
    "a+b",
    "x" * 8192,
    "é" * 4096,
]


@pytest.fixture(scope="module")
def listed(web: Web, otel_client: Client) -> Api:
    """Three sessions `a`, `b` and `c`, which tests read."""
    api = Api(web.endpoints["web"], new_project(), otel_client)
    resource = {"service.name": "api", "deployment.environment.name": "prod"}
    ada = {"user.id": "ada"}
    api.store(
        span("a", 1, start=0, seconds=10, attributes=ada),
        span("a", 1, number=2, start=1),
        span("a", 2, start=50, seconds=10),
        span("b", 3, start=100, status="Error", attributes={"input.value": "a Refund please"}),
        span("c", 4, start=200, seconds=2, attributes=ada),
        span("c", 4, number=2, start=200.5, seconds=0.1),
        resource=resource,
    )
    return api


@pytest.fixture(scope="module")
def tied(web: Web, otel_client: Client) -> Api:
    """Ten sessions of which some are equal in what they are sorted by, which tests read."""
    api = Api(web.endpoints["web"], new_project(), otel_client)
    api.store(*(span(f"s{number}", number, start=number // 3, seconds=number % 2) for number in range(1, 11)))
    return api


@pytest.fixture(scope="module")
def odd(web: Web, otel_client: Client) -> dict[str, Api]:
    """For each of the odd ids a project that has a session of this id, and another one."""
    apis = {session_id: Api(web.endpoints["web"], new_project(), otel_client) for session_id in ODD_IDS}
    store_each(otel_client, {api.project: [span(id_, 1), span("another", 2)] for id_, api in apis.items()})
    return apis


def test_a_session_is_listed_with_its_figures_under_the_names_of_the_columns(api: Api) -> None:
    api.store(
        span("s", 1, start=0, seconds=2, attributes={"user.id": "ada", "gen_ai.request.model": "gpt-4o"}),
        span("s", 2, start=10, seconds=5, status="Error", message="boom"),
    )
    (session,) = api.get("/sessions")["sessions"]
    assert session["session_id"] == "s"
    assert session["start_time"] == "2026-01-01T00:00:00.000000000Z"
    assert session["end_time"] == "2026-01-01T00:00:15.000000000Z"
    assert session["duration_ns"] == 15_000_000_000
    assert (session["trace_count"], session["span_count"], session["error_count"]) == (2, 2, 1)
    assert (session["user_ids"], session["models"]) == (["ada"], ["gpt-4o"])
    assert (session["bookmarked"], session["labels"], session["state"]) == (False, [], "idle")
    assert "project" not in session
    assert "scores" not in session


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["c", "b", "a"]),
        ({"order": "asc"}, ["a", "b", "c"]),
        ({"sort": "start"}, ["c", "b", "a"]),
        ({"sort": "duration"}, ["a", "c", "b"]),
        ({"sort": "errors"}, ["b", "a", "c"]),
        ({"sort": "spans", "order": "asc"}, ["b", "c", "a"]),
        ({"sort": "traces"}, ["a", "b", "c"]),
        ({"query": "user:ada"}, ["c", "a"]),
        ({"query": "-user:ada"}, ["b"]),
        ({"user_id": "ada"}, ["c", "a"]),
        ({"user_id": "ad*"}, []),
        ({"has_error": "true"}, ["b"]),
        ({"has_error": "false"}, ["c", "a"]),
        ({"service": "api"}, ["c", "b", "a"]),
        ({"service": "ap"}, []),
        ({"environment": "prod"}, ["c", "b", "a"]),
        ({"min_duration_ms": "2000"}, ["c", "a"]),
        ({"min_duration_ms": "2000.1"}, ["a"]),
        ({"q": "refUND ple"}, ["b"]),
        ({"q": "ADA"}, ["c", "a"]),
        ({"q": "%"}, []),
        ({"from": "2026-01-01T00:01:41Z"}, ["c", "b"]),
        ({"from": "2026-01-01T00:01:41.000000001Z"}, ["c"]),
        ({"to": "2026-01-01T00:00:00Z"}, ["a"]),
        ({"to": "2026-01-01T01:00:00 01:00"}, ["a"]),
        ({"from": "2026-01-01T00:00:20Z", "to": "2026-01-01T00:00:40Z"}, []),
        ({"from": "2026-01-02"}, []),
        ({"from": "0001-01-01", "to": "9999-12-31"}, ["c", "b", "a"]),
        ({"from": "9999-12-31"}, []),
        ({"to": "0001-01-01T00:00:00Z"}, []),
        ({"bookmarked": "true"}, []),
        ({"tag": "x", "model": "y"}, []),
    ],
)
def test_a_list_is_filtered_and_sorted(listed: Api, params: dict[str, str], expected: list[str]) -> None:
    assert listed.ids(**params) == expected


@pytest.mark.parametrize("sort", ["last_activity", "start", "duration", "traces", "spans", "errors", "tokens", "cost"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_have_every_session_once_ties_included(tied: Api, sort: str, order: str) -> None:
    found, cursor = [], {}
    while True:
        page = tied.get("/sessions", limit=3, sort=sort, order=order, **cursor)
        found += [session["session_id"] for session in page["sessions"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == tied.ids(sort=sort, order=order)
    assert len(set(found)) == 10


def test_a_cursor_is_of_its_list_and_unchanged(api: Api) -> None:
    api.store(*(span(f"s{number}", number) for number in range(1, 4)))
    cursor = api.get("/sessions", limit=1)["next_cursor"]
    assert api.call("GET", "/sessions", cursor=cursor).status == 200
    changed = [cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), cursor + "A", cursor[1:], "x", "é", "=" * 9]
    for text in changed:
        answer = api.call("GET", "/sessions", cursor=text)
        assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json"), text
    assert api.call("GET", "/sessions", cursor=cursor, sort="cost").status == 400
    assert api.call("GET", "/sessions", cursor=cursor, query="a").status == 400
    assert api.call("GET", "/sessions", cursor="").status == 400


@pytest.mark.parametrize("session_id", ODD_IDS)
def test_any_text_is_a_session_id_on_every_route(odd: dict[str, Api], session_id: str) -> None:
    api = odd[session_id]
    path = f"/sessions/{segment(session_id)}"
    assert api.get(path)["session_id"] == session_id
    assert len(api.get(f"{path}/traces")["traces"]) == 1
    assert len(api.get(f"{path}/spans")["spans"]) == 1
    assert len(api.get(f"{path}/timeline")["timeline"]) == 1
    assert len(api.get(f"{path}/parts")["parts"]) == 1
    assert api.call("PUT", f"{path}/bookmark").status == 204
    assert api.ids(bookmarked="true") == [session_id]
    quoted = session_id.replace("\\", "\\\\").replace('"', '\\"')
    assert api.ids(query=f'id:"{quoted}"') == [session_id]


def test_one_session_is_flat_with_scores_bookmark_and_share(api: Api) -> None:
    api.store(span("s", 1, attributes={"input.value": "hello world"}))
    session = api.get("/sessions/s")
    assert (session["scores"], session["bookmarked"], session["share"]) == ([], False, None)
    short = api.get("/sessions/s", fields="core")
    assert short.keys() - session.keys() == set()
    assert "cost" not in short
    assert "cost" in session


def test_a_preview_cuts_texts_and_says_their_full_length(api: Api) -> None:
    api.store(span("s", 1, attributes={"input.value": "hello world", "output.value": "bye"}))
    (trace,) = api.get("/sessions/s/traces", preview=5)["traces"]
    assert (trace["input"], trace["input_length"], trace["output"]) == ("hello", 11, "bye")
    assert "output_length" not in trace
    (read,) = api.get("/sessions/s/spans", preview=5)["spans"]
    assert read["span_attributes"]["input.value"] == "hello"
    assert read["span_attributes_length"] == {"input.value": 11}


def test_spans_come_oldest_first_in_pages_with_what_they_hold(api: Api) -> None:
    api.store(*(span("s", 1, number=number, start=10 - number, name=f"n{number}") for number in range(1, 6)))
    found, cursor = [], {}
    while True:
        page = api.get("/sessions/s/spans", limit=2, **cursor)
        found += page["spans"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [each["span_name"] for each in found] == ["n5", "n4", "n3", "n2", "n1"]
    assert found[0]["start_time"] == "2026-01-01T00:00:05.000000000Z"
    assert found[0]["end_time"] == "2026-01-01T00:00:06.000000000Z"
    assert (found[0]["duration_ns"], found[0]["events"], found[0]["session_source"]) == (1_000_000_000, [], "span")


@pytest.mark.parametrize("path", ["", "/traces", "/spans", "/timeline", "/parts", "/scores", "/comments"])
def test_what_is_not_there_is_404_as_json(api: Api, path: str) -> None:
    answer = api.call("GET", f"/sessions/nobody{path}")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json["status"] == 404


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"sort": "name"}, "sort"),
        ({"order": "up"}, "order"),
        ({"fields": "core,all"}, "fields"),
        ({"from": "yesterday"}, "from"),
        ({"has_error": "perhaps"}, "has_error"),
        ({"min_cost": "nan"}, "min_cost"),
        ({"usr": "ada"}, "usr"),
        ({"preview": -1}, "preview"),
    ],
)
def test_a_parameter_that_cannot_be_is_400_and_named(api: Api, params: dict[str, str], name: str) -> None:
    answer = api.call("GET", "/sessions", **params)
    assert answer.status == 400
    assert [error["name"] for error in answer.json["errors"]] == [name]


def test_an_expression_that_is_not_of_the_language_is_400_with_its_place(api: Api) -> None:
    answer = api.call("GET", "/sessions", query="user:ada 日本 modle:gpt")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (answer.json["position"], answer.json["did_you_mean"]) == (12, ["model"])


def test_a_caller_reads_only_the_project_of_its_credentials(web: Web, api: Api, otel_client: Client) -> None:
    api.store(span("s", 1))
    stranger = Api(web.endpoints["web"], "a stranger's", otel_client)
    assert stranger.ids() == []
    assert stranger.call("GET", "/sessions/s").status == 404
    assert stranger.call("PUT", "/sessions/s/bookmark").status == 404
    nobody = api.call("GET", "/sessions", headers={"X-Project": ""})
    assert nobody.status in (200, 401)


def test_paths_that_lead_nowhere_and_methods_that_do_nothing_are_told(api: Api) -> None:
    assert api.call("GET", "/nothing").json["status"] == 404
    answer = api.call("POST", "/sessions")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_facets_count_sessions_of_a_query(api: Api) -> None:
    gpt, claude = {"gen_ai.request.model": "gpt-4o"}, {"gen_ai.request.model": "claude"}
    api.store(span("a", 1, attributes=gpt), span("a", 2, attributes=claude), span("b", 3, attributes=gpt), span("c", 4))
    assert api.get("/facets", field="model")["values"] == [
        {"value": "gpt-4o", "count": 2},
        {"value": "claude", "count": 1},
    ]
    assert api.get("/facets", field="model", query="model:claude", limit=1)["values"] == [
        {"value": "claude", "count": 1}
    ]
    assert api.get("/facets", field="attr.session.id", query="-id:c")["values"] == [
        {"value": "a", "count": 1},
        {"value": "b", "count": 1},
    ]
    for field in ("id", "cost", "turns", "start", "has", "is", "score."):
        refused = api.call("GET", "/facets", field=field)
        assert refused.status == 400
        assert "of user, service, environment, " in refused.json["detail"]
    assert api.call("GET", "/facets", field="modle").json["did_you_mean"] == ["model"]
    assert api.call("GET", "/facets").status == 400


def test_the_fields_of_the_language_are_listed(api: Api) -> None:
    fields = {field["name"]: field for field in api.get("/query-fields")["fields"]}
    assert fields["user"]["type"] == "text"
    assert fields["cost"]["operators"] == [":", "=", ">", ">=", "<", "<="]
    assert {"metadata.KEY", "attr.KEY", "score.NAME", "has", "is", "last_activity"} <= fields.keys()


def test_the_replay_of_a_session_is_paged_with_its_messages(api: Api) -> None:
    for number in (1, 2):
        talk = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.input.messages": f'[{{"role": "user", "content": "question {number}"}}]',
            "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "yes"}]}]',
        }
        api.store(span("s", number, start=number * 10, attributes=talk))
    whole = api.get("/sessions/s/turns")
    assert [turn["gap_ns"] for turn in whole["turns"]] == [0, 9_000_000_000]
    assert [step["messages_in"] + step["messages_out"] for turn in whole["turns"] for step in turn["steps"]] == [
        [0, 1],
        [2, 1],
    ]
    first = api.get("/sessions/s/turns", limit=1, preview=4)
    second = api.get("/sessions/s/turns", limit=1, cursor=first["next_cursor"])
    assert first["messages"][0]["parts"] == [{"type": "text", "text": "ques", "text_length": 10}]
    assert [turn["trace_id"] for turn in (*first["turns"], *second["turns"])] == [
        turn["trace_id"] for turn in whole["turns"]
    ]
    assert second["next_cursor"] is None
    assert api.call("GET", "/sessions/s/turns", cursor="x").status == 400
    assert api.call("GET", "/sessions/nobody/turns").status == 404


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("last_activity", "desc"),
        ("last_activity", "asc"),
        *((sort, "desc") for sort in ("duration", "traces", "spans")),
    ],
)
def test_sessions_that_move_while_a_list_is_read_are_neither_skipped_nor_repeated(
    api: Api, sort: str, order: str
) -> None:
    api.store(*(span(f"s{number}", number, start=number * 10) for number in range(1, 9)))
    found, cursor, trace = [], {}, 100
    while True:
        page = api.get("/sessions", limit=2, sort=sort, order=order, **cursor)
        found += [session["session_id"] for session in page["sessions"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        # One that was read and one that was not become active, and a new one comes.
        active = (span(f"s{number}", trace + number, start=1000 + trace) for number in (2, 7))
        api.store(*active, span(f"new{trace}", trace, start=2000 + trace))
        again = api.get("/sessions", limit=2, sort=sort, order=order, **cursor)["sessions"]
        assert again == api.get("/sessions", limit=2, sort=sort, order=order, **cursor)["sessions"]
        trace += 10
    old = [id_ for id_ in found if not id_.startswith("new")]
    assert sorted(old) == [f"s{number}" for number in range(1, 9)]
    assert len(set(found)) == len(found)
