# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions migrate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import configuration, loaded

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.clickhouse.client import Endpoint
    from otel_sessions.config import Config


@click.command("migrate", cls=Command)
@configuration
@click.option("--dry-run", is_flag=True, help="Print the SQL that would run, and change nothing.")
def migrate(config: tuple[Path, ...], set_: tuple[str, ...], dry_run: bool) -> None:
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

    settings = loaded(config, set_)
    endpoint = endpoint_of(settings)
    if _is_served_whole(settings, endpoint):
        lines = []
    elif dry_run and endpoint.path is not None and not endpoint.path.is_dir():
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
    click.echo("\n".join(lines) or f"nothing to do: {endpoint} has the tables of this version")


def _is_served_whole(config: Config, endpoint: Endpoint) -> bool:
    """Whether a service that runs has the embedded data, and their tables are of this version, as far as it tells."""
    from otel_sessions.cli.access import owner_of, reader  # noqa: PLC0415
    from otel_sessions.errors import OtelSessionsError  # noqa: PLC0415
    from otel_sessions.sessions import migrations as schema  # noqa: PLC0415

    if not endpoint.embedded or not owner_of(endpoint):
        return False
    try:
        with reader(config) as client:
            return not schema.pending(client, endpoint.database)
    except OtelSessionsError:
        return False  # what is wrong is said where the data are opened


@contextmanager
def _client(endpoint: Endpoint) -> Iterator[Client]:
    """A client of the whole server; embedded data belong to this process meanwhile."""
    from otel_sessions.clickhouse.client import connect  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import writing  # noqa: PLC0415
    from otel_sessions.lock import DataInUse, DataLock  # noqa: PLC0415

    lock = None
    if endpoint.path is not None:
        try:
            lock = DataLock(endpoint.path)
        except DataInUse as error:
            message = f"{error}; a service that runs has brought its tables to its own version when it started"
            raise DataInUse(message) from error
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
