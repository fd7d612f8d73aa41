"""Figures over HTTP."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from otel_sessions.queries import metrics
from tests.extensions.web.conftest import EPOCH, Api, S, span


def call(session: str, trace: int, model: str, tokens: int, *, start: float = 0, **more: Any) -> Any:
    """A turn of one model call."""
    used = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model, "gen_ai.usage.input_tokens": tokens}
    attributes = {**used, "gen_ai.usage.cost": tokens / 1000, **more.pop("attributes", {})}
    return span(session, trace, start=start, attributes=attributes, **more)


def tool(name: str) -> dict[str, str]:
    return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}


@pytest.fixture
def stored(api: Api) -> Api:
    api.store(
        call("a", 1, "gpt", 100, seconds=1, attributes={"user.id": "ada"}),
        call("a", 1, "claude", 10, number=2, seconds=1),
        call("a", 2, "gpt", 200, start=3700, seconds=3, status="Error", attributes={"user.id": "ada"}),
        call("b", 3, "claude", 30, start=10, seconds=2, attributes={"user.id": "bob"}),
        span("c", 4, start=20, seconds=9),
    )
    return api


def test_without_groups_there_is_one_with_all(stored: Api) -> None:
    (group,) = stored.get("/metrics")["groups"]
    assert group == {
        "key": None,
        "total": {"sessions": 3, "traces": 4, "errors": 1, "tokens": 340, "cost": 0.34},
        "points": [],
    }


def test_points_are_by_interval(stored: Api) -> None:
    params = {"series": "traces,tokens,duration_p50_ns,duration_p95_ns", "interval": "1h"}
    (group,) = stored.get("/metrics", **params)["groups"]
    assert group["points"] == [
        {
            "time": "2026-01-01T00:00:00.000000000Z",
            "traces": 3,
            "tokens": 140,
            "duration_p50_ns": 2_000_000_000,
            "duration_p95_ns": 9_000_000_000,
        },
        {
            "time": "2026-01-01T01:00:00.000000000Z",
            "traces": 1,
            "tokens": 200,
            "duration_p50_ns": 3_000_000_000,
            "duration_p95_ns": 3_000_000_000,
        },
    ]


def test_a_calls_tokens_count_under_its_model_and_what_has_none_under_no_name(stored: Api) -> None:
    groups = stored.get("/metrics", group_by="model", series="tokens,traces,sessions,cost")["groups"]
    assert [(group["key"], *group["total"].values()) for group in groups] == [
        ("gpt", 300, 2, 1, 0.3),
        ("claude", 40, 2, 2, 0.04),
        ("", 0, 1, 1, 0),
    ]


def test_the_greatest_groups_stand_alone_and_the_rest_is_one(stored: Api) -> None:
    groups = stored.get("/metrics", group_by="user", series="cost,sessions", top=1, interval="1d")["groups"]
    assert [(group["key"], group["total"]) for group in groups] == [
        ("ada", {"cost": 0.31, "sessions": 1}),
        (None, {"cost": 0.03, "sessions": 2}),
    ]
    assert [len(group["points"]) for group in groups] == [1, 1]
    by_session = stored.get("/metrics", group_by="session", series="errors")["groups"]
    assert [(group["key"], group["total"]["errors"]) for group in by_session] == [("a", 1), ("b", 0), ("c", 0)]


def test_a_query_and_a_window_choose_what_is_measured(stored: Api) -> None:
    (group,) = stored.get("/metrics", query="user:ada", to="2026-01-01T00:30:00Z")["groups"]
    assert (group["total"]["traces"], group["total"]["tokens"]) == (1, 110)
    everything = stored.get("/metrics", interval="1h")
    assert stored.get("/metrics", interval="1h", **{"from": "0001-01-01", "to": "9999-12-31"}) == everything
    for beyond in ({"from": "9999-12-31"}, {"to": "0001-01-01"}):
        (nothing,) = stored.get("/metrics", **beyond)["groups"]
        assert (nothing["total"]["traces"], nothing["total"]["cost"]) == (0, 0)
    (nothing,) = stored.get("/metrics", query="user:nobody", series="cost,duration_p50_ns")["groups"]
    assert nothing == {"key": None, "total": {"cost": 0, "duration_p50_ns": None}, "points": []}
    assert stored.get("/metrics", query="user:nobody", group_by="user")["groups"] == []


@pytest.mark.parametrize(
    "params",
    [
        {"series": "cats"},
        {"series": ""},
        {"interval": "soon"},
        {"interval": "0s"},
        {"interval": "1ns", "series": "cost", "top": 0},
        {"group_by": "colour"},
        {"query": "cost>"},
    ],
)
def test_what_cannot_be_measured_is_400(stored: Api, params: dict[str, Any]) -> None:
    assert stored.call("GET", "/metrics", **params).status == 400


@pytest.mark.parametrize("group_by", [None, "model"])
def test_costs_are_exact_though_no_binary_fraction_is(api: Api, group_by: str | None) -> None:
    costs = [0.001_53, 0.013_773, 0.000_001_66, 1204.35]
    api.store(*(call("a", n, "gpt", 1, attributes={"gen_ai.usage.cost": cost}) for n, cost in enumerate(costs, 1)))
    (group,) = api.get("/metrics", series="cost", **({"group_by": group_by} if group_by else {}))["groups"]
    assert group["total"] == {"cost": 1204.365_304_66}


@pytest.mark.parametrize("params", [{}, {"from": "2026-01-01"}, {"top": 1}, {"top": 1, "interval": "1d"}])
def test_a_turn_and_its_session_count_once_in_a_group_whatever_calls_it_has(api: Api, params: dict[str, Any]) -> None:
    """A turn with a call of a model, calls of none, or both; those of none come from other places than turns do."""
    api.store(
        call("a", 1, "gpt", 1000),
        call("a", 1, "", 10, number=2),
        call("a", 1, "", 10, number=3),
        call("a", 1, "claude", 1, number=4),
        call("a", 2, "", 20, start=50),
        span("b", 3, start=60),
    )
    groups = api.get("/metrics", group_by="model", series="tokens,traces,sessions", **params)["groups"]
    found = [(group["key"], *group["total"].values()) for group in groups]
    rest = [(None, 41, 3, 2)] if "top" in params else [("", 40, 3, 2), ("claude", 1, 1, 1)]
    assert found == [("gpt", 1000, 1, 1), *rest]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("tool", [("", 1), ("mail", 1), ("shop", 1)]),
        ("tag", [("", 1), ("blue", 1), ("red", 1)]),
        ("user", [("ada", 2)]),
        ("environment", [("", 2)]),
    ],
)
def test_a_turn_is_in_each_group_that_it_names(api: Api, group_by: str, expected: list[tuple[str, int]]) -> None:
    tagged = {"user.id": "ada", "langfuse.trace.tags": ["red", "blue"]}
    api.store(
        span("a", 1, attributes=tagged),
        span("a", 1, number=2, attributes=tool("shop")),
        span("a", 1, number=3, attributes=tool("mail")),
        span("a", 2, start=100, attributes={"user.id": "ada"}),
        span("a", 3, start=-100_000, attributes=tagged),
    )
    params = {"group_by": group_by, "series": "traces", "from": "2026-01-01"}
    found = [(group["key"], group["total"]["traces"]) for group in api.get("/metrics", **params)["groups"]]
    assert found == expected


def random_calls(chance: random.Random, *, makes_sense: bool) -> list[tuple[str, int, str, int, int]]:
    """Session, trace, model, tokens and start in ns of calls: turns of some minutes, some of which pause for long."""
    found = []
    for trace in range(1, 40):
        session, at = chance.choice(["a'b\\\n", "(1, 2)", "c"]), chance.choice([-7200.0, -60, -30, -1, 0, 1, 30, 3600])
        for _ in range(chance.randint(1, 4)):
            start = EPOCH + int(at * S)
            if not makes_sense and chance.random() < 0.2:
                start = chance.choice([0, 2**63 + 5])
            found.append((session, trace, chance.choice(["gpt", "claude", ""]), chance.randint(1, 1000), start))
            at += chance.choice([0.5, 20, 60, 100, 3000])
    return found


def tokens_of_turns(calls: Sequence[tuple[str, int, str, int, int]], first: int, last: int) -> dict[str, int]:
    """By model, of the turns whose first span that makes sense starts between these."""
    starts: dict[int, tuple[bool, int]] = {}
    for _, trace, _, _, start in calls:
        makes_no_sense = not 0 < start < 2**63 - 1
        mine = makes_no_sense, min(start, 2**63 - 1)
        starts[trace] = min(starts.get(trace, mine), mine)
    found: dict[str, int] = {}
    for _, trace, model, tokens, _ in calls:
        if first <= starts[trace][1] <= last:
            found[model] = found.get(model, 0) + tokens
    return found


@pytest.mark.parametrize("makes_sense", [True, False])
@pytest.mark.parametrize("most_begun", [0, metrics._MOST_BEGUN])
def test_calls_are_of_the_window_in_which_their_turn_starts(
    api: Api, monkeypatch: pytest.MonkeyPatch, most_begun: int, makes_sense: bool
) -> None:
    monkeypatch.setattr(metrics, "_MOST_BEGUN", most_begun)
    calls = random_calls(random.Random(most_begun + makes_sense), makes_sense=makes_sense)
    spans = [
        call(session, trace, model, tokens, number=number)
        for number, (session, trace, model, tokens, _) in enumerate(calls, 1)
    ]
    for each, (*_, start) in zip(spans, calls, strict=True):
        each.start_time_unix_nano, each.end_time_unix_nano = start, start + 5 * S
    api.store(*spans)
    for first in (0, 30):
        for to in ({}, {"to": "2026-01-01T00:00:40Z"}):
            params = {
                "group_by": "model",
                "series": "tokens",
                "from": f"2026-01-01T00:{first // 60:02}:{first % 60:02}Z",
                **to,
            }
            groups = api.get("/metrics", **params)["groups"]
            found = {group["key"]: group["total"]["tokens"] for group in groups}
            last = EPOCH + 40 * S if to else 2**63 - 1
            assert found == tokens_of_turns(calls, EPOCH + first * S, last), params
            (whole,) = api.get("/metrics", **{name: value for name, value in params.items() if name != "group_by"})[
                "groups"
            ]
            assert whole["total"]["tokens"] == sum(found.values())
