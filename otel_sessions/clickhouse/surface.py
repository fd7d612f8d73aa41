# SPDX-License-Identifier: Apache-2.0
"""What those who read use of a client, and who write what people add.

A client of clickhouse-connect has it and much more. One that reads from the embedded engine (`readers.Reader`) has this
alone, as all of it goes through the places of those who read: its answers come as bytes, and at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Closing(Protocol):
    """A client of either kind, for who hands it on."""

    def close(self) -> None: ...


class Client(Closing, Protocol):
    """A client, used from one thread at a time."""

    @property
    def uri(self) -> str:
        """What it is connected to, `chdb:` of the embedded engine."""

    @property
    def database(self) -> str | None:
        """The current database."""

    @property
    def server_version(self) -> str | None: ...

    @property
    def server_settings(self) -> Mapping[str, Any]:
        """The settings that ClickHouse knows, by name."""

    def raw_query(
        self, query: str, parameters: Any = None, settings: dict[str, Any] | None = None, fmt: str | None = None
    ) -> bytes:
        """The answer to a statement in a format."""

    def command(self, cmd: str, parameters: Any = None, *, settings: dict[str, Any] | None = None) -> Any:
        """Runs a statement that changes something."""

    def raw_insert(
        self,
        table: str,
        column_names: Any = None,
        insert_block: Any = None,
        settings: dict[str, Any] | None = None,
        fmt: str | None = None,
    ) -> Any:
        """Inserts rows that are in a format already."""


class Front:
    """A client in front of another, which has what the one `behind` has. Of a kind that answers some of it itself."""

    def __init__(self, behind: Client) -> None:
        self.behind = behind

    @property
    def uri(self) -> str:
        return self.behind.uri

    @property
    def database(self) -> str | None:
        return self.behind.database

    @property
    def server_version(self) -> str | None:
        return self.behind.server_version

    @property
    def server_settings(self) -> Mapping[str, Any]:
        return self.behind.server_settings

    def raw_query(
        self, query: str, parameters: Any = None, settings: dict[str, Any] | None = None, fmt: str | None = None
    ) -> bytes:
        return self.behind.raw_query(query, parameters=parameters, settings=settings, fmt=fmt)

    def command(self, cmd: str, parameters: Any = None, *, settings: dict[str, Any] | None = None) -> Any:
        return self.behind.command(cmd, parameters, settings=settings)

    def raw_insert(
        self,
        table: str,
        column_names: Any = None,
        insert_block: Any = None,
        settings: dict[str, Any] | None = None,
        fmt: str | None = None,
    ) -> Any:
        return self.behind.raw_insert(table, column_names, insert_block, settings, fmt)

    def close(self) -> None:
        self.behind.close()
