"""`otel-sessions migrate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from otel_sessions.cli.options import ConfigFiles, Sets, loaded

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.clickhouse.client import Endpoint
    from otel_sessions.lock import DataLock

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the SQL that would run, and change nothing.")]


def migrate(config: ConfigFiles = None, set_: Sets = None, dry_run: DryRun = False) -> None:
    """Bring the tables in ClickHouse to this version; makes the database if it is not there.

    Running it again changes nothing. A service whose exporter has `create_schema: true`, the default, does the same
    when it starts. With `cluster` in the exporter the tables are made at every server of it.

    \b
    Examples:
      otel-sessions migrate --config config.yaml --dry-run
      otel-sessions migrate --config config.yaml
    """
    from otel_sessions.cli.access import endpoint_of  # noqa: PLC0415
    from otel_sessions.sessions import migrations as schema  # noqa: PLC0415

    endpoint = endpoint_of(loaded(config, set_))
    if dry_run and endpoint.path is not None and not endpoint.path.is_dir():
        lines = [schema.script(schema.migrations(), endpoint.database)]
    else:
        with _client(endpoint) as client:
            if dry_run:
                missing = schema.pending(client, endpoint.database, endpoint.cluster)
                layout = schema.layout(endpoint.database, endpoint.cluster)
                lines = [schema.script(missing, endpoint.database, layout)] if missing else []
            else:
                applied = schema.apply(client, endpoint.database, endpoint.cluster)
                lines = [f"applied {each.name} to {endpoint}" for each in applied]
    typer.echo("\n".join(lines) or f"nothing to do: {endpoint} has the tables of this version")


@contextmanager
def _client(endpoint: Endpoint) -> Iterator[Client]:
    """Of the whole server; embedded data are this process's own meanwhile."""
    from otel_sessions.clickhouse.client import connect  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import writing  # noqa: PLC0415

    lock = _locked(endpoint)
    try:
        with writing(f"migrating {endpoint}"):
            client = connect(endpoint)
            try:
                yield client
            finally:
                client.close()
    finally:
        if lock is not None:
            lock.release()


def _locked(endpoint: Endpoint) -> DataLock | None:
    from otel_sessions.lock import DataInUse, DataLock  # noqa: PLC0415

    if endpoint.path is None:
        return None
    try:
        return DataLock(endpoint.path)
    except DataInUse as error:
        message = f"{error}; a service that runs has brought its tables to its own version when it started"
        raise DataInUse(message) from error
