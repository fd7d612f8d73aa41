"""What a link shows: the session as it is or was, less what whoever published it hid."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.component import Host
from otel_sessions.queries.frozen import frozen
from otel_sessions.queries.rows import run
from otel_sessions.testing import otlp
from tests.extensions.web.conftest import Api, span, started
from tests.extensions.web.pages.browsing import Browser

ROUTES = ("", "/traces", "/turns", "/spans", "/timeline", "/parts")
SECRETS = {
    "user_ids": ("ada-7",),
    "metadata": ("acme", "cfg-9"),
    "system": ("be terse", "look it up"),
    "user": ("where is it",),
    "assistant": ("on the shelf",),
    "tool": ("shelf 12", "isbn 3"),
}
HIDES: list[dict[str, list[str]]] = [
    {"hide": ["user_ids"], "hide_roles": ["system"]},
    {"hide": ["metadata"], "hide_roles": ["user", "assistant"]},
    {"hide_roles": ["tool"]},
    {"hide": ["user_ids", "metadata"], "hide_roles": ["system", "user", "assistant", "tool"]},
]


def chat(session_id: str, trace: int, *, start: float = 0) -> Any:
    """A turn: a call of a model with messages of every role, and a tool below it."""
    said = [
        {"role": "system", "content": "be terse"},
        {"role": "user", "content": "where is it"},
        {"role": "assistant", "tool_calls": [{"function": {"name": "find", "arguments": '{"q": "isbn 3"}'}}]},
        {"role": "tool", "content": "shelf 12"},
    ]
    tools = [{"type": "function", "function": {"name": "find", "description": "look it up", "parameters": {}}}]
    model = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.input.messages": json.dumps(said),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": "on the shelf"}]),
        "gen_ai.tool.definitions": json.dumps(tools),
        "user.id": "ada-7",
        "langfuse.trace.metadata.tenant": "acme",
        "note": '{"of": "ada-7"}',
    }
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "find",
        "gen_ai.tool.call.arguments": "isbn 3",
        "gen_ai.tool.call.result": "shelf 12",
    }
    return (
        span(
            session_id,
            trace,
            start=start,
            attributes=model,
            events=[otlp.event("noted", attributes={"by": "ada-7", "at": "cfg-9"})],
        ),
        span(session_id, trace, number=2, start=start, attributes=tool),
    )


def tools_alone(session_id: str) -> Any:
    """A turn that begins and ends with a tool, and one that ends with a call of one."""
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "find", "arguments": '{"q": "isbn 3"}'}}]}
    model = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": json.dumps([call])}
    return span(session_id, 2, start=3), chat(session_id, 2, start=3)[1], span(session_id, 3, start=6, attributes=model)


@pytest.fixture
def session(api: Api) -> str:
    api.store(*chat("s", 1), resource={"deployment": "cfg-9", "enduser.id": "ada-7"})
    return "/sessions/s"


def published(api: Api, session: str, **options: Any) -> str:
    answer = api.call("POST", f"{session}/share", options)
    assert answer.status == 201, answer.body
    assert {name: answer.json[name] for name in options} == options
    return str(answer.json["token"])


def everything(api: Api, token: str) -> str:
    """What all that the link leads to says, as JSON and as pages."""
    answers = [api.call("GET", f"/share/{token}{route}") for route in ROUTES]
    assert [answer.status for answer in answers] == [200] * len(ROUTES)
    browser, page = Browser(api), f"/share/{token}"
    queries = [f"show=calls&span={1:032x}.{number:016x}" for number in (1001, 1002)]
    queries += [f"fragment=text&span={1:032x}.{number:016x}" for number in (1001, 1002)]
    queries += ["show=outline", "show=waterfall", "fragment=waterfall", f"at={1:032x}"]
    for shown in ("conversation", "calls", "tools"):
        queries += [f"show={shown}", f"show={shown}&fragment=turns"]
    pages = [browser.get(f"{page}?{query}") for query in (*queries, "fragment=charts")]
    assert {shown.status for shown in pages} == {200}
    return "".join([*(answer.body.decode() for answer in answers), *(unescape(shown.html) for shown in pages)])


@pytest.mark.parametrize("mode", ["live", "frozen"])
def test_a_link_that_hides_nothing_shows_all_that_was_said(api: Api, session: str, mode: str) -> None:
    said = everything(api, published(api, session, mode=mode))
    assert [word for words in SECRETS.values() for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("options", "mode"), [*((options, "live") for options in HIDES), (HIDES[-1], "frozen")], ids=str
)
def test_what_is_hidden_shows_nowhere(api: Api, session: str, options: dict[str, list[str]], mode: str) -> None:
    assert api.call("PUT", f"{session}/labels/assigned:grace").status in (200, 201, 204)
    if "tool" in options.get("hide_roles", []):
        api.store(*tools_alone("s"))
    token = published(api, session, mode=mode, **options)
    hidden = [word for names in options.values() for name in names for word in SECRETS[name]]
    hidden.append("assigned")
    said = everything(api, token)
    assert api.get(f"/share/{token}")["labels"] == []
    assert [said[said.index(word) - 200 :][:300] for word in hidden if word in said] == []
    (listed,) = api.get("/shares")["shares"]
    assert (listed["mode"], listed["hide"], listed["hide_roles"]) == (
        mode, options.get("hide", []), options.get("hide_roles", []),
    )  # fmt: skip
    assert api.get(session)["share"] == {name: listed[name] for name in listed if name != "session_id"}


def test_a_frozen_link_shows_the_session_as_it_was_and_a_live_one_as_it_is(api: Api, session: str) -> None:
    was, live = published(api, session, mode="frozen"), published(api, session)
    before = [api.call("GET", f"/share/{was}{route}").json for route in ROUTES]
    assert before == [api.call("GET", f"/share/{live}{route}").json for route in ROUTES]
    api.store(*chat("s", 2, start=5))
    api.store(span("s", 1, seconds=9, name="another version of the root"))
    later = [api.call("GET", f"/share/{was}{route}").json for route in ROUTES]
    for each in (*before, *later):
        each.pop("state", None)
    assert later == before
    assert api.get(f"/share/{live}")["trace_count"] == 2
    second = f"turn-{2:032x}"
    assert second not in Browser(api).get(f"/share/{was}").html
    assert second in Browser(api).get(f"/share/{live}").html


def test_the_copy_of_a_frozen_link_goes_with_the_link_and_with_the_session(
    api: Api, session: str, otel_client: Client
) -> None:
    def copies() -> list[int]:
        where = "WHERE Project = {project:String}"
        sql = (f"SELECT count() FROM {table} {where}" for table in ("_shared_turns", "_shared_spans"))
        return [otel_client.query(each, parameters={"project": api.project}).result_rows[0][0] for each in sql]

    token = published(api, session, mode="frozen")
    assert copies() == [1, 2]
    assert api.call("DELETE", f"{session}/share").status == 204
    assert copies() == [0, 0]
    assert api.call("GET", f"/share/{token}/turns").status == 404
    published(api, session, mode="frozen")
    assert api.call("DELETE", session).status == 204
    assert copies() == [0, 0]


@pytest.mark.parametrize(
    "body", [{"mode": "cold"}, {"hide": ["everything"]}, {"hide": "metadata"}, {"hide_roles": ["admin"]}, {"frozen": 1}]
)
def test_an_option_that_there_is_not_is_400(api: Api, session: str, body: dict[str, Any]) -> None:
    assert api.call("POST", f"{session}/share", body).status == 400
    assert api.get("/shares")["shares"] == []


def test_what_reads_more_than_the_views_is_refused_for_a_frozen_session(otel_client: Client) -> None:
    client = frozen(otel_client, project="p", token_hash="h")
    assert run(client, "WITH 1 AS one SELECT one, count() AS n FROM sessions", {}) == [{"one": 1, "n": 0}]
    for table in ("otel_traces", "_session_turns AS t", "_corrections"):
        with pytest.raises(ValueError, match="frozen"):
            run(client, f"SELECT 1 FROM {table}", {})


def test_a_copy_that_took_too_much_leaves_nothing_behind(api: Api, web_host: Host, otel_client: Client) -> None:
    api.store(*(span("s", 1, number=number, seconds=0.001) for number in range(1, 3000)))
    narrow = started(web_host, max_rows_to_read=2500)
    try:
        answer = Api(narrow.endpoints["web"], api.project, otel_client).call(
            "POST", "/sessions/s/share", {"mode": "frozen"}
        )
    finally:
        narrow.shutdown(5)
    assert (answer.status, answer.json["limit"]) == (422, "rows")
    sql = "SELECT count() FROM _shared_turns WHERE Project = {project:String}"
    assert otel_client.query(sql, parameters={"project": api.project}).result_rows == [(0,)]
    assert api.get("/shares")["shares"] == []
