# SPDX-License-Identifier: Apache-2.0
"""Rows of sessions, remembered as long as nothing was stored or deleted of them.

A row is made of what the parts of two tables have of its session. A part never changes: what is stored, merged or
deleted makes another, of another name, and no name is given twice while the engine runs. So a row that was made when
the session lay in some parts is right while it lies in these. That holds for the embedded engine, which runs as long as
a client of it is open: so a client remembers rows of its own, and those of a `Store`, which keeps one open, remember
them together. Servers of a cluster give their parts equal names.

In which parts a session lies is remembered too, as long as the tables have the same parts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import orjson

from otel_sessions.clickhouse.at_once import owner_of
from otel_sessions.clickhouse.client import is_embedded
from otel_sessions.queries.rows import Row

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_MOST_BYTES: Final = 8 * 2**20
"""Of the rows that are remembered together; what was asked for longest ago is forgotten first."""
_MOST_VERSIONS: Final = 10_000
_REPLACED: Final = "\ufffd"


class Remembered:
    """Rows as texts of JSON, by project and session, each with the version of the session that it is of."""

    def __init__(self) -> None:
        self._using = threading.Lock()
        self._rows: OrderedDict[tuple[str, str], tuple[str, str]] = OrderedDict()
        self._nbytes = 0
        self._parts = frozenset[str]()
        self._versions = dict[tuple[str, str], str]()

    def versions(self, parts: frozenset[str], project: str, session_ids: Sequence[str]) -> dict[str, str]:
        """Of these sessions the versions that were read since the tables have had these parts."""
        with self._using:
            if parts != self._parts:
                return {}
            found = {id_: self._versions.get((project, id_)) for id_ in session_ids}
        return {id_: version for id_, version in found.items() if version is not None}

    def keep_versions(self, parts: frozenset[str], project: str, versions: Mapping[str, str]) -> None:
        """Remembers versions that were read after it was seen that the tables have these parts."""
        with self._using:
            if parts != self._parts or len(self._versions) + len(versions) > _MOST_VERSIONS:
                self._parts, self._versions = parts, {}
            self._versions |= {(project, id_): version for id_, version in versions.items()}

    def keep(self, project: str, versions: Mapping[str, str], rows: Sequence[Row]) -> None:
        """Remembers those whose version is known, which was read before them; any of them may be forgotten at once."""
        for row in rows:
            version = versions.get(row["SessionId"])
            if version is None:
                continue
            text = orjson.dumps({name: value for name, value in row.items() if name != "_key"}).decode()
            # Bytes that are no text were replaced, so that a condition might hold of the one and not of the other.
            if _REPLACED in text or len(text) > _MOST_BYTES:
                continue
            with self._using:
                self._forget(project, row["SessionId"])
                self._rows[project, row["SessionId"]] = version, text
                self._nbytes += len(text)
                while self._nbytes > _MOST_BYTES:
                    self._forget(*next(iter(self._rows)))

    def texts(self, project: str, versions: Mapping[str, str]) -> dict[str, str]:
        """Of these sessions, given with their versions as they are now, the rows that are right, by id."""
        found = dict[str, str]()
        with self._using:
            for id_, version in versions.items():
                known, text = self._rows.get((project, id_), ("", ""))
                if known == version:
                    self._rows.move_to_end((project, id_))
                    found[id_] = text
        return found

    def _forget(self, project: str, id_: str) -> None:
        if (project, id_) in self._rows:
            self._nbytes -= len(self._rows.pop((project, id_))[1])


_OF_OWNERS: Final[WeakKeyDictionary[object, Remembered]] = WeakKeyDictionary()


def remembered_by(client: Client) -> Remembered | None:
    """What this client remembers, or all of its `Store`; None where parts do not tell whether a session has changed."""
    return _OF_OWNERS.setdefault(owner_of(client), Remembered()) if is_embedded(client) else None
