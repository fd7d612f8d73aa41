# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions query`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_sessions.cli.commands import Argument, Command
from otel_sessions.cli.options import configuration

if TYPE_CHECKING:
    from otel_sessions.clickhouse.client import Endpoint


@click.command("query", cls=Command)
@click.argument("sql", cls=Argument, metavar="SQL", about="One statement; - reads it from standard input.")
@click.option(
    "--format",
    "format_",
    metavar="FORMAT",
    help="A ClickHouse format, as in JSONEachRow, CSVWithNames or Parquet. By default PrettyCompactMonoBlock on a "
    "terminal and TabSeparatedWithNames otherwise; a FORMAT in the statement comes first.",
)
@configuration
def query(sql: str, format_: str | None, config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Run SQL over the stored spans and sessions, and write its result to standard output.

    Goes through the running service where that owns the embedded data, and to the server of the configuration
    otherwise; without either it opens the embedded data itself. Embedded data can only be read.

    \b
    Examples:
      otel-sessions query "SELECT SessionId, Cost FROM sessions ORDER BY Cost DESC LIMIT 10"
      otel-sessions query "SELECT * FROM session_spans" --format Parquet > spans.parquet
      otel-sessions query - < report.sql
    """
    from otel_sessions.cli.access import endpoint_to_ask  # noqa: PLC0415

    if format_ is not None and not re.fullmatch(r"\w+", format_, re.ASCII):
        raise click.BadParameter(f"{format_!r} is not the name of a format", param_hint="--format")
    terminal = sys.stdout.isatty()
    endpoint = endpoint_to_ask(config, set_)
    text = sys.stdin.read() if sql == "-" else sql
    for piece in _result(
        endpoint, text, format_ or ("PrettyCompactMonoBlock" if terminal else "TabSeparatedWithNames")
    ):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _result(endpoint: Endpoint, sql: str, format_: str) -> Iterator[bytes]:
    from otel_sessions.cli import access, http_sql  # noqa: PLC0415

    server = access.served_at(endpoint)
    if server is not None:
        yield from http_sql.run(server, sql, format_)
        return
    from otel_sessions.clickhouse.errors import reading  # noqa: PLC0415
    from otel_sessions.sqlguard.all_projects import ReadGuard  # noqa: PLC0415

    with access.embedded(endpoint) as client:
        read = ReadGuard(endpoint.database).check(client, sql)
        with reading():
            yield read.run(client, format_)
