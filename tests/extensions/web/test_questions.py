"""Every field of the language over real sessions, users, and every grouping of the figures."""

from __future__ import annotations

from typing import Any

import pytest

from otel_sessions.queries.language import FIELDS
from tests.extensions.web.conftest import Api, span

RICH: dict[str, Any] = {
    "user.id": "ada",
    "tag.tags": '["beta"]',
    "langfuse.trace.metadata.tenant": "acme",
    "langfuse.trace.metadata.size": "12",
    "input.value": "Please refund order 7",
    "output.value": "it is 日本 done",
    "http.route": "/chat",
}
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 900,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.cost": 0.5,
    "gen_ai.agent.name": "planner",
}
UNPRICED = {**CALL, "gen_ai.request.model": "home-made"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}


@pytest.fixture
def asked(api: Api) -> Api:
    """`rich` has all that there is to ask for, `poor` has nothing."""
    resource = {"service.name": "api", "deployment.environment.name": "prod"}
    unpriced = {name: value for name, value in UNPRICED.items() if name != "gen_ai.usage.cost"}
    api.store(
        span("rich", 1, attributes=RICH, seconds=60),
        span("rich", 1, number=2, start=1, attributes=CALL, status="Error", message="boom"),
        span("rich", 1, number=3, start=2, attributes=TOOL),
        span("rich", 1, number=4, start=3, attributes=unpriced),
        resource=resource,
    )
    api.store(span("poor", 2, start=86_400 * 40))
    score = {"name": "quality", "data_type": "NUMERIC", "value": 0.25}
    assert api.call("POST", "/sessions/rich/scores", score).status == 201
    assert api.call("POST", "/sessions/rich/comments", {"text": "x"}).status == 201
    assert api.call("POST", "/sessions/rich/share").status == 201
    for path in ("bookmark", "labels/todo"):
        assert api.call("PUT", f"/sessions/rich/{path}").status == 204
    return api


EXPRESSIONS = [
    "id:ri*", "user:ada", "service:api", "environment:prod", "model:gpt-4o", "tag:beta", "tool:search", "tool:s*",
    "agent:planner", "agent:plan*", "label:todo", "metadata.tenant:acme", "metadata.size>11", "metadata.tenant:*",
    "attr.http.route:/chat", 'attr.service.name:"api"', "attr.gen_ai.usage.input_tokens>=900", "score.quality<0.5",
    "score.quality:0.25", "cost>0.4", "cost:0.5", "tokens>1k", "input_tokens>=1.8k", "output_tokens:200", "duration:1m",
    "duration>=60s", "turns:1 spans:4", "errors>0", "start:2026-01-01", "last_activity<=2026-01-01T00:01:00Z",
    "has:error", "has:score", "has:comment", "has:label", "has:user", "has:metadata", "is:bookmarked", "is:shared",
    "is:unpriced", "refund", '"refund order"', "REF*", "ada", "日本", '"please refund order 7"',
]  # fmt: skip


def test_every_field_chooses_the_session_that_has_it_and_its_negation_the_other(asked: Api) -> None:
    assert {name.rstrip(".") for name in FIELDS} <= {
        part.lstrip("(").split(":")[0].split(".")[0].split(">")[0].split("<")[0]
        for text in EXPRESSIONS
        for part in text.split()
    }
    for expression in EXPRESSIONS:
        assert asked.ids(query=expression) == ["rich"], expression
        assert asked.ids(query=f"-({expression})") == ["poor"], expression
    assert asked.ids(query="is:active") == []
    assert asked.ids(query="ref") == []
    assert asked.ids(query='"order refund"') == []


@pytest.mark.parametrize(
    ("group_by", "keys"),
    [
        ("user", ["ada", ""]),
        ("service", ["api", ""]),
        ("environment", ["prod", ""]),
        ("tag", ["beta", ""]),
        ("tool", ["search", ""]),
        ("session", ["rich", "poor"]),
        ("model", ["gpt-4o", "home-made", ""]),
    ],
)
def test_figures_are_grouped_by_whatever_turns_have(asked: Api, group_by: str, keys: list[str]) -> None:
    groups = asked.get("/metrics", group_by=group_by, series="cost,traces")["groups"]
    assert groups[0]["key"] == keys[0]
    assert sorted(group["key"] for group in groups) == sorted(keys)
    assert sum(group["total"]["cost"] for group in groups) == 0.5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user", "ada"),
        ("service", "api"),
        ("environment", "prod"),
        ("tag", "beta"),
        ("tool", "search"),
        ("agent", "planner"),
        ("label", "todo"),
        ("metadata.tenant", "acme"),
        ("attr.http.route", "/chat"),
        ("score.quality", "0.25"),
    ],
)
def test_the_values_of_every_field_are_counted(asked: Api, field: str, value: str) -> None:
    assert {"value": value, "count": 1} in asked.get("/facets", field=field)["values"]


def test_users_are_listed_by_every_sort_in_pages(api: Api) -> None:
    api.store(
        *(
            span(f"s{number}", number, start=number, attributes={"user.id": f"user {number % 3}/é"})
            for number in range(1, 8)
        ),
        span("nobody's", 20),
    )
    for sort in ("last_seen", "first_seen", "sessions", "traces", "errors", "tokens", "cost"):
        for order in ("asc", "desc"):
            found, cursor = [], {}
            while True:
                page = api.get("/users", limit=2, sort=sort, order=order, **cursor)
                found += [user["user_id"] for user in page["users"]]
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}
            assert sorted(found) == ["user 0/é", "user 1/é", "user 2/é"], (sort, order)
    (first,) = api.get("/users", limit=1, sort="sessions")["users"]
    assert (first["user_id"], first["session_count"], first["trace_count"]) == ("user 1/é", 3, 3)
    assert [user["user_id"] for user in api.get("/users", q="R 2")["users"]] == ["user 2/é"]
    sessions = api.get("/users/user%201%2F%C3%A9/sessions", sort="start", order="asc")["sessions"]
    assert [session["session_id"] for session in sessions] == ["s1", "s4", "s7"]
    assert api.get("/users/nobody/sessions")["sessions"] == []
