"""A client that notes what it is asked."""

from __future__ import annotations

from typing import Any, cast

from clickhouse_connect.driver.client import Client


def noting(client: Client, *, is_embedded: bool = False) -> tuple[Client, list[str]]:
    """A client for reads as `queries` make them, and the statements that it was asked, in their order.

    Rows are remembered where it `is_embedded` as the other is.
    """
    asked: list[str] = []

    class Noting:
        def raw_query(self, query: str, *some: Any, **more: Any) -> bytes:
            asked.append(query)
            return client.raw_query(query, *some, **more)

    class Embedded(Noting):
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

    return cast("Client", Embedded() if is_embedded else Noting()), asked
