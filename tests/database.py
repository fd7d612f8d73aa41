"""A database that the tests of a module have to themselves, one after another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.sessions import migrations

_numbers = itertools.count()


class Database:
    """Each test finds it as it is after the migrations. What deletes or works on all of a store is quicker here: in the
    store that all tests share it works on what they have left there, and waits for its merges.
    """

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
        migrations.apply(self._client, f"own_{next(_numbers)}")
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
