# SPDX-License-Identifier: Apache-2.0
"""Spans of a session, whole or with their texts cut, in pages that are bounded in bytes as well as in rows.

Which spans are on a page is found by narrow columns; texts are read after, of these alone, up to
`_PAGE` bytes, in the parts of the table in which they were found. Texts are cut by the engine, before anything gathers
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from otel_sessions.queries import keyed
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.paging import Page, decode, encode
from otel_sessions.queries.rows import Row, composed, run
from otel_sessions.queries.shapes import Beginning

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

INTERNAL: Final = frozenset(
    {"SessionHint", "ClaimLevel", "ClaimId", "ClaimKey"} | {"StartTimeUnixNano", "EndTimeUnixNano"}
)
"""Columns of spans that say how the service works, not what the span is; REST does not show them."""
_FIRST: Final = ("1900-01-01 00:00:00", "", "")
_LONG: Final = "_Long."
_PAGE: Final = 8 << 20
"""Bytes of a page, as in `list_spans.sql`."""

Key = tuple[str, str, str]
"""Start, trace and id of a span."""


def columns(preview: int | None) -> str:
    """The list of a SELECT that has all columns of spans, texts cut to so many characters."""
    return "*" if preview is None else composed("span_cut")


def list_spans(
    client: Client,
    *,
    project: str,
    session_id: str,
    limit: int,
    cursor: str | None = None,
    preview: int | None = None,
) -> Page:
    """Its spans by their start, in the columns of the view `session_spans`, less those that are the service's own.

    A page ends sooner where it would have more than some MiB, but not before its first span.
    """
    list_ = ["spans", project, session_id]
    scope = {"project": project, "session_id": session_id}
    behind = dict(zip(("time", "trace_id", "span_id"), decode(list_, cursor) if cursor else _FIRST, strict=True))
    client = client if is_frozen(client) else keyed.remembering(client, {})
    ahead, parts = _ahead(client, {**scope, **behind, "limit": limit + 1})
    rows, last = _read(client, scope, ahead[:limit], preview, parts)
    shown = [shown_span(row) for row in rows]
    return Page(shown, None if last is None or last == ahead[-1] else encode(list_, last))


def get_span(
    client: Client, *, project: str, session_id: str, trace_id: str, span_id: str, preview: int | None = None
) -> Row | None:
    """One span of a session as `list_spans` has it."""
    named = {"project": project, "session_id": session_id, "trace_id": trace_id, "span_id": span_id}
    rows = keyed.select(client, "span", {**named, "preview": preview or 0}, COLUMNS=columns(preview))
    return shown_span(beginnings(rows[0])) if rows else None


def shown_span(row: Mapping[str, Any]) -> Row:
    """A row of `session_spans` without the service's own columns, and with `StartTime` and `EndTime`."""
    shown = {name: value for name, value in row.items() if name not in INTERNAL and not name.startswith("_")}
    return {**shown, "StartTime": row["Timestamp"], "EndTime": row["_EndTime"]}


def _key(row: Row) -> Key:
    return row["Timestamp"], row["TraceId"], row["SpanId"]


def _ahead(client: Client, named: Row) -> tuple[list[Key], list[str]]:
    """The next `limit` spans behind a place, and the parts of the table in which they lie, none where there are several
    tables.
    """
    if is_frozen(client) or keyed.has_corrections(client, named):
        return [_key(row) for row in keyed.select(client, "span_keys", named)], []
    rows = run(client, composed("stored_span_keys", KEYS=keyed.ONE), named)
    return [_key(row) for row in rows], sorted({row["Part"] for row in rows})


def _read(
    client: Client, scope: Row, ahead: Sequence[Key], preview: int | None, parts: Sequence[str]
) -> tuple[list[Row], Key | None]:
    """The first of these spans in full, as many as are read at once, and up to which that is."""
    while ahead:
        ids = {"trace_ids": sorted({key[1] for key in ahead}), "span_ids": [key[2] for key in ahead]}
        rows = _whole(client, {**scope, **ids, "preview": preview or 0}, columns(preview), parts)
        count = next((place for place, key in enumerate(ahead) if key not in rows), len(ahead))
        if parts and count < len(ahead):
            parts = []  # one was merged into another meanwhile
            if sum(len(orjson.dumps(row)) for row in rows.values()) < _PAGE // 2:
                continue
        count = _fitting([rows[key] for key in ahead[:count]])
        if count or len(ahead) == 1:  # one that is alone and missing was deleted meanwhile
            return [beginnings(rows[key]) for key in ahead[:count]], ahead[max(count, 1) - 1]
        ahead = ahead[: len(ahead) // 2]
    return [], None


def _whole(client: Client, named: Row, columns: str, parts: Sequence[str]) -> dict[Key, Row]:
    """These spans, in any order, looked for in these parts, or everywhere; not all where they are too much at once."""
    if parts:
        sql = composed("list_stored_spans", KEYS=keyed.ONE, COLUMNS=columns)
        return {_key(row): row for row in run(client, sql, {**named, "parts": parts})}
    return {_key(row): row for row in keyed.select(client, "list_spans", named, COLUMNS=columns)}


def _fitting(rows: Sequence[Row]) -> int:
    """How many of these a page has: the engine ends where a block of rows does, which may have far more."""
    nbytes = 0
    for count, row in enumerate(rows):
        nbytes += len(orjson.dumps(row))
        if count and nbytes > _PAGE:
            return count
    return len(rows)


def beginnings(row: Row) -> Row:
    """The row with what the engine has cut as `Beginning`, each with the length that it had."""
    for name in [name for name in row if name.startswith(_LONG)]:
        long, column = row.pop(name), name.removeprefix(_LONG)
        if isinstance(long, list):
            for texts, lengths in zip(row[column], long, strict=True):
                texts |= {key: Beginning.of(texts[key], length) for key, length in lengths.items()}
        elif isinstance(long, dict):
            row[column] |= {key: Beginning.of(row[column][key], int(length)) for key, length in long.items()}
        elif long:
            row[column] = Beginning.of(row[column], long)
    return row
