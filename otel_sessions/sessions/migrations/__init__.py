"""The schema of this version: the numbered files beside this, and how to bring a database to them."""

from __future__ import annotations

from functools import cache

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import schema
from otel_sessions.clickhouse.schema import Migration, script

__all__ = ["Migration", "apply", "migrations", "pending", "script"]


@cache
def migrations() -> tuple[Migration, ...]:
    """All there are, oldest first."""
    return schema.read(__name__)


def pending(client: Client, database: str) -> tuple[Migration, ...]:
    """Those that this database has not had, see `schema.pending`."""
    return schema.pending(client, database, migrations())


def apply(client: Client, database: str) -> tuple[Migration, ...]:
    """Makes the database if need be and applies what is pending, see `schema.apply`; returns what was applied."""
    return schema.apply(client, database, migrations())
