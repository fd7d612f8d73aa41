# SPDX-License-Identifier: Apache-2.0
"""The tables and views that a rebuild makes beside those in force, under names that no other rebuild has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from secrets import token_hex
from types import MappingProxyType
from typing import TYPE_CHECKING

from clickhouse_connect.driver.exceptions import ClickHouseError

from otel_sessions.clickhouse.running import wait_for_inserts
from otel_sessions.errors import Permanent, SchemaError
from otel_sessions.sessions import attribution
from otel_sessions.sessions.rebuild import statements

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DERIVED = (
    "_corrected_spans",
    "_corrections",
    "_corrected_turns",
    "_session_turns",
    "_session_activity",
    "_trace_claims",
)
"""What a rebuild makes anew, in the order in which it comes into force."""
SOURCES = MappingProxyType(
    {"_trace_claims": "otel_traces", "_session_turns": "otel_traces", "_session_activity": "_session_turns"}
)
"""What feeds them, by views named `TABLE_mv`."""
DEAD_AFTER_S = 60
"""A rebuild that shows no sign of life for so long is taken for dead."""
_FROM = r"\bFROM (?:`(?:[^`\\]|\\.)*`|\w+)\.`?{source}`?(?=\s|$)"


class Side:
    """`name("_corrections")` is the table that will take the place of `_corrections`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._id = token_hex(4)
        self._selects = _selects(client)

    def name(self, table: str) -> str:
        return f"{table}_rebuild_{self._id}"

    @property
    def stage(self) -> str:
        return self.name("_stage")

    @property
    def names(self) -> Mapping[str, str]:
        """What statements call the tables in force, and what they are to call those of this rebuild."""
        return {table: self.name(table) for table in DERIVED}

    def create(self) -> None:
        """Makes the tables, and views that fill them: from the stage, and from here on from what is stored."""
        self._client.command(f"CREATE TABLE {self.name('_alive')} (A UInt8) ENGINE = MergeTree ORDER BY A")
        self.beat()
        for table in DERIVED:
            self._client.command(f"CREATE TABLE {self.name(table)} AS {table}")
        self._keep_hashes("STOP", self.name("_trace_claims"))
        self._client.command(f"CREATE TABLE {self.stage} AS otel_traces ENGINE = Null")
        self._feed("_session_activity", self.name("_session_turns"), "_activity_of_turns")
        for table in ("_trace_claims", "_session_turns"):
            self._feed(table, self.stage, f"_stage{table}")
        for table in ("_trace_claims", "_session_turns"):
            self._feed(table, "otel_traces", f"_follow{table}")

    def _feed(self, table: str, source: str, view: str) -> None:
        select, count = re.subn(_FROM.format(source=SOURCES[table]), f"FROM {source}", self._selects[table])
        if count != 1:
            raise SchemaError(f"the view {table}_mv is not one of this version: {select}")
        self._client.command(f"CREATE MATERIALIZED VIEW {self.name(view)} TO {self.name(table)} AS {select}")

    def exchange(self) -> None:
        """Puts the tables of this rebuild into force, each in an instant; what was in force has their names now."""
        for table in DERIVED:
            self._client.command(f"EXCHANGE TABLES {table} AND {self.name(table)}")
        self._keep_hashes("START", "_trace_claims")

    def _keep_hashes(self, verb: str, table: str) -> None:
        """Hashes of span ids are of use here however old they are: without them every trace is held against the whole
        proof. That takes long, but is as right, where a user may not say so."""
        with suppress(ClickHouseError):
            self._client.command(f"SYSTEM {verb} TTL MERGES {table}")

    def beat(self) -> None:
        """A sign of life."""
        now = attribution.server_time(self._client)
        self._client.command(f"ALTER TABLE {self.name('_alive')} MODIFY COMMENT '{now}'")

    def drop(self) -> None:
        """All that is left of it, once no insert uses it."""
        found = statements.rows(self._client, "leftovers")
        _drop(self._client, [(name, is_view) for name, is_view, _ in found if name.endswith(self._id)])

    def abandon(self) -> None:
        """As `drop`, as far as it can be done; a later rebuild does the rest."""
        with suppress(ClickHouseError, OSError):
            self.drop()


def make_room(client: Client, dead_after_s: int = DEAD_AFTER_S) -> None:
    """Drops what dead rebuilds have left. Raises `Permanent` while another one is alive."""
    found = statements.rows(client, "leftovers")
    alive_at = max((alive_at for *_, alive_at in found), default=0)
    silent = attribution.server_time(client) - alive_at
    if silent < dead_after_s:
        raise Permanent(
            f"another rebuild is under way; its last sign of life is {silent} s old. If it was killed, try again in "
            f"{dead_after_s - silent} s"
        )
    _drop(client, [(name, is_view) for name, is_view, _ in found])


def _drop(client: Client, found: Sequence[tuple[str, bool]]) -> None:
    """Views first, and tables when no insert is left that began when the views were there."""
    views, tables = ([name for name, is_view in found if is_view == wanted] for wanted in (True, False))
    for name in views:
        client.command(f"DROP TABLE IF EXISTS {name}")
    if views:
        wait_for_inserts(client)
    for name in tables:
        client.command(f"DROP TABLE IF EXISTS {name}")


def _selects(client: Client) -> Mapping[str, str]:
    """What fills each table."""
    rows = statements.rows(client, "feeds", {"names": [f"{table}_mv" for table in SOURCES]})
    found = {str(name).removesuffix("_mv"): str(select) for name, select in rows}
    missing = sorted(SOURCES.keys() - found.keys())
    if missing:
        raise SchemaError(
            f"there is no view {', '.join(f'{name}_mv' for name in missing)}; run `otel-sessions migrate`"
        )
    return MappingProxyType(found)
