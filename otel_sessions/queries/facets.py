# SPDX-License-Identifier: Apache-2.0
"""The values of a field with how many sessions have each, of the sessions that a filter chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import QueryError
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.language import FIELDS
from otel_sessions.queries.language.fields import near_fields
from otel_sessions.queries.rows import Row, composed, run, sections

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

COUNTED: Final = tuple(each.shown_name for each in FIELDS.values() if each.type in ("texts", "any"))
"""The fields whose values are counted, as several sessions share one. An id is that of one session, a number or a time
that of few, and how many `has:error` chooses a list with that query says."""
_ONCE: Final = frozenset({"column", "metadata"})
"""Sources that have each pair of a session and a value once."""


class FacetError(QueryError):
    """A field whose values cannot be counted: HTTP 400. `did_you_mean` has the known ones near it."""

    def __init__(self, message: str, did_you_mean: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.did_you_mean = tuple(did_you_mean)


def facets(
    client: Client, *, project: str, field: str, limit: int, chosen: Filter | None = None, now_ns: int
) -> list[Row]:
    """`Value` and `Count` (of sessions), the greatest first; `field` is one of `COUNTED`.

    Raises `FacetError`, `LanguageError`.
    """
    head, _, key = field.partition(".")
    found = FIELDS.get(field) or FIELDS.get(f"{head}.")
    if found is None or (found.is_keyed and not key) or found.type not in ("texts", "any"):
        near = [each for each in near_fields(field) if each in COUNTED]
        also = f"; did you mean {' or '.join(near)}?" if near else ""
        raise FacetError(f"the values of {field!r} are not counted; of {', '.join(COUNTED)} they are{also}", near)
    known, key = found, key.removeprefix('"').removesuffix('"') if key else ""
    condition = (chosen or Filter()).condition(now_ns)
    name = "column" if known.column else known.name.rstrip(".")
    sources = sections(statement(f"{__package__}.sql", "facet_sources"))
    source = sources[name].replace("COLUMN", known.column).replace("CONDITION", condition.sql)
    counted = "count()" if name in _ONCE else "uniqExact(SessionId)"
    sql = composed("facets", SOURCE=source, COUNTED=counted)
    bound: dict[str, Any] = {
        "project": project,
        "limit": limit,
        **({"key": key} if key else {}),
        **condition.parameters,
    }
    return run(client, sql, bound)


def versions(
    client: Client, *, project: str, keys: Sequence[str], limit: int, chosen: Filter, now_ns: int
) -> list[Row]:
    """`Field`, `Value` and `Count` (of sessions) of these attributes, as `attr.KEY`, and of each `tool definition`.

    At most `limit` of a field, the greatest first. Raises `LanguageError`.
    """
    condition = chosen.condition(now_ns)
    bound = {"project": project, "keys": list(keys), "limit": limit, **condition.parameters}
    return run(client, composed("versions", CONDITION=condition.sql), bound)
