# SPDX-License-Identifier: Apache-2.0
"""The parts that tables have now.

A part never changes, and no name is given twice while the embedded engine runs (see `remembered`), so what was once
read of a part need not be read again. One look at the parts serves all that a request knows in this way: it is one
short statement, after which the next request sees what the last one wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from otel_sessions.clickhouse.client import is_embedded
from otel_sessions.queries import keyed
from otel_sessions.queries.rows import select

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

TURNS: Final = "_session_turns"
Parts = Mapping[str, Mapping[str, int]]
"""By table its parts, each by its path, which ends with its name, with how many rows it has."""


def parts_of(client: Client, tables: Sequence[str]) -> Parts | None:
    """The parts of these tables; None where parts do not tell what has changed, as those of a server."""
    client = keyed.bare(client)
    if not is_embedded(client):
        return None
    found: dict[str, dict[str, int]] = {table: {} for table in tables}
    for row in select(client, "stored_parts", {"tables": list(tables)}):
        found[row["Table"]][row["Path"].rstrip("/")] = int(row["Rows"])
    return found
