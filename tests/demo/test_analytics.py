"""docs/analytics.md: every question's SQL gives the answer that stands below it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.queries.statements import Result, run_statement
from otel_sessions.sessions import attribution
from tests.demo.playing import Sent
from tests.integration.delivery import insert, new_project

PAGE = Path(__file__).parents[2] / "docs/analytics.md"
_QUESTION = re.compile(r"^### (\d+)\. (.+?)\n.*?^```sql\n(.*?)^```\n\n((?:\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
MONDAY = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()) * 10**9
DAY = 86_400 * 10**9
MEASURED = {"half", "most", "slowest", "seconds", "seconds_lost"}
"""Columns of durations: the demo's steps take as long as it says, and what its own code takes besides."""

QUESTIONS = {int(number): (sql, answer) for number, _, sql, answer in _QUESTION.findall(PAGE.read_text())}


def store(client: Client, project: str, bodies: Sequence[bytes], *, start: int, name: str = "") -> None:
    """The demo's spans, the first from `start`; other sessions and traces for each length of `name`."""
    requests = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    scopes = [scope for request in requests for group in request.resource_spans for scope in group.scope_spans]
    spans = [span for scope in scopes for span in scope.spans]
    shift = start - min(span.start_time_unix_nano for span in spans)
    for span in spans:
        span.start_time_unix_nano += shift
        span.end_time_unix_nano += shift
        for event in span.events:
            event.time_unix_nano += shift
        span.trace_id = bytes([len(name)]) + span.trace_id[1:]
        for attribute in span.attributes:
            if attribute.key == "session.id":
                attribute.value.string_value += name
    decoded = decode([request.SerializeToString() for request in requests], [project] * len(requests))
    batch = SessionProcessor(SessionConfig()).process(decoded.batch)
    insert(client, batch)
    traces = sorted({(project, trace) for trace in batch["TraceId"].to_pylist()})
    attribution.correct(client, [doubt.trace for doubt in attribution.find(client, traces)])


@pytest.fixture(scope="module")
def one_run(sent: Sent, otel_client: Client) -> str:
    """The project of one run of the demo, on a Monday at noon."""
    project = new_project()
    store(otel_client, project, sent.bodies, start=MONDAY)
    return project


def rows_of(table: str) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a table in Markdown."""
    head, _, *rows = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines())
    return head, rows


def text_of(value: Any) -> str:
    """A value as the page has it."""
    if value is None:
        return "NULL"
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def markdown(found: Result) -> str:
    """The answer as it stands on the page."""
    lines = [[name for name, _ in found.columns], ["---"] * len(found.columns)]
    lines += [[text_of(value) for value in row] for row in found.rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def compared(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Mapping[str, Any]]:
    """Rows to compare; what the clock measured within a fifth, and half a second."""
    measured = {name for name in head if name in MEASURED}
    shown = [dict(zip(head, row, strict=True)) for row in rows]
    exact = [{name: value for name, value in row.items() if name not in measured} for row in shown]
    about = [{name: pytest.approx(float(row[name]), rel=0.2, abs=0.5) for name in measured} for row in shown]
    return [{**each, **rough} for each, rough in zip(exact, about, strict=True)]


def test_the_page_has_twenty_five_questions() -> None:
    assert sorted(QUESTIONS) == list(range(1, 26))
    assert len(re.findall(r"^```sql$", PAGE.read_text(), re.MULTILINE)) == len(QUESTIONS)


@pytest.mark.parametrize("number", QUESTIONS)
def test_the_answer_of_a_question_is_the_one_on_the_page(number: int, otel_client: Client, one_run: str) -> None:
    sql, answer = QUESTIONS[number]
    found = run_statement(otel_client, project=one_run, sql=sql)
    head, rows = rows_of(answer)
    assert [name for name, _ in found.columns] == head
    given = [
        {name: float(value) if name in MEASURED else text_of(value) for name, value in zip(head, row, strict=True)}
        for row in found.rows
    ]
    expected = compared(head, rows)
    if MEASURED & set(head):  # what is nearly as long may stand in another order
        given.sort(key=str)
        expected.sort(key=str)
    assert given == expected


def test_rows_that_are_picked_first_are_those_of_the_statement_that_takes_longer(
    otel_client: Client, one_run: str
) -> None:
    longer, first = re.findall(r"`(SELECT \* FROM sessions [^`]*)`", PAGE.read_text())
    found = [run_statement(otel_client, project=one_run, sql=sql) for sql in (longer, first)]
    assert len(found[0].rows) == 5
    assert found[0].rows == found[1].rows


def test_the_money_on_the_page_is_what_the_demo_counted_itself(sent: Sent) -> None:
    _, rows = rows_of(QUESTIONS[1][1])
    spent = {tally.user_id: pytest.approx(float(tally.cost), abs=1e-5) for tally in sent.tallies}
    assert {row[1]: float(row[4]) for row in rows} == spent


def test_people_who_come_back_are_counted_on_the_days_that_they_do(sent: Sent, otel_client: Client) -> None:
    """All on Monday; again on Tuesday, and on the Monday after."""
    project = new_project()
    for name, start in {"": MONDAY, "-2": MONDAY + DAY, "--3": MONDAY + 7 * DAY}.items():
        store(otel_client, project, sent.bodies, start=start, name=name)

    def ask(number: int) -> list[list[Any]]:
        return run_statement(otel_client, project=project, sql=QUESTIONS[number][0]).rows

    assert ask(23) == [["2026-01-05", 5, 5, 5]]
    assert [row[:4] for row in ask(24)] == [["2026-01-05", 0, 5, 40], ["2026-01-05", 1, 5, 20]]
    assert [row[:4] for row in ask(20)] == [[f"2026-01-{day}", 5, 5, 20] for day in ("05", "06", "12")]
    assert len(ask(1)) == 15
