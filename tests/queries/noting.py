"""A client that notes what it is asked."""

from __future__ import annotations

from typing import Any, cast

from clickhouse_connect.driver.client import Client


def noting(client: Client) -> tuple[Client, list[str]]:
    """A client for reads as `queries` make them, and the statements that it was asked, in their order."""
    asked: list[str] = []

    class Noting:
        def raw_query(self, query: str, **more: Any) -> bytes:
            asked.append(query)
            return client.raw_query(query, **more)

    return cast("Client", Noting()), asked
