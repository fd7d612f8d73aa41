# SPDX-License-Identifier: Apache-2.0
"""One text of DDL for a server and for a cluster: what a statement of a migration becomes where there are shards.

docs/scaling.md has the layout. Spans, and what is made of them, lie on the shard of their trace: in a table that each
shard has of its own, `_NAME_local`, under one `Distributed` table NAME. What joins such tables is a view at each
shard, under a `Distributed` table too, so that no join crosses shards. All other tables are small: every server has
all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.clickhouse.sql import statement as text_of

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SETTINGS: Final[Mapping[str, str]] = {
    "distributed_product_mode": "global",
    "load_balancing": "in_order",
    "prefer_localhost_replica": "0",
}
"""Of every connection of ours to a cluster. A subquery is asked once, of all shards, not by each shard. All speak to
the first replica of a shard that answers, so that what has been stored is seen, whichever server is asked."""
_CREATED: Final = re.compile(
    r"^(CREATE (?:OR REPLACE )?(?:TABLE|MATERIALIZED VIEW|VIEW)(?: IF NOT EXISTS)?) (\w+)", re.MULTILINE
)
_ALTERED: Final = re.compile(r"^ALTER TABLE (\w+)", re.MULTILINE)
_ENGINE: Final = re.compile(r"^ENGINE = (\w*MergeTree)(?:\((.*)\))?$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^COMMENT '.*'$", re.MULTILINE)
_DISTRIBUTED: Final = re.compile(r"Distributed\('(.+?)', '(.+?)', '(\w+)'")


def made_by(sql: str) -> frozenset[str]:
    """The names of the tables and views that a text makes."""
    return frozenset(name for _, name in _CREATED.findall(sql))


@dataclass(frozen=True, slots=True)
class Layout:
    """How a schema lies on the cluster `name`, in `database`.

    `names` are all of its tables and views; the rows of those `by_trace` lie on the shard of their trace.
    """

    name: str
    database: str
    names: frozenset[str]
    by_trace: frozenset[str]

    def make_database(self) -> str:
        """The statement that makes the database on every server."""
        return f"CREATE DATABASE IF NOT EXISTS `{self.database}`{self._everywhere}"

    def render(self, sql: str) -> tuple[str, ...]:
        """What to run at any server of the cluster in the place of a statement for one server.

        Raises ValueError for a statement of a kind that it does not know.
        """
        if altered := _ALTERED.search(sql):
            name = altered[1]
            if name not in self.by_trace:  # one table with replicas everywhere: one server tells the others
                return (f"{self._referring(sql, at_shards=False)} SETTINGS alter_sync = 2",)
            head = f"ALTER TABLE {name}"
            tables = (_local(name),) if "ADD INDEX" in sql else (_local(name), name)  # who has no rows has no index
            return tuple(
                sql.replace(head, f"ALTER TABLE {self._qualified(table)}{self._everywhere}", 1) for table in tables
            )
        if not (created := _CREATED.search(sql)):
            raise ValueError(f"nobody has said what this is on a cluster: {sql}")
        kind, name = created.groups()
        at_shards = name in self.by_trace or "MATERIALIZED" in kind
        place = _local(name) if name in self.by_trace else name
        made = f"{kind} {self._qualified(place)}{self._everywhere}"
        sql = self._referring(sql, at_shards=at_shards).replace(created[0], made, 1)
        own = _ENGINE.sub(lambda engine: self._replicated(place, at_shards, *engine.groups()), sql)
        return (own, self._over_all_shards(name, sql)) if name in self.by_trace else (own,)

    def _referring(self, sql: str, *, at_shards: bool) -> str:
        """The statement with the tables it names in full; `at_shards` with those of its own shard."""

        def place(match: re.Match[str]) -> str:
            name = _local(match[2]) if at_shards and match[2] in self.by_trace else match[2]
            return match[1] + self._qualified(name)

        return re.sub(rf"\b((?:FROM|JOIN|TO|ALTER TABLE)\s+)({'|'.join(sorted(self.names))})\b", place, sql)

    def _replicated(self, table: str, at_shards: bool, engine: str, arguments: str | None) -> str:
        group, replica = ("{shard}", "{replica}") if at_shards else ("all", "{shard}-{replica}")
        path = f"/clickhouse/tables/{group}/{self.database}/{table}"
        return f"ENGINE = Replicated{engine}('{path}', '{replica}'{f', {arguments}' if arguments else ''})"

    def _over_all_shards(self, name: str, sql: str) -> str:
        """What users of `name` see: the rows of all shards. Rows without a trace are only made by views at shards."""
        key = ", cityHash64(TraceId)" if re.search(r"\bTraceId\b", sql) else ""
        comment = _COMMENT.search(sql)
        return (
            f"CREATE OR REPLACE TABLE {self._qualified(name)}{self._everywhere} AS {self._qualified(_local(name))}\n"
            f"ENGINE = Distributed('{self.name}', '{self.database}', '{_local(name)}'{key})"
            + (f"\n{comment[0]}" if comment else "")
        )

    @property
    def _everywhere(self) -> str:
        return f" ON CLUSTER '{self.name}'"

    def _qualified(self, name: str) -> str:
        return f"`{self.database}`.{name}"


def _local(name: str) -> str:
    return f"_{name.lstrip('_')}_local"


def mutate(
    client: Client, sql: str, table: str, parameters: Mapping[str, object], settings: dict[str, Any] | None = None
) -> None:
    """Runs a `DELETE FROM {table:Identifier}`, or an `ALTER TABLE` of rows, at every shard that has some."""
    if distributed := _DISTRIBUTED.match(_shards(client, table)):
        cluster, database, local = distributed.groups()
        sql = sql.replace("{table:Identifier}", f"`{database}`.{local} ON CLUSTER '{cluster}'")
    client.command(sql, parameters={"table": table, **parameters}, settings=settings)


def has_shards(client: Client, database: str = "") -> bool:
    """Whether a database, by default the client's, is laid out for a cluster."""
    return bool(_shards(client, "otel_traces", database))


def _shards(client: Client, table: str, database: str = "") -> str:
    """The engine of a table that is spread over shards; empty for a table of one server."""
    parameters = {"table": table, "database": database}
    rows = client.query(text_of(__package__, "shards"), parameters=parameters).result_rows
    return str(rows[0][0]) if rows else ""
