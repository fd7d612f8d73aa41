# SPDX-License-Identifier: Apache-2.0
"""What a correction need not read of traces that are as most are: each span of them came once, and nobody has corrected
them yet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from otel_sessions.clickhouse.sql import statement

_BY_COUNT: Final[Mapping[str, str]] = MappingProxyType(
    {"../parts/spans_by_the_rule": "spans_once_by_the_rule", "claimed": "claimed_once"}
)
"""Parts of statements, and what says the same by what was counted of the traces."""
_OF_OTHERS: Final = ("copied", "corrected_before")
"""Parts that look for what earlier corrections have made."""


def shortened(sql: str, *, once: bool, are_new: bool) -> str:
    """The same statement for traces whose spans had come `once` each when they were counted, or that no correction in
    force covers, as they `are_new`."""
    for read, counted in _BY_COUNT.items() if once else ():
        sql = sql.replace(statement(__package__, read), statement(__package__, counted))
    for name in _OF_OTHERS if are_new else ():
        sql = sql.replace(statement(__package__, name), "")
    return sql
