"""Which sessions `sampling` keeps whole, and what is left of the others."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import ValidationError

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.extensions.sampling import Config, Sampling, decide, share_of
from otel_sessions.sessions import additions, deletion, sampling, verify
from otel_sessions.telemetry import Metrics
from tests.extensions.test_webhook import again, store
from tests.integration.delivery import new_project

Sample = Callable[..., Sampling]
FIGURES = (
    "SELECT * FROM sessions WHERE Project = {p:String} ORDER BY SessionId",
    "SELECT * FROM session_traces WHERE Project = {p:String} ORDER BY TraceId",
    "SELECT * FROM session_timeline WHERE Project = {p:String} ORDER BY SessionId, Minute",
)
WITH_CONTENT = "SELECT SessionId FROM session_spans WHERE Project = {p:String} AND notEmpty(SpanAttributes)"


@pytest.fixture
def sample(clickhouse_endpoint: Endpoint) -> Sample:
    """Sampling of a project by some rules; a test calls its rounds."""

    def make(project: str, *rules: dict[str, Any]) -> Sampling:
        config = Config.model_validate({"rules": rules, "projects": [project]})
        return Sampling(ComponentId("sampling"), config, clickhouse_endpoint, Host(Metrics(), clickhouse_endpoint))

    return make


def rows(client: Client, query: str, project: str) -> list[Any]:
    return [tuple(row) for row in client.query(query, parameters={"p": project}).result_rows]


def figures(client: Client, project: str) -> list[Any]:
    return [rows(client, query, project) for query in FIGURES]


def with_content(client: Client, project: str) -> set[str]:
    return {id_ for (id_,) in rows(client, WITH_CONTENT, project)}


def differences(client: Client, project: str) -> list[Any]:
    looks = verify.verify(client, pauses_s=())
    while True:
        try:
            next(looks)
        except StopIteration as end:
            return [each for each in end.value.differences if each.project == project]


def test_dropped_sessions_leave_their_figures_and_kept_ones_are_whole(own_client: Client, sample: Sample) -> None:
    project = new_project()
    bodies = {
        name: store(
            own_client,
            project,
            name,
            ago_min=45,
            **{"gen_ai.usage.cost": cost, "gen_ai.operation.name": "chat", "input.value": "asked"},
        )
        for name, cost in (("dear", 2.0), ("cheap", 0.1), ("cheap too", 0.2))
    }
    store(own_client, project, "busy", ago_min=5)
    before = figures(own_client, project)
    sampler = sample(project, {"query": "cost>1", "keep": 1}, {"keep": 0})
    assert not sampler.act(own_client)
    assert with_content(own_client, project) == {"dear", "busy"}
    assert figures(own_client, project) == before
    decided = (
        "SELECT SessionId, IsKept, Weight, Rule FROM session_sampling WHERE Project = {p:String} ORDER BY SessionId"
    )
    assert rows(own_client, decided, project) == [("cheap", 0, 0, 2), ("cheap too", 0, 0, 2), ("dear", 1, 1, 1)]

    again(own_client, project, bodies["cheap"])  # spans that come again
    assert figures(own_client, project) == before
    store(own_client, project, "cheap", ago_min=40)  # and late ones
    after = figures(own_client, project)
    assert after[0][1][5:7] == (2, 2)  # turns, spans
    assert with_content(own_client, project) == {"dear", "busy", "cheap"}
    sampler.act(own_client)
    assert with_content(own_client, project) == {"dear", "busy"}
    assert figures(own_client, project) == after
    assert differences(own_client, project) == []
    sampler.act(own_client)
    assert len(rows(own_client, decided, project)) == 3

    deletion.delete(own_client, [(project, "cheap")])
    assert len(rows(own_client, decided, project)) == 2


def test_a_session_is_decided_on_by_its_exact_figures(own_client: Client, sample: Sample) -> None:
    project = new_project()
    body = store(own_client, project, "repeated", ago_min=45, said="something")
    again(own_client, project, body, is_corrected=False)
    sample(project, {"query": "spans>1", "keep": 0}).act(own_client)
    assert with_content(own_client, project) == {"repeated"}, "one span that came twice is one"


def test_a_drop_that_was_cut_short_comes_to_its_end(own_client: Client, sample: Sample) -> None:
    project = new_project()
    store(own_client, project, "cut short", ago_min=45)
    now = time.time_ns()
    rules = Config.model_validate({"rules": [{"keep": 0}]})
    found = sampling.candidates(own_client, within_s=86_400, projects=[project], now_ns=now, limit=10)
    sampling.note(own_client, list(decide(own_client, rules, found, now)))  # and the process dies
    assert with_content(own_client, project) == {"cut short"}
    sample(project, {"keep": 1}).act(own_client)  # the decision stands, whatever the rules say now
    assert with_content(own_client, project) == set()
    left = sampling.candidates(own_client, within_s=86_400, projects=[project], now_ns=now, limit=10)
    assert left == []


def test_what_people_have_added_to_stays(own_client: Client, sample: Sample) -> None:
    project = new_project()
    for name in ("plain", "starred", "labelled"):
        store(own_client, project, name, ago_min=45)
    additions.set_bookmark(own_client, project=project, session_id="starred", wanted=True)
    additions.set_label(own_client, project=project, session_id="labelled", label="look", wanted=True)
    sample(project, {"keep": 0}).act(own_client)
    assert with_content(own_client, project) == {"starred", "labelled"}


def test_totals_by_weight_are_within_one_percent_of_all() -> None:
    randomly = random.Random(3)
    costs = {f"session {number}": randomly.lognormvariate(0, 1) for number in range(100_000)}
    weights = {}
    for id_, cost in costs.items():
        keep = 1.0 if cost > 10 else 0.4
        weights[id_] = 1 / keep if share_of("shop", id_) < keep else 0.0
    assert sum(map(bool, weights.values())) < 45_000
    assert sum(weights.values()) == pytest.approx(len(costs), rel=0.01)
    assert sum(weights[id_] * cost for id_, cost in costs.items()) == pytest.approx(sum(costs.values()), rel=0.01)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [([], "at least 1"), ([{"keep": 1.5}], "less than or equal to 1"), ([{"query": "user=", "keep": 1}], "value")],
)
def test_rules_that_cannot_be_followed_are_faults(rules: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Config.model_validate({"rules": rules})
