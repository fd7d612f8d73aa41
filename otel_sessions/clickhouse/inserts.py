# SPDX-License-Identifier: Apache-2.0
"""Settings of inserts, and tokens by which ClickHouse knows an insert that it has had.

A repeated insert with the same token adds to the table, and to each table that a view fills, what the first had not
come to. That holds for an insert of one block, and while the server lives: one that keeps its tables by itself
notes a token before it puts the rows in their place; one that is killed between the two, or whose disk fails there,
refuses the rows ever after. See "Repeated inserts" in docs/exporters_clickhouse.md.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeGuard
from weakref import WeakSet

from otel_sessions.clickhouse.client import INSERT_SETTINGS, Endpoint, is_embedded
from otel_sessions.clickhouse.errors import code_of
from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import OtelSessionsError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as FullClient

    from otel_sessions.clickhouse.surface import Client

Settings = dict[str, int | str]

_ONE_BLOCK: Mapping[str, int] = {
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 1 << 40,
    "min_insert_block_size_bytes": 0,
}
"""However many record batches there are: a part of a token's rows must not pass for all of them."""
_HARMLESS = frozenset(
    {
        None,  # nobody answered; a server that has started anew since is seen by its id
        159,  # TIMEOUT_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        241,  # MEMORY_LIMIT_EXCEEDED
        252,  # TOO_MANY_PARTS
        394,  # QUERY_WAS_CANCELLED
    }
)
"""Errors that say nothing of rows that may have been lost on their way into a table."""


_SET: Final[WeakSet[FullClient]] = WeakSet()
"""Clients of the embedded engine that have the settings of an insert: each for one statement is two more of them."""


def settings(client: Client, token: str = "") -> Settings:
    """The settings of an insert through `client`, which may have them from then on; with a token, of an Arrow insert
    that may be repeated.
    """
    if token or not is_embedded(client) or not _is_plain(client):
        return _wanted(client, token)
    if client not in _SET:
        for name, value in _wanted(client).items():
            client.set_client_setting(name, value)
        _SET.add(client)
    return {}


def _is_plain(client: object) -> TypeGuard[FullClient]:
    """Whether it is none that stands before another, and may take a new one."""
    from clickhouse_connect.driver.client import Client  # noqa: PLC0415 - who asks a running service does without

    return isinstance(client, Client)


def _wanted(client: Client, token: str = "") -> Settings:
    wanted: Settings = dict(INSERT_SETTINGS)
    if token:
        wanted |= _ONE_BLOCK
        wanted |= {"insert_deduplication_token": token, "deduplicate_blocks_in_dependent_materialized_views": 1}
    wanted["insert_deduplicate"] = int(bool(token))
    # ClickHouse 26 no longer looks at insert_deduplicate; older ones do not know these.
    newer = {
        "deduplicate_insert": "enable" if token else "disable",
        "deduplicate_insert_select": "disable",
        "distributed_foreground_insert": 1,  # of a table over shards: the insert is done when it is answered
    }
    return wanted | {name: value for name, value in newer.items() if name in client.server_settings}


class Tokens:
    """Makes the tokens of one exporter: equal for equal bytes of an insert, as long as that is safe."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._embedded = endpoint.embedded
        self._life = secrets.token_hex(8)
        self._renewed = ""

    def note_connection(self, client: FullClient) -> None:
        """Asks a server for the id that it has had since it started, which `_server_life` keeps in memory.

        The tables must be there. The embedded engine starts with this process.
        """
        if not self._embedded:
            client.command(statement(__package__, "begin_life"), settings=settings(client))
            [[self._life]] = client.query(statement(__package__, "life")).result_rows

    def note_failure(self, error: OtelSessionsError) -> None:
        """Makes new tokens after an error that may mean lost rows: rows stored twice can be put right."""
        if code_of(error) not in _HARMLESS:
            self._renewed = secrets.token_hex(8)

    def token(self, name: str, block: bytes | memoryview) -> str:
        """The token of an insert. `name` is the caller's for these spans; other bytes under it have another token."""
        return f"{self._life}-{self._renewed}-{name}-{zlib.crc32(block):08x}"
