# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions mcp`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import loaded

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.config import Config

T = TypeVar("T")


@click.command("mcp", cls=Command)
@options.project
@options.configuration
def mcp(project: str, config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Serve the sessions to a model as tools, over standard input and output: the Model Context Protocol.

    Six tools that only read: find_sessions, read_session, read_step, metrics, query_sql, fields. Goes through the
    running service where that owns the embedded data, and opens the data itself otherwise. A service offers the same
    over HTTP, at /mcp of its pages.

    \b
    Examples:
      claude mcp add otel-sessions -- otel-sessions mcp
      otel-sessions mcp --config config.yaml --project shop
    """
    from otel_sessions.extensions.web.mcp.http import MISSING, is_installed  # noqa: PLC0415

    if not is_installed():
        from otel_sessions.errors import Permanent  # noqa: PLC0415

        raise Permanent(MISSING)
    import anyio  # noqa: PLC0415

    anyio.run(_serve, loaded(config, set_), project)


async def _serve(config: Config, project: str) -> None:
    """Serves until standard input ends. Each call opens the data anew, one call at a time: services come and go."""
    import anyio  # noqa: PLC0415
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    from otel_sessions.extensions.web.mcp.server import make_server  # noqa: PLC0415

    turn = anyio.Lock()

    async def run(work: Callable[[Client], T]) -> T:
        async with turn:
            return await anyio.to_thread.run_sync(_read, config, work)

    server = make_server(run, lambda _: project)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _read(config: Config, work: Callable[[Client], T]) -> T:
    """Returns or raises what `work` does; `Retryable` where there is nothing to open now."""
    from otel_sessions.cli.access import NoData, reader  # noqa: PLC0415
    from otel_sessions.errors import OtelSessionsError, Retryable  # noqa: PLC0415
    from otel_sessions.queries.limits import limited  # noqa: PLC0415

    opened = False
    try:
        with limited(), reader(config) as client:
            opened = True
            return work(client)
    except OtelSessionsError as error:
        if opened and not isinstance(error, NoData):
            raise
        raise Retryable(str(error)) from error
