# SPDX-License-Identifier: Apache-2.0
"""What people add to a session, written; `queries.additions` reads it. Scores are in `sessions.scores`.

Every function raises `Retryable`, `SchemaError` or `Permanent`. What is written is there for the next read, and the
same once more changes nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import OtelSessionsError

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

MAX_NAME: Final = 1_024
"""Characters of what people call something in a body: scores, categories, columns of views."""
MAX_PATH_NAME: Final = 8_192
"""Characters of what they call something in a path: labels, ids of scores, configurations, saved views."""
COPIES_END: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Until when copies of frozen links are kept at the latest: the time to live of a row ends soon after."""
_COPIES: Final = {"_turn_minutes": "_shared_turns", "session_spans": "_shared_spans"}
"""What a frozen link copies, and where to."""


def set_bookmark(client: Client, *, project: str, session_id: str, wanted: bool) -> None:
    """Stars the session, or takes the star back."""
    _run(client, "bookmark", project=project, session_id=session_id, is_deleted=int(not wanted))


def set_label(client: Client, *, project: str, session_id: str, label: str, wanted: bool) -> None:
    """Gives the session the label, or takes it away."""
    _run(client, "label", project=project, session_id=session_id, label=label, is_deleted=int(not wanted))


def comment(
    client: Client,
    *,
    project: str,
    session_id: str,
    text: str,
    created_at: datetime,
    trace_id: str = "",
    span_id: str = "",
) -> str:
    """Stores a comment, and returns its id."""
    comment_id = secrets.token_hex(8)
    _run(
        client,
        "comment",
        project=project,
        session_id=session_id,
        comment_id=comment_id,
        trace_id=trace_id,
        span_id=span_id,
        text=text,
        created_at=_time(created_at),
        is_deleted=0,
    )
    return comment_id


def delete_comment(client: Client, *, project: str, session_id: str, comment_id: str) -> None:
    nothing = {"trace_id": "", "span_id": "", "text": "", "created_at": "1970-01-01 00:00:00"}
    _run(client, "comment", project=project, session_id=session_id, comment_id=comment_id, is_deleted=1, **nothing)


def publish(
    client: Client,
    *,
    project: str,
    session_id: str,
    expires_at: datetime | None = None,
    is_frozen: bool = False,
    hide: Sequence[str] = (),
    hide_roles: Sequence[str] = (),
) -> str:
    """Makes a link to the session, and returns its token of 128 random bits; only the hash of it is stored.

    A frozen one has a copy of the session as it is now, until `COPIES_END` at the latest.
    """
    token = secrets.token_urlsafe(16)
    link = {"token_hash": token_hash(token), "project": project, "session_id": session_id}
    expires = _time(expires_at) if expires_at else None
    if is_frozen:
        try:
            for source, into in _COPIES.items():
                _run(client, "freeze", source=source, into=into, expires_at=expires or _time(COPIES_END), **link)
        except OtelSessionsError:
            _forget_copies(client, **link)
            raise
    options = {"is_frozen": int(is_frozen), "hide": list(hide), "hide_roles": list(hide_roles)}
    _run(client, "publish", expires_at=expires, **link, **options)
    return token


def unpublish(client: Client, *, project: str, session_id: str) -> None:
    """Takes every link to the session back, for good."""
    _run(client, "unpublish", project=project, session_id=session_id)
    _forget_copies(client, project=project, session_id=session_id)


def _forget_copies(client: Client, *, project: str, session_id: str, token_hash: str = "") -> None:
    """Those of one link, or of all that are to the session."""
    for table in _COPIES.values():
        _run(client, "forget_copies", table=table, project=project, session_id=session_id, token_hash=token_hash)


def token_hash(token: str) -> str:
    """What is stored of the token of a link."""
    return hashlib.sha256(token.encode()).hexdigest()


def save_view(
    client: Client, *, project: str, name: str, query: str, sort: str = "", order: str = "", columns: Sequence[str] = ()
) -> None:
    """Saves a query under a name, in place of what had it; empty texts are defaults."""
    saved = {"query": query, "sort": sort, "order": order, "columns": list(columns)}
    _run(client, "view", project=project, name=name, is_deleted=0, **saved)


def delete_view(client: Client, *, project: str, name: str) -> None:
    _run(client, "view", project=project, name=name, is_deleted=1, query="", sort="", order="", columns=[])


def save_score_config(
    client: Client,
    *,
    project: str,
    name: str,
    data_type: str,
    min_value: float | None = None,
    max_value: float | None = None,
    categories: Sequence[Mapping[str, Any]] = (),
    description: str = "",
    is_archived: bool = False,
) -> None:
    """Says what scores of a name have to be, in place of what was said; `categories` have `value` and `label`."""
    bounds = {"min_value": min_value, "max_value": max_value, "categories": orjson.dumps(list(categories)).decode()}
    said = {"data_type": data_type, "description": description, "is_archived": int(is_archived)}
    _run(client, "score_config", project=project, name=name, is_deleted=0, **bounds, **said)


def delete_score_config(client: Client, *, project: str, name: str) -> None:
    nothing = {"data_type": "", "min_value": None, "max_value": None, "categories": "", "description": ""}
    _run(client, "score_config", project=project, name=name, is_deleted=1, is_archived=0, **nothing)


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _run(client: Client, name: str, /, **parameters: Any) -> None:
    with writing("storing what people add"):
        client.command(statement(__package__, name), parameters=parameters, settings=settings(client))
