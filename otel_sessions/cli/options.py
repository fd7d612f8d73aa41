# SPDX-License-Identifier: Apache-2.0
"""Options that several commands take."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from otel_sessions.clickhouse.chunks import Period
    from otel_sessions.config import Config

ConfigFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A configuration file; repeat it to merge several, the last wins. Without one, the built-in default.",
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change one value, as in receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0. Repeatable.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Project = Annotated[str, typer.Option("--project", help="The project whose sessions to read.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Only traces of which spans were stored at this time (RFC 3339) or later."
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Only traces of which spans were stored at this time or earlier."),
]
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2106, 1, 1, tzinfo=UTC)  # `ReceivedAt` ends soon after


def loaded(files: list[Path] | None, sets: list[str] | None, *, to_serve: bool = False) -> Config:
    """The configuration of these options; raises `ConfigError`."""
    from otel_sessions.footprint import keep_pandas_out  # noqa: PLC0415

    keep_pandas_out()
    from otel_sessions.config import load  # noqa: PLC0415

    return load(files or [], sets or [], to_serve=to_serve)


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
        raise typer.BadParameter(f"{text!r} is not a time as in 2026-01-31T12:00:00Z", param_hint=option)
    return moment
