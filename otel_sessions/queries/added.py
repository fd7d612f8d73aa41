# SPDX-License-Identifier: Apache-2.0
"""Which sessions something was added to, or corrected of, remembered as long as the tables of it are the same.

Most sessions have no star, no label, no link, no score and no correction, and to ask each table takes as long as the
figures of the session. The parts that a table has tell whether anything was stored in it (see `stored_parts`).
"""

from __future__ import annotations

import threading
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from otel_sessions.clickhouse.at_once import owner_of
from otel_sessions.clickhouse.sql import statement
from otel_sessions.queries import keyed
from otel_sessions.queries.rows import run, sections
from otel_sessions.queries.stored_parts import TURNS, Parts, parts_of

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

BY_PEOPLE: Final = ("_session_bookmarks", "_session_labels")
BY_OTHERS: Final = ("_session_shares", "_session_hooks")
SCORES: Final = "_scores"
CORRECTIONS: Final = "_corrections"
_LIFE: Final = "_session_life"
TABLES: Final = (*BY_PEOPLE, *BY_OTHERS, SCORES, _LIFE)
_OF_SESSIONS: Final = (*BY_PEOPLE, *BY_OTHERS, SCORES, CORRECTIONS)
_MOST_ROWS: Final = 20_000
"""Of a table with more it is not remembered whose they are: it would take 80 KiB, and each change longer."""
_FEW_ROWS: Final = 500
"""A table with more is read once it has stayed the same from one look to the next: scores may come all the time."""
_MOST_PROJECTS: Final = 100


@dataclass(frozen=True, slots=True)
class Known:
    """`tables` by session are those that may have something of it; limits are in ns, as in `said_of_one.sql`."""

    tables: Mapping[str, frozenset[str]]
    idle_after: int
    split_after: int

    def within(self, tables: Sequence[str]) -> list[str]:
        """The sessions of which one of these tables may have something."""
        return [id_ for id_, found in self.tables.items() if not found.isdisjoint(tables)]


@dataclass(slots=True)
class _Tables:
    """By table the parts when it was read, those that were seen last, and the hashes of the sessions that it has rows
    of, in order; None where that is not known.
    """

    versions: dict[str, Collection[str]] = field(default_factory=dict)
    seen: dict[str, Collection[str]] = field(default_factory=dict)
    hashes: dict[str, array[int] | None] = field(default_factory=dict)
    limits: dict[str, tuple[int, int]] = field(default_factory=dict)
    using: threading.Lock = field(default_factory=threading.Lock)

    def update(self, client: Client, parts: Parts) -> None:
        """Reads anew what has changed; `parts` were read before, so that what is stored meanwhile is read next time."""
        for table, rows in parts.items():
            version = frozenset(rows)
            if table not in (*_OF_SESSIONS, _LIFE) or self.versions.get(table) == version:
                continue
            if table == _LIFE:
                self.limits.clear()
            elif not self._read(client, table, version, sum(rows.values())):
                continue
            self.versions[table] = version

    def _read(self, client: Client, table: str, version: Collection[str], rows: int) -> bool:
        """Reads whose the rows of this table are; False where it is left to the next look."""
        has_stayed = self.seen.get(table) == version
        self.seen[table], self.hashes[table] = version, None
        if rows > _FEW_ROWS and not has_stayed:
            return False
        if rows <= _MOST_ROWS:
            self.hashes[table] = _hashes(client, table) if rows else array("I")
        return True

    def limits_of(self, client: Client, project: str) -> tuple[int, int]:
        if project not in self.limits:
            if len(self.limits) >= _MOST_PROJECTS:
                self.limits.clear()
            (row,) = run(client, _texts()["life"], {"project": project})
            self.limits[project] = int(row["IdleAfter"]), int(row["SplitAfter"])
        return self.limits[project]


_OF_OWNERS: Final[WeakKeyDictionary[object, _Tables]] = WeakKeyDictionary()


def known(client: Client, project: str, session_ids: Sequence[str], parts: Parts | None = None) -> Known | None:
    """What may have been added to these sessions; None where parts do not tell. `parts` are those of `TABLES`, and of
    others, as the request has found them, else they are looked for.
    """
    client = keyed.bare(client)
    parts = parts_of(client, TABLES) if parts is None else parts
    if parts is None:
        return None
    of_owner = _OF_OWNERS.setdefault(owner_of(client), _Tables())
    with of_owner.using:
        of_owner.update(client, parts)
        kept, limits = {table: of_owner.hashes.get(table) for table in parts}, of_owner.limits_of(client, project)
    if not parts.get(TURNS):  # corrections lie where turns do, which may be at shards
        kept[CORRECTIONS] = None
    of_any = _hash(project, "")  # a score on a trace has no session of its own
    tables = dict[str, frozenset[str]]()
    for id_ in session_ids:
        own = _hash(project, id_)
        asked = {name: (own, of_any) if name == SCORES else (own,) for name in _OF_SESSIONS}
        tables[id_] = frozenset(name for name, hashes in asked.items() if _has(kept.get(name), hashes))
    return Known(tables, *limits)


def _has(hashes: array[int] | None, asked: Sequence[int]) -> bool:
    if hashes is None:
        return True
    places = [(bisect_left(hashes, one), one) for one in asked]
    return any(place < len(hashes) and hashes[place] == one for place, one in places)


def _hashes(client: Client, table: str) -> array[int]:
    found = run(client, _texts()["hashes"].replace("TABLE", table), {})
    return array("I", sorted(row["Hash"] for row in found))


def _hash(project: str, session_id: str) -> int:
    """As the statement makes it of a row: of two sessions with one hash both are asked."""
    return zlib.crc32(f"{project}\0{session_id}".encode(errors="replace"))


@cache
def _texts() -> Mapping[str, str]:
    return sections(statement(f"{__package__}.sql", "added"))
