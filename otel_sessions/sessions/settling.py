# SPDX-License-Identifier: Apache-2.0
"""Exact figures at once, for decisions that stay: what is told of a session, and whether it is kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from otel_sessions.clickhouse.chunks import batched
from otel_sessions.clickhouse.errors import writing
from otel_sessions.sessions import attribution, deletion

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_CHUNK: Final = 10_000


def settle(client: Client, sessions: Collection[deletion.SessionKey]) -> None:
    """Corrects those traces of these sessions that are in doubt and that nobody has corrected yet.

    Receivers do so a moment after each insert. On a busy machine the moment may be long, and a receiver that was killed
    does it at its next start. Raises `Retryable`, `SchemaError` or `Permanent`.
    """
    if not sessions:
        return
    with writing("putting sessions right before they are decided on"):
        traces = list(deletion.traces_of(client, sessions))
        for some in batched(traces, _CHUNK):
            doubts = attribution.doubtful(client, some)
            attribution.correct_doubts(client, doubts)
