"""The tables and views that a rebuild makes beside those in force, under names that no other rebuild has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from secrets import token_hex
from types import MappingProxyType

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from otel_sessions.errors import Permanent, SchemaError
from otel_sessions.sessions import attribution
from otel_sessions.sessions.rebuild import statements
from otel_sessions.sessions.rebuild.settle import wait_for_inserts

AGGREGATES = ("session_candidates", "session_claims", "trace_claims")
"""What a rebuild makes anew."""
SOURCES = ("otel_traces", "otel_traces_moved")
"""What feeds them, by views named `SOURCE_AGGREGATE_mv`."""
DEAD_AFTER_S = 60
"""A rebuild that shows no sign of life for so long is taken for dead."""
_FROM = r"\bFROM (?:`(?:[^`\\]|\\.)*`|\w+)\.`?{source}`?(?=\s|$)"


class Side:
    """`name("session_claims")` is the table that will take the place of `session_claims`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._id = token_hex(4)
        self._selects = _selects(client)

    def name(self, table: str) -> str:
        return f"{table}_rebuild_{self._id}"

    @property
    def best(self) -> str:
        return self.name("trace_best")

    @property
    def stage(self) -> str:
        return self.name("otel_traces")

    def columns(self) -> str:
        """Those of `otel_traces` that its views read, as a list in SQL."""
        described = self._client.query("DESCRIBE TABLE otel_traces").result_rows
        words = {word for name in AGGREGATES for word in re.findall(r"\w+", self._selects[f"otel_traces_{name}_mv"])}
        return ", ".join(f"`{name}`" for name, *_ in described if name in words)

    def create_best(self) -> None:
        self._client.command(statements.text("create_best"), parameters={"best": self.best})
        self.beat()

    def create_tables(self) -> None:
        self.create_best()
        for table in AGGREGATES:
            self._client.command(f"CREATE TABLE {self.name(table)} AS {table}")

    def create_stage(self, targets: Mapping[str, str]) -> None:
        """A table that keeps nothing; its views fill `targets` as those of `otel_traces` fill the tables in force."""
        self._client.command(f"CREATE TABLE {self.stage} AS otel_traces ENGINE = Null")
        for table, target in targets.items():
            select = _from(self._selects[f"otel_traces_{table}_mv"], "otel_traces", self.stage)
            self._client.command(f"CREATE MATERIALIZED VIEW {self.name(f'stage_{table}')} TO {target} AS {select}")

    def follow(self) -> None:
        """From here on what is stored reaches the tables of this rebuild too."""
        for view, select in self._selects.items():
            table = next(table for table in AGGREGATES if view.endswith(f"_{table}_mv"))
            self._client.command(f"CREATE MATERIALIZED VIEW {self.name(view)} TO {self.name(table)} AS {select}")

    def exchange(self) -> None:
        """Puts the tables of this rebuild into force, each in an instant; what was in force has their names now."""
        for table in AGGREGATES:
            self._client.command(f"EXCHANGE TABLES {table} AND {self.name(table)}")

    def beat(self) -> None:
        """A sign of life."""
        self._client.command(f"ALTER TABLE {self.best} MODIFY COMMENT '{attribution.server_time(self._client)}'")

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
    names = [f"{source}_{table}_mv" for source in SOURCES for table in AGGREGATES]
    rows = statements.rows(client, "feeds", {"names": names})
    found = {str(name): str(select) for name, select in rows}
    missing = sorted(set(names) - found.keys())
    if missing:
        raise SchemaError(f"there is no view {', '.join(missing)}; run `otel-sessions migrate`")
    return MappingProxyType(found)


def _from(select: str, source: str, other: str) -> str:
    """The same of another table. Raises `SchemaError` where it does not read `source` once."""
    text, count = re.subn(_FROM.format(source=source), f"FROM {other}", select)
    if count != 1:
        raise SchemaError(f"a view of {source} is not one of this version: {select}")
    return text
