"""A database of its own for what rebuilds all of it."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.sessions import migrations
from otel_sessions.sessions.verify import Difference, differences, verify
from otel_sessions.testing.oracle import OracleSpan, assign, figures
from tests.integration.test_attribution import read_figures, read_members

T = TypeVar("T")
_databases = itertools.count()


class Database:
    """One that tests use one after another; each finds it as it is after the migrations."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._migrate()

    def client(self) -> Client:
        """One for the next test."""
        if self._tables() != self._made:  # what a test has taken away or left behind
            self.close()
            self._migrate()
        for name in self._filled() - self._kept:
            self._client.command("TRUNCATE TABLE {t:Identifier}", {"t": name})
        return connect(self._endpoint, database=self._client.database)

    def close(self) -> None:
        self._client.command("DROP DATABASE {d:Identifier}", {"d": self._client.database}, use_database=False)
        self._client.close()

    def _migrate(self) -> None:
        self._client = connect(self._endpoint)
        migrations.apply(self._client, f"rebuilt_{next(_databases)}")
        self._made = self._tables()
        self._kept = self._filled()

    def _tables(self) -> Sequence[Sequence[object]]:
        """Each with the statement that makes it, by name."""
        query = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name"
        return self._client.query(query).result_rows

    def _filled(self) -> set[str]:
        """The tables that have rows."""
        query = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows > 0"
        return {name for (name,) in self._client.query(query).result_rows}


@pytest.fixture(scope="module")
def database(chdb_endpoint: Endpoint) -> Iterator[Database]:
    database = Database(chdb_endpoint)
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> Iterator[Client]:
    client = database.client()
    yield client
    client.close()


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
