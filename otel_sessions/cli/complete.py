# SPDX-License-Identifier: Apache-2.0
"""What a shell completes: fields of the language, and ids of sessions; nothing where that fails."""

from __future__ import annotations

import click

from otel_sessions.errors import OtelSessionsError

_MAX_IDS = 50


def fields(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The expression as it is with its last word completed to each field that begins so."""
    from otel_sessions.queries.language.fields import FIELDS  # noqa: PLC0415

    before, blank, word = incomplete.rpartition(" ")
    negation = "-" if word.startswith("-") else ""
    begun = word.removeprefix("-")
    names = [
        name
        for field in FIELDS.values()
        for name in (
            [f"{field.name}:{each}" for each in field.words] or [field.name if field.is_keyed else f"{field.name}:"]
        )
    ]
    return [f"{before}{blank}{negation}{name}" for name in names if name.startswith(begun)]


def session_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The ids that begin so, of the sessions that were active last."""
    from otel_sessions.cli.access import reader_of  # noqa: PLC0415
    from otel_sessions.queries.sessions import ids_beginning  # noqa: PLC0415

    given = ctx.params
    project = given.get("project") or "default"
    try:
        with reader_of(given.get("config") or (), given.get("set_") or ()) as client:
            return ids_beginning(client, project=project, beginning=incomplete, limit=_MAX_IDS)
    except OtelSessionsError:
        return []
