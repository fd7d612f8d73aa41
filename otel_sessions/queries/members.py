# SPDX-License-Identifier: Apache-2.0
"""Members of REST as texts of SQL, for answers of which the database writes the JSON itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otel_sessions.queries.rows import NESTED, member_of
from otel_sessions.queries.spans import INTERNAL

AS_REST: Final[Mapping[str, Any]] = {"date_time_output_format": "iso", "output_format_json_validate_utf8": 1}
"""Settings with which `JSONEachRow` writes times and texts as REST does."""


def span_members(columns: Mapping[str, str]) -> str:
    """The list of a SELECT that makes of columns of `session_spans`, given with their types, the members of a span."""
    members = {}
    for prefix in NESTED:
        inside = {name: type_ for name, type_ in columns.items() if name.startswith(prefix)}
        if inside:
            given = [f"_{number}" for number in range(len(inside))]
            types = (type_.removeprefix("Array(").removesuffix(")") for type_ in inside.values())
            names = (member_of(name.removeprefix(prefix)) for name in inside)
            objects = ", ".join(f"{name} {type_}" for name, type_ in zip(names, types, strict=True))
            lists = ", ".join(f"`{name}`" for name in inside)
            members[prefix[:-1].lower()] = (
                f"arrayMap(({', '.join(given)}) -> CAST(({', '.join(given)}), 'Tuple({objects})'), {lists})"
            )
    for name in columns:
        if not (name == "Project" or name in INTERNAL or name.startswith(NESTED)):
            members[member_of(name)] = f"`{name}`"
    members |= {"start_time": "Timestamp", "end_time": "_EndTime"}
    return ", ".join(f"{value} AS {name}" for name, value in members.items())
