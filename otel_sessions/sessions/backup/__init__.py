# SPDX-License-Identifier: Apache-2.0
"""The embedded database as files of ClickHouse's own backup, made while it is written to, and back."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from otel_sessions.clickhouse.chunks import Progress
from otel_sessions.clickhouse.sql import statement
from otel_sessions.sessions import migrations
from otel_sessions.sessions.rebuild import everything

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def save(client: Client, directory: Path) -> None:
    """Writes all tables into a directory that is not there yet; whoever has the data writes it.

    Each table is as it was at one moment, and the tables are of moments that follow each other: see `restore`.
    """
    client.command(statement(__package__, "save"), parameters={"directory": str(directory)}, use_database=False)


def restore(client: Client, database: str, directory: Path) -> Generator[Progress, None, int]:
    """Brings the tables of a backup into an engine that has none, and to this version; how many spans there are.

    What is behind the sessions is made anew from the spans, as inserts that ran when the backup was made may have
    reached some of its tables and not others. Raises `SchemaError` where the backup is of a newer version.
    """
    client.command(statement(__package__, "restore"), parameters={"directory": str(directory)}, use_database=False)
    migrations.apply(client, database)
    return (yield from everything(client))
