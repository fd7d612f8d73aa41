# SPDX-License-Identifier: Apache-2.0
"""Which sessions go on from one.

Most stores have no session that says so. There it is remembered of each part of the turns that no row of it does: a
request asks an index about what is new of these parts, and nothing where there is nothing new.
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
from otel_sessions.queries.stored_parts import TURNS, Parts, parts_of

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_FOLLOWING: Final = 20
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
    """By path of a part whether any of its rows says that its session goes on from another."""

    parts: dict[str, bool] = field(default_factory=dict)
    using: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, client: Client, parts: Mapping[str, int]) -> None:
        """Asks the index of those of these parts that are new; forgets all others."""
        self.parts = {path: names for path, names in self.parts.items() if path in parts}
        if any(self.parts.values()):  # where one names a session, the others tell nothing any more
            return
        new = [path for path in parts if path not in self.parts][:_MOST_PARTS]
        if new:
            found = select(client, "naming_parts", {"parts": [PurePosixPath(path).name for path in new]})
            naming = {row["Part"] for row in found}
            # One that was merged away before it was asked is not found either.
            left = (parts_of(client, (TURNS,)) or {}).get(TURNS, {})
            self.parts |= {path: PurePosixPath(path).name in naming for path in new if path in left}


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
