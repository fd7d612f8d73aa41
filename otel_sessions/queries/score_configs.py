# SPDX-License-Identifier: Apache-2.0
"""What scores of a name have to be; `sessions.additions` writes it, and whoever stores scores by REST is held to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from otel_sessions.queries.paging import Page, decode, page
from otel_sessions.queries.rows import Row, as_json, select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client


def list_configs(client: Client, *, project: str, limit: int, cursor: str | None = None) -> Page:
    """The configurations by name, as REST shows them: `name`, `data_type`, `min_value`, `max_value`, `categories` (of
    `value` and `label`), `description`, `is_archived`, `created_at`, `updated_at`.
    """
    list_ = ["score configs", project]
    (behind,) = decode(list_, cursor) if cursor else ("",)
    rows = select(client, "score_configs", {"project": project, "name": "", "behind": behind, "limit": limit + 1})
    found = page(rows, limit, list_, lambda row: (row["Name"],))
    return Page([_shown(row) for row in found.rows], found.next_cursor)


def one(client: Client, *, project: str, name: str) -> Row | None:
    """The configuration of this name as `list_configs` has it; None if there is none."""
    rows = select(client, "score_configs", {"project": project, "name": name, "behind": "", "limit": 1})
    return _shown(rows[0]) if rows else None


def _shown(row: Row) -> Row:
    shown = as_json(row)
    return {**shown, "categories": orjson.loads(row["Categories"] or "[]"), "is_archived": bool(row["IsArchived"])}
