# SPDX-License-Identifier: Apache-2.0
"""Which sessions go on from one.

Most stores have no session that says so. There it is remembered of each part of the turns that no row of it does: a
request reads what is new of these parts, and asks nothing where there is nothing new.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from otel_sessions.clickhouse.at_once import owner_of
from otel_sessions.queries import keyed
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.rows import select
from otel_sessions.queries.stored_parts import TURNS, Parts

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_FOLLOWING: Final = 20
_MOST_ROWS: Final = 2_000_000
"""Of parts that are read in one go: 0.3 us of CPU each. A larger part is never read, but its index asked each time."""
_FEW_ROWS: Final = 100_000
"""Of parts that were not there at the last look: larger ones are read at the next, as a command looks but once."""
_MOST_PARTS: Final = 500
"""Whose names are bound to a statement."""


def next_sessions(client: Client, project: str, session_id: str, parts: Parts | None) -> list[str]:
    """The first `_FOLLOWING` by their start of those that go on from this session; `parts` are those of the turns as
    the request has found them.
    """
    if is_frozen(client) or (parts is not None and _nobody_follows(client, parts[TURNS])):
        return []
    named = {"project": project, "session_id": session_id}
    # One after the other: together they are planned for longer than they are read.
    if not select(client, "may_follow", named):
        return []
    return [row["SessionId"] for row in select(client, "following", {**named, "limit": _FOLLOWING})]


@dataclass(slots=True)
class _Naming:
    """By path of a part whether any of its rows says that its session goes on from another; and which parts there were
    at the last look.
    """

    parts: dict[str, bool] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()
    using: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, client: Client, parts: Mapping[str, int]) -> None:
        """Reads those of these parts that are new, as far as they are not too many; forgets all others."""
        seen, self.seen = self.seen, frozenset(parts)
        self.parts = {path: names for path, names in self.parts.items() if path in parts}
        # Where one names a session, or is not read, the others tell nothing any more.
        if any(self.parts.values()) or any(rows > _MOST_ROWS for rows in parts.values()):
            return
        left, new = {True: _MOST_ROWS, False: _FEW_ROWS}, dict[str, str]()
        for path, rows in sorted(parts.items(), key=lambda part: part[1]):
            has_stayed = path in seen
            if path in self.parts or rows > left[has_stayed] or len(new) == _MOST_PARTS:
                continue
            left[has_stayed] -= rows
            new[PurePosixPath(path).name] = path
        if new:
            found = select(client, "naming_parts", {"parts": [*new]})
            self.parts |= {new[row["Part"]]: bool(row["Names"]) for row in found}


_OF_OWNERS: Final[WeakKeyDictionary[object, _Naming]] = WeakKeyDictionary()


def _nobody_follows(client: Client, parts: Mapping[str, int]) -> bool:
    """Whether it is known that no row of these parts says that its session goes on from another."""
    parts = {path: rows for path, rows in parts.items() if rows}
    naming = _OF_OWNERS.setdefault(owner_of(keyed.bare(client)), _Naming())
    # Who comes while another reads parts asks as if nothing were known: that is quicker than to wait.
    if not naming.using.acquire(blocking=False):
        return False
    try:
        naming.learn(client, parts)
        return bool(parts) and all(naming.parts.get(path) is False for path in parts)
    finally:
        naming.using.release()
