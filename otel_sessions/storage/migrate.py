"""Brings the schema to this version: numbered `.sql` files, each applied once, its checksum on record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from clickhouse_connect.driver.client import Client

from otel_sessions.errors import SchemaError

_LEDGER = """CREATE TABLE IF NOT EXISTS schema_migrations
(
    Version UInt32,
    Name String,
    Checksum String,
    AppliedAt DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(AppliedAt)
ORDER BY Version"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, as in `0001_otel_traces.sql`: statements that each end with a semicolon at the end of a line."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(text.strip() for text in self.sql.split(";\n") if text.strip())


def migrations() -> tuple[Migration, ...]:
    """All there are, oldest first."""
    folder = files("otel_sessions.storage").joinpath("migrations")
    found = [path for path in folder.iterdir() if path.name.endswith(".sql")]
    return tuple(
        Migration(int(path.name[:4]), path.name.removesuffix(".sql"), path.read_text("utf-8"))
        for path in sorted(found, key=lambda path: path.name)
    )


def pending(client: Client, database: str) -> tuple[Migration, ...]:
    """Those that this database has not had, without changing anything.

    Raises `SchemaError` where one that it had is not the one of this version, or is newer than this version knows.
    """
    applied = _applied(client, database)
    known = migrations()
    for migration in known:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise SchemaError(
                f"migration {migration.name} differs from the one that database {database} has had, from another "
                "version of otel-sessions; use that version, or start with a new database"
            )
    newer = applied.keys() - {migration.version for migration in known}
    if newer:
        raise SchemaError(f"database {database} has migration {max(newer):04d} of a newer otel-sessions")
    return tuple(migration for migration in known if migration.version not in applied)


def apply(client: Client, database: str) -> tuple[Migration, ...]:
    """Makes the database if need be and applies what is pending; returns what was applied.

    Idempotent, also when it was cut short: each statement may run again. The client's current database is then
    this one.
    """
    client.command(
        "CREATE DATABASE IF NOT EXISTS {database:Identifier}", parameters={"database": database}, use_database=False
    )
    client.database = database
    client.command(_LEDGER)
    missing = pending(client, database)
    for migration in missing:
        for statement in migration.statements:
            client.command(statement)
        client.command(
            "INSERT INTO schema_migrations (Version, Name, Checksum) "
            "SELECT {version:UInt32}, {name:String}, {checksum:String}",
            parameters={"version": migration.version, "name": migration.name, "checksum": migration.checksum},
        )
    return missing


def script(missing: Sequence[Migration], database: str) -> str:
    """The SQL that `apply` would run, to read."""
    if not missing:
        return ""
    parts = [f"CREATE DATABASE IF NOT EXISTS `{database}`;\nUSE `{database}`;"]
    parts += [f"-- {migration.name}\n{migration.sql.strip()}" for migration in missing]
    return "\n\n".join(parts)


def _applied(client: Client, database: str) -> dict[int, str]:
    exists = client.query(
        "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'",
        parameters={"database": database},
    ).result_rows[0][0]
    if not exists:
        return {}
    rows = client.query(
        "SELECT Version, Checksum FROM {database:Identifier}.schema_migrations FINAL", parameters={"database": database}
    ).result_rows
    return {int(version): str(checksum) for version, checksum in rows}
