# SPDX-License-Identifier: Apache-2.0
"""Brings the schema to a version, and checks that the table has the columns that are written.

Migrations are numbered `.sql` files, each applied once, its checksum on record. A column that ClickHouse lacks would
fail every insert, and one of another type could change values silently, so the columns are asked once, at the start.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from otel_sessions.clickhouse import sql
from otel_sessions.clickhouse.cluster import Layout, has_shards
from otel_sessions.clickhouse.rows import STORED, TABLE
from otel_sessions.errors import SchemaError
from otel_sessions.pdata.schema import ATTRIBUTES, COST, TIMESTAMP

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# ClickHouse types that take an Arrow column whole, the table's own first.
_ACCEPTS: Final[Mapping[pa.DataType, tuple[str, ...]]] = {
    pa.string(): ("String", "LowCardinality(String)"),
    pa.uint8(): ("UInt8",),
    pa.uint32(): ("UInt32",),
    pa.uint64(): ("UInt64",),
    TIMESTAMP: ("DateTime64(9)", "DateTime64(9, 'UTC')"),
    COST: ("Decimal(38, 12)",),
    ATTRIBUTES: ("Map(LowCardinality(String), String)", "Map(String, String)"),
    pa.list_(pa.string()): ("Array(String)", "Array(LowCardinality(String))"),
    pa.list_(pa.uint32()): ("Array(UInt32)",),
    pa.list_(TIMESTAMP): ("Array(DateTime64(9))", "Array(DateTime64(9, 'UTC'))"),
    pa.list_(ATTRIBUTES): ("Array(Map(LowCardinality(String), String))", "Array(Map(String, String))"),
}
_LEDGER: Final = "_schema_migrations"
_OLD_LEDGER: Final = "schema_migrations"
_MAKE_LEDGER: Final = """CREATE TABLE IF NOT EXISTS _schema_migrations
(
    Version UInt32,
    Name String,
    Checksum String,
    AppliedAt DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(AppliedAt)
ORDER BY Version
COMMENT 'Internal: the migrations that this database has had'"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, as in `0001_otel_traces.sql`: statements that each end with a semicolon at the end of a line.

    `inlined` says by the names of views what these read, as `m`. On one server other views read that, as a view in a
    view is planned dearer; on a cluster they have the name, which stands for all shards.
    """

    version: int
    name: str
    sql: str
    inlined: Mapping[str, str] = field(default_factory=dict)

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(text.strip() for text in self.sql.split(";\n") if text.strip())


def read(package: str) -> tuple[Migration, ...]:
    """The migrations among the files of `package`, oldest first."""
    found = sorted(Path(str(files(package))).glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return tuple(Migration(int(path.name[:4]), path.stem, sql.read(path)) for path in found)


def pending(
    client: Client, database: str, known: Sequence[Migration], layout: Layout | None = None
) -> tuple[Migration, ...]:
    """Those of the migrations `known` that this database has not had; changes nothing. `layout` is that of a cluster.

    Raises `SchemaError` where one that it had is not the one of this version, or is newer than this version knows, and
    where the database of a cluster is asked for and it is that of one server, or the other way round.
    """
    applied = {}  # the checksums of the migrations that the database has had, by version
    if ledger := _ledger(client, database):
        rows = client.query(
            "SELECT Version, Checksum FROM {database:Identifier}.{ledger:Identifier} FINAL",
            parameters={"database": database, "ledger": ledger},
        ).result_rows
        applied = {int(version): str(checksum) for version, checksum in rows}
    sharded = bool(applied) and has_shards(client, database)
    if sharded and layout is None:
        raise SchemaError(f"database {database} is one of a cluster; say which, as exporters.clickhouse.cluster")
    if applied and layout is not None and not sharded:
        raise SchemaError(
            f"database {database} has the tables of one server, not of the cluster {layout.name}: "
            "name another database in the endpoint"
        )
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


def apply(
    client: Client, database: str, known: Sequence[Migration], layout: Layout | None = None
) -> tuple[Migration, ...]:
    """Makes the database if need be and applies what is pending of `known`; returns what was applied.

    Idempotent, also when it was cut short: each statement may run again. The client's current database is then
    this one.
    """
    client.command(_make_database(database, layout), use_database=False)
    client.database = database
    if _ledger(client, database) == _OLD_LEDGER:
        client.command(f"RENAME TABLE {_OLD_LEDGER} TO {_LEDGER}")
    for statement in layout.render(_MAKE_LEDGER) if layout else (_MAKE_LEDGER,):
        client.command(statement)
    missing = pending(client, database, known, layout)
    for migration in missing:
        for statement in _statements(migration, layout):
            client.command(statement)
        client.command(
            "INSERT INTO _schema_migrations (Version, Name, Checksum) "
            "SELECT {version:UInt32}, {name:String}, {checksum:String}",
            parameters={"version": migration.version, "name": migration.name, "checksum": migration.checksum},
        )
    return missing


def script(missing: Sequence[Migration], database: str, layout: Layout | None = None) -> str:
    """The SQL that `apply` would run, to read."""
    if not missing:
        return ""
    parts = [f"{_make_database(database, layout)};\nUSE `{database}`;"]
    for migration in missing:
        made = "\n\n".join(f"{statement};" for statement in _statements(migration, layout))
        parts.append(f"-- {migration.name}\n{made}")
    return "\n\n".join(parts)


def actual(client: Client, table: str = TABLE) -> dict[str, str]:
    """Column names and types of a table of the client's database, in order."""
    rows = client.query(
        "SELECT name, type FROM system.columns "
        "WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
        parameters={"table": table},
    ).result_rows
    return {str(name): str(type_) for name, type_ in rows}


def check(client: Client) -> None:
    """Raises `SchemaError` that names every column of `rows.STORED` that is missing or has another type."""
    columns = actual(client)
    if not columns:
        raise SchemaError(f"there is no table {TABLE}; run `otel-sessions migrate`")
    wrong = [
        f"{field.name} is {columns.get(field.name, 'missing')}, not {' or '.join(_ACCEPTS[field.type])}"
        for field in STORED
        if columns.get(field.name) not in _ACCEPTS[field.type]
    ]
    if wrong:
        raise SchemaError(f"table {TABLE} is not the one of this version: {'; '.join(wrong)}")


def _make_database(database: str, layout: Layout | None) -> str:
    return layout.make_database() if layout else f"CREATE DATABASE IF NOT EXISTS `{database}`"


def _statements(migration: Migration, layout: Layout | None) -> list[str]:
    if layout:
        return [made for text in migration.statements for made in layout.render(text)]
    return [_inlined(text, migration.inlined) for text in migration.statements]


def _inlined(statement: str, views: Mapping[str, str]) -> str:
    if not re.search(r"^CREATE OR REPLACE VIEW ", statement, re.MULTILINE):
        return statement
    for name, text in views.items():
        statement = statement.replace(f"FROM {name} AS m\n", f"FROM {text}\n")
    return statement


def _ledger(client: Client, database: str) -> str:
    """The table that says which migrations the database has had, by the name it has there; empty without one."""
    rows = client.query(
        "SELECT name FROM system.tables WHERE database = {database:String} AND name IN {names:Array(String)} "
        "ORDER BY name",
        parameters={"database": database, "names": [_LEDGER, _OLD_LEDGER]},
    ).result_rows
    return str(rows[0][0]) if rows else ""
