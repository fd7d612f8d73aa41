# SPDX-License-Identifier: Apache-2.0
"""Members of REST as texts of SQL, for answers of which the database writes the JSON itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otel_sessions.queries.detail import INTERNAL
from otel_sessions.queries.rows import NESTED, member_of

AS_REST: Final[Mapping[str, Any]] = {"date_time_output_format": "iso", "output_format_json_validate_utf8": 1}
"""Settings with which `JSONEachRow` writes times and texts as REST does."""


def span_members(columns: Mapping[str, str]) -> str:
    """The list of a SELECT that makes of columns of `session_spans`, given with their types, the members of a span."""
    return ", ".join(f"{value} AS {name}" for name, value in _members(columns))


def _members(columns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for prefix in NESTED:
        inside = {name: type_ for name, type_ in columns.items() if name.startswith(prefix)}
        if inside:
            yield prefix[:-1].lower(), _objects(prefix, inside)
    for name in columns:
        if not (name == "Project" or name in INTERNAL or name.startswith(NESTED)):
            yield member_of(name), f"`{name}`"
    yield from (("start_time", "Timestamp"), ("end_time", "_EndTime"))


def _objects(prefix: str, columns: Mapping[str, str]) -> str:
    """A list of objects of columns that are lists."""
    given = [f"_{number}" for number in range(len(columns))]
    types = (type_.removeprefix("Array(").removesuffix(")") for type_ in columns.values())
    names = (member_of(name.removeprefix(prefix)) for name in columns)
    objects = ", ".join(f"{name} {type_}" for name, type_ in zip(names, types, strict=True))
    lists = ", ".join(f"`{name}`" for name in columns)
    return f"arrayMap(({', '.join(given)}) -> CAST(({', '.join(given)}), 'Tuple({objects})'), {lists})"
