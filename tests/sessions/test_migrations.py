"""The schema: golden DDL, and migrations that are applied once, whole or in pieces.

`UPDATE_GOLDEN=1 pytest tests/sessions/test_migrations.py` writes the golden files anew; read their difference.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.errors import SchemaError
from otel_sessions.sessions import migrations

GOLDEN = Path(__file__).parent.parent / "testdata" / "ddl"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
_databases = itertools.count()


@pytest.fixture
def database() -> str:
    """The name of a database that does not exist yet."""
    return f"migrated_{next(_databases)}"


@pytest.fixture
def client(chdb_endpoint: Endpoint, database: str) -> Iterator[Client]:
    client = connect(chdb_endpoint)
    yield client
    client.command(f"DROP DATABASE IF EXISTS {database}", use_database=False)
    client.close()


def ddl(client: Client, database: str) -> dict[str, str]:
    """How ClickHouse says that each table and view was made, without the name of the database."""
    names = client.query(
        "SELECT name FROM system.tables WHERE database = {database:String} AND name NOT LIKE '.inner%'",
        {"database": database},
    ).result_rows
    found = {}
    for (name,) in names:
        text = client.command(f"SHOW CREATE TABLE {database}.`{name}`")
        assert isinstance(text, str)
        found[name] = re.sub(rf"`?\b{database}\b`?\.", "", text).replace("\\n", "\n").replace("\\'", "'") + "\n"
    return found


def test_the_tables_and_views_are_those_of_the_golden_files(client: Client, database: str) -> None:
    migrations.apply(client, database)
    found = ddl(client, database)
    if UPDATE:
        for stale in GOLDEN.glob("*.sql"):
            stale.unlink()
        for name, text in found.items():
            (GOLDEN / f"{name}.sql").write_text(text, encoding="utf-8")
    assert found == {file.stem: file.read_text(encoding="utf-8") for file in GOLDEN.glob("*.sql")}


def test_applying_again_changes_nothing(client: Client, database: str) -> None:
    assert [migration.version for migration in migrations.apply(client, database)] == [
        migration.version for migration in migrations.migrations()
    ]
    before = ddl(client, database)
    assert migrations.apply(client, database) == ()
    assert migrations.pending(client, database) == ()
    assert ddl(client, database) == before


def test_versions_follow_each_other_from_one_on() -> None:
    assert [migration.version for migration in migrations.migrations()] == list(
        range(1, len(migrations.migrations()) + 1)
    )


def test_pending_makes_nothing(client: Client, database: str) -> None:
    assert migrations.pending(client, database) == migrations.migrations()
    exists = client.query("SELECT count() FROM system.databases WHERE name = {d:String}", {"d": database}).result_rows
    assert exists == [(0,)]


def statements() -> list[str]:
    return [statement for migration in migrations.migrations() for statement in migration.statements]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_what_was_cut_short_is_finished(client: Client, database: str, share: float) -> None:
    migrations.apply(client, f"{database}_whole")
    client.command(f"CREATE DATABASE {database}", use_database=False)
    client.database = database
    for statement in statements()[: int(share * len(statements()))]:
        client.command(statement)
    assert migrations.pending(client, database) == migrations.migrations()
    assert migrations.apply(client, database) == migrations.migrations()
    assert ddl(client, database) == ddl(client, f"{database}_whole")
    client.command(f"DROP DATABASE {database}_whole", use_database=False)


def test_a_migration_that_was_changed_is_refused(
    client: Client, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations.apply(client, database)
    first, *rest = migrations.migrations()
    changed = migrations.Migration(first.version, first.name, first.sql + "-- changed")
    monkeypatch.setattr(migrations, "migrations", lambda: (changed, *rest))
    for check in (migrations.pending, migrations.apply):
        with pytest.raises(SchemaError, match=rf"{first.name} differs .* {database}"):
            check(client, database)


def test_a_database_of_a_newer_version_is_refused(client: Client, database: str) -> None:
    migrations.apply(client, database)
    client.command("INSERT INTO _schema_migrations (Version, Name, Checksum) VALUES (9000, '9000_later', 'x')")
    for check in (migrations.pending, migrations.apply):
        with pytest.raises(SchemaError, match="9000 of a newer otel-sessions"):
            check(client, database)


def test_the_record_of_migrations_by_its_old_name_is_taken_over(client: Client, database: str) -> None:
    migrations.apply(client, database)
    client.command("RENAME TABLE _schema_migrations TO schema_migrations")
    assert migrations.pending(client, database) == ()
    assert migrations.apply(client, database) == ()
    assert {"_schema_migrations", "schema_migrations"} & ddl(client, database).keys() == {"_schema_migrations"}


def test_a_database_of_migrations_that_were_folded_into_others_is_told_so(
    client: Client, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded = [replace(each, sql=f"-- as it was\n{each.sql}") for each in migrations.migrations()]
    folded.append(migrations.Migration(len(folded) + 1, "later", "SELECT 1;\n"))
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "migrations", lambda: tuple(folded))
        migrations.apply(client, database)
    with pytest.raises(SchemaError, match=f"{folded[0].name} differs .* start with a new database"):
        migrations.pending(client, database)


@pytest.mark.parametrize("tables", [["otel_traces"], ["_corrected_spans"], ["otel_traces", "_corrected_spans"]])
def test_a_column_may_come_to_one_table_after_the_other(client: Client, database: str, tables: list[str]) -> None:
    migrations.apply(client, database)
    for table in tables:
        client.command(f"ALTER TABLE {table} ADD COLUMN Later UInt8 AFTER TraceId")
    assert client.query("SELECT * FROM session_spans").result_rows == []


def test_only_what_is_missing_is_applied(client: Client, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations.apply(client, database)
    later = migrations.Migration(9000, "9000_later", "CREATE TABLE later (a UInt8) ENGINE = Memory;\n")
    known = (*migrations.migrations(), later)
    monkeypatch.setattr(migrations, "migrations", lambda: known)
    assert migrations.pending(client, database) == (later,)
    assert migrations.apply(client, database) == (later,)
    assert migrations.apply(client, database) == ()
    assert "later" in ddl(client, database)


def test_the_script_is_what_apply_runs(client: Client, database: str) -> None:
    script = migrations.script(migrations.migrations(), database)
    for statement in script.split(";\n"):
        if statement.strip():
            # `USE` lasts on a client as long as its connection; apply sets the database of the client.
            client.command(statement, use_database=False)
    client.database = database
    by_hand = ddl(client, database)
    migrations.apply(client, database)
    assert by_hand.items() <= ddl(client, database).items()
    assert set(ddl(client, database)) - set(by_hand) == {"_schema_migrations"}


def test_an_odd_name_of_a_database_is_quoted(client: Client) -> None:
    name = "my-traces 2"
    migrations.apply(client, name)
    assert migrations.pending(client, name) == ()
    client.command("DROP DATABASE {d:Identifier}", {"d": name}, use_database=False)
    client.database = None
