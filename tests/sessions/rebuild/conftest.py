"""A database of its own for what rebuilds all of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.sessions.verify import Difference, differences, verify
from otel_sessions.testing.oracle import OracleSpan, assign, figures
from tests.integration.test_attribution import read_figures, read_members

T = TypeVar("T")


@pytest.fixture
def client(own_client: Client) -> Client:
    return own_client


def drive(steps: Generator[object, None, T]) -> T:
    """What the steps return in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def compared(client: Client, **options: object) -> tuple[Difference, ...]:
    """What a verify reports, without waiting, in small pieces."""
    return drive(verify(client, pauses_s=[0.0], rows_a_piece=50, **options)).differences  # type: ignore[arg-type]


def compared_one_by_one(client: Client) -> tuple[Difference, ...]:
    """The same of every session that there may be, span by span."""
    sessions = client.query(
        "SELECT DISTINCT Project, SessionId FROM _turn_minutes UNION DISTINCT "
        "SELECT Project, ClaimId FROM otel_traces WHERE ClaimId != ''"
    ).result_rows
    return tuple(differences.find_among(client, [(project, session) for project, session in sessions]))


def agrees(client: Client, spans: Sequence[OracleSpan]) -> bool:
    """Whether the views say what the oracle says of these spans, all of one project, their tokens too."""
    project = spans[0].project
    members = {identity: session for identity, session in assign(spans).items() if session is not None}
    listed = client.query(
        "SELECT Project, SessionId, sum(InputTokens) FROM session_spans WHERE Project = {p:String} GROUP BY ALL",
        {"p": project},
    ).result_rows
    return (
        read_figures(client, project) == figures(spans)
        and read_members(client, project) == members
        and {row[:2]: row[2] for row in listed} == {key: row["InputTokens"] for key, row in figures(spans).items()}
    )


def tables(client: Client) -> list[str]:
    return [str(name) for (name,) in client.query("SHOW TABLES").result_rows]
