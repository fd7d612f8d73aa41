"""A cluster of three shards in one embedded engine, to hold what is written for a cluster against the rule.

The engine believes that it is each of the shards, and plans every statement as for a cluster: what a shard answers are
partial sums, a subquery is asked by each of them or once, an insert is divided by its key. What makes shards of one
set of tables is a filter: each sees the rows whose key is its own. What this cannot show is the network between
servers, `ON CLUSTER`, and replicas: these words are taken out of statements, after ClickHouse has parsed them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import client as client_module
from otel_sessions.clickhouse import cluster
from otel_sessions.sessions.migrations import BY_TRACE

NAME = "shards"
SHARDS = 3
_SHARD = (
    "<shard><internal_replication>true</internal_replication>"
    "<replica><host>127.0.0.1</host><port>9000</port></replica></shard>"
)
_CONFIG = (
    f"<clickhouse><tcp_port>9000</tcp_port><remote_servers><{NAME}>{_SHARD * SHARDS}</{NAME}></remote_servers>"
    "</clickhouse>"
)
_REPLICATED = re.compile(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?")
_WITHOUT_TRACES = {"_session_activity"}
_VIEWS = {"_turn_minutes", "session_spans"}


def plain(sql: str) -> str:
    """A statement for the cluster as the one engine can run it."""
    return _REPLICATED.sub(r"\1(", sql.replace(f" ON CLUSTER '{NAME}'", ""))


def filters(database: str) -> str:
    """Which rows of a table each shard sees; all of them where no shard is asked."""
    rows = {
        f"{database}._{table.lstrip('_')}_local": "shardNum() < 2"
        if table in _WITHOUT_TRACES
        else f"shardNum() = 0 OR cityHash64(TraceId) % {SHARDS} = shardNum() - 1"
        for table in BY_TRACE - _VIEWS
    }
    return "{" + ", ".join(f"'{table}': '{which}'" for table, which in rows.items()) + "}"


def begin(directory: Path, database: str) -> None:
    """Lets this process's embedded engine, which must not have been opened yet, be the cluster."""
    config = directory / "cluster.xml"
    config.write_text(_CONFIG, "ascii")
    client_module._ENGINE = {**client_module._ENGINE, "config-file": str(config)}
    # There is nobody to connect to: all shards are here.
    cluster.SETTINGS = {**cluster.SETTINGS, "prefer_localhost_replica": "1"}
    get_client = clickhouse_connect.get_client

    def get_clustered(**options: Any) -> Client:
        client = get_client(**options)
        command = client.command

        def run(cmd: str, *args: Any, **more: Any) -> Any:
            if " ON CLUSTER " in cmd and "{" not in re.sub(r"'\{\w+\}'|\{shard\}", "", cmd):
                client.query(f"EXPLAIN AST {cmd}")
            return command(plain(cmd), *args, **more)

        client.command = run
        client.set_client_setting("additional_table_filters", filters(database))
        return client

    clickhouse_connect.get_client = get_clustered
