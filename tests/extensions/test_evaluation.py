"""What `evaluation` calls an evaluator with, and what becomes of its answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import ValidationError

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import Host
from otel_sessions.config.plugins import load
from otel_sessions.errors import ConfigError
from otel_sessions.evaluators import GROUP, Answer, IdleSession
from otel_sessions.extensions.evaluation import Config, Evaluation
from otel_sessions.extensions.idle_hook import HookSettings
from otel_sessions.sessions.hooks import Notice
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.contract import check_evaluator, check_life
from tests.extensions.test_webhook import store
from tests.integration.delivery import new_project
from tests.integration.running import wait_until

SCORES = (
    "SELECT Name, DataType, Value, StringValue, TraceId != '', JSONExtractInt(Metadata, 'revision'), Source "
    "FROM session_scores WHERE Project = {p:String} ORDER BY Name"
)


class Judge:
    """Counts turns and says what came in; fails while it is told to."""

    def __init__(self) -> None:
        self.fails = False
        self.seen: list[tuple[str, int]] = []

    def evaluate(self, session: IdleSession) -> Iterator[Answer]:
        self.seen.append((session.session_id, session.revision))
        if self.fails:
            raise RuntimeError("the model is asleep")
        turns = list(session.turns())
        yield Answer("turns", len(turns), comment=str(session.session["span_count"]))
        yield Answer("was asked", bool(turns[0][1]), trace_id=turns[0][0]["trace_id"])
        yield Answer("first words", turns[0][1][0]["parts"][0]["text"])


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@pytest.fixture
def evaluate(clickhouse_endpoint: Endpoint, judge: Judge, host: Host) -> Iterator[Any]:
    """Starts the extension for a project; it is stopped at the end, or by what is returned."""
    running: list[Evaluation] = []

    def start(project: str) -> Evaluation:
        retry = {"initial_interval": 0.1, "max_interval": 0.1}
        settings = {"projects": [project], "check_interval": 0.1, "retry_on_failure": retry}
        config = HookSettings.model_validate(settings)
        each = Evaluation(f"evaluation/{project}", config, judge, clickhouse_endpoint, host, settled_s=0.3)
        each.start()
        running.append(each)
        return each

    yield start
    for each in running:
        each.shutdown(10)


def scores(client: Client, project: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(SCORES, parameters={"p": project}).result_rows]


def say(client: Client, project: str, *, ago_min: float) -> None:
    asked = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role": "user", "content": "Is it open?"}]'}
    store(client, project, "judged", ago_min=ago_min, **asked)


def found(turns: int, revision: int) -> list[tuple[Any, ...]]:
    return [
        ("first words", "CATEGORICAL", 0.0, "Is it open?", False, revision, "evaluator"),
        ("turns", "NUMERIC", float(turns), "", False, revision, "evaluator"),
        ("was asked", "BOOLEAN", 1.0, "True", True, revision, "evaluator"),
    ]


def test_an_idle_session_is_scored_once_and_anew_when_it_was_reopened(
    otel_client: Client, evaluate: Any, judge: Judge
) -> None:
    project = new_project()
    say(otel_client, project, ago_min=45)
    first = evaluate(project)
    wait_until(lambda: scores(otel_client, project), wanted=lambda rows: rows == found(1, 1))
    notice = Notice(f"evaluation/{project}", project, "judged", 1, "", 0, 0, "", time.time_ns() // 10**6 - 60_000)
    assert first.attempt(otel_client, notice) is None  # as after a kill before the end was noted
    assert scores(otel_client, project) == found(1, 1)
    say(otel_client, project, ago_min=40)
    wait_until(lambda: scores(otel_client, project), wanted=lambda rows: rows[1] == found(2, 2)[1])
    assert len(scores(otel_client, project)) == 3


def test_an_evaluator_that_raises_is_called_again_and_told_of(
    otel_client: Client, evaluate: Any, judge: Judge, host: Host
) -> None:
    project = new_project()
    say(otel_client, project, ago_min=45)
    judge.fails = True
    evaluate(project)
    wait_until(lambda: len(judge.seen), wanted=lambda count: count >= 2)
    problem = wait_until(lambda: host.health().get(f"evaluation/{project}"))
    assert problem == "the evaluator raises RuntimeError: the model is asleep"
    judge.fails = False
    wait_until(lambda: scores(otel_client, project), wanted=lambda rows: rows == found(1, 1))
    assert set(judge.seen) == {("judged", 1)}
    wait_until(lambda: host.health()[f"evaluation/{project}"], wanted=lambda problem: problem is None)


def test_it_keeps_to_the_life_of_a_component(clickhouse_endpoint: Endpoint, host: Host, tmp_path: Path) -> None:
    check_life(lambda: Evaluation("evaluation", HookSettings(), Judge(), clickhouse_endpoint, host), tmp_path)


def test_an_evaluator_that_is_not_installed_is_a_fault_with_its_path() -> None:
    config = Config.model_validate({"evaluator": "nobody"})
    (_, fault) = config.find_faults({"exporters": {}})
    assert fault.path == "evaluator"
    assert "unknown evaluator type 'nobody'" in fault.message
    with pytest.raises(ConfigError):
        load(GROUP, "evaluator", "nobody", "evaluator")
    with pytest.raises(ValidationError, match="evaluator"):
        Config.model_validate({})


class Fickle:
    def __init__(self, *answers: Any) -> None:
        self._answers = answers
        self._asked = 0

    def evaluate(self, session: IdleSession) -> Any:
        self._asked += 1
        return [Answer("asked", self._asked)] if not self._answers else self._answers


@pytest.mark.parametrize(
    ("evaluator", "sentence"),
    [
        (Fickle(), "asked again it answers"),
        (Fickle(Answer("a", 1), Answer("a", 2)), "one name and anchor"),
        (Fickle({"a": 1}), "an Answer"),
    ],
)
def test_the_check_of_evaluators_finds_what_cannot_be_stored_once(evaluator: Fickle, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_evaluator(evaluator, IdleSession("default", "s", 1, {}))


def test_an_answer_that_no_score_can_be_is_refused_where_it_is_made() -> None:
    for bad in (("", 1.0), ("a", float("nan")), ("a" * 1025, 1.0)):
        with pytest.raises(ValueError, match="score"):
            Answer(*bad)
