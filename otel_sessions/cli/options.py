# SPDX-License-Identifier: Apache-2.0
"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from otel_sessions.clickhouse.chunks import Period
    from otel_sessions.config import Config

F = TypeVar("F", bound=Callable[..., Any])
_files = click.option(
    "--config",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="A configuration file; repeat it to merge several, the last wins. Without one, the built-in default.",
)
_sets = click.option(
    "--set",
    "set_",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change one value, as in receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0. Repeatable.",
)
as_json = click.option("--json", "json_", is_flag=True, help="Print JSON instead of a table.")
project = click.option("--project", default="default", metavar="NAME", help="The project whose sessions to read.")
stored_from = click.option(
    "--from",
    "start",
    metavar="TIME",
    help="Only traces of which spans were stored at this time (RFC 3339) or later.",
)
stored_to = click.option(
    "--to", "end", metavar="TIME", help="Only traces of which spans were stored at this time or earlier."
)
active_from = click.option(
    "--from", "from_", metavar="TIME", help="Only sessions that were active at this time or later."
)
active_to = click.option("--to", metavar="TIME", help="Only sessions that were active at this time or earlier.")
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2106, 1, 1, tzinfo=UTC)  # `ReceivedAt` ends soon after


def configuration(command: F) -> F:
    """The options `--config` and `--set` of a command, of which `loaded` makes the configuration."""
    return _files(_sets(command))


def loaded(files: Sequence[Path] = (), sets: Sequence[str] = (), *, to_serve: bool = False) -> Config:
    """The configuration of these options; raises `ConfigError`."""
    from otel_sessions.footprint import keep_pandas_out  # noqa: PLC0415

    keep_pandas_out()
    from otel_sessions.config import load  # noqa: PLC0415

    return load(files, sets, to_serve=to_serve)


def period(start: str | None, end: str | None) -> Period | None:
    """None without either. A time without an offset from UTC is a usage error."""
    from otel_sessions.clickhouse.chunks import Period  # noqa: PLC0415

    if start is None and end is None:
        return None
    return Period(_FIRST if start is None else _moment(start, "--from"), _LAST if end is None else _moment(end, "--to"))


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter(f"{text!r} is not a time as in 2026-01-31T12:00:00Z", param_hint=option)
    return moment
