"""Results of evaluations on spans become scores."""

from __future__ import annotations

from typing import Any

from clickhouse_connect.driver.client import Client

from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import scores
from otel_sessions.testing.otlp import Value, event, request, span
from tests.integration.delivery import EPOCH, insert, new_project

COLUMNS = "SessionId, SpanId, Name, DataType, Value, StringValue, Comment, Source, Metadata, Environment, ScoreId"


def evaluated(client: Client, project: str, *results: dict[str, Value], **attributes: Value) -> None:
    """Stores a span with these results as its events, a second apart."""
    events = [
        event(
            "gen_ai.evaluation.result",
            time=EPOCH + number * 10**9,
            attributes={f"gen_ai.{key}": value for key, value in each.items()},
        )
        for number, each in enumerate(results)
    ]
    found = span("judge", trace_id=f"{1:032x}", span_id=f"{1:016x}", start=EPOCH, events=[event("other"), *events],
                 attributes={"session.id": "s", **attributes})  # fmt: skip
    batch = decode([request(found, span("plain")).SerializeToString()], [project]).batch
    insert(client, SessionProcessor(SessionConfig()).process(batch))


def kept(client: Client, project: str) -> list[float]:
    """The values of the scores, whatever sessions they are in."""
    sql = "SELECT Value FROM _scores FINAL WHERE Project = {project:String} AND IsDeleted = 0 ORDER BY Value"
    return [value for (value,) in client.query(sql, {"project": project}).result_rows]


def scored(client: Client, project: str) -> list[dict[str, Any]]:
    sql = f"SELECT {COLUMNS} FROM session_scores WHERE Project = {{project:String}} ORDER BY Name, Value"
    return list(client.query(sql, {"project": project}).named_results())


def test_a_result_is_a_score_of_its_span_with_number_label_and_explanation(otel_client: Client) -> None:
    project = new_project()
    evaluated(
        otel_client,
        project,
        {
            "evaluation.name": "relevance",
            "evaluation.score.value": 0.75,
            "evaluation.score.label": "good",
            "evaluation.explanation": "on topic",
        },
        {"evaluation.name": "tone", "evaluation.score.label": "kind"},
        {"evaluation.name": "words", "evaluation.explanation": "none missing"},
        {"evaluation.name": "nothing"},
        {"evaluation.score.value": 1.0},
        {"evaluation.name": "odd", "evaluation.score.value": "NaN"},
    )
    found = scored(otel_client, project)
    assert {(row["SessionId"], row["SpanId"], row["Source"], row["Environment"]) for row in found} == {
        ("s", f"{1:016x}", "evaluator", "default")
    }
    told = [
        (row["Name"], row["DataType"], row["Value"], row["StringValue"], row["Comment"], row["Metadata"])
        for row in found
    ]
    assert told == [
        ("relevance", "NUMERIC", 0.75, "", "on topic", '{"label":"good"}'),
        ("tone", "CATEGORICAL", 0, "kind", "", ""),
        ("words", "TEXT", 0, "none missing", "", ""),
    ]


def test_the_same_result_again_is_the_same_score_and_another_answer_another(otel_client: Client) -> None:
    project = new_project()
    first = {"evaluation.name": "relevance", "evaluation.score.value": 0.25, "response.id": "r1"}
    for _ in range(3):
        evaluated(otel_client, project, first)
    evaluated(otel_client, project, first, {**first, "evaluation.score.value": 0.5})
    assert kept(otel_client, project) == [0.5]
    evaluated(otel_client, project, {**first, "response.id": "r2", "evaluation.score.value": 1.0})
    assert kept(otel_client, project) == [0.5, 1.0]


def test_without_an_answer_of_its_own_a_result_is_about_that_of_its_span(otel_client: Client) -> None:
    project = new_project()
    result = {"evaluation.name": "relevance", "evaluation.score.value": 1.0}
    evaluated(otel_client, project, result, **{"gen_ai.response.id": "r1"})
    evaluated(otel_client, project, {**result, "response.id": "r1"})
    assert kept(otel_client, project) == [1.0]


def test_a_score_that_was_deleted_does_not_come_back_with_a_repetition(otel_client: Client) -> None:
    project = new_project()
    result = {"evaluation.name": "relevance", "evaluation.score.value": 1.0}
    evaluated(otel_client, project, result)
    [row] = scored(otel_client, project)
    scores.delete(otel_client, project=project, score_id=row["ScoreId"])
    evaluated(otel_client, project, result)
    assert scored(otel_client, project) == []
