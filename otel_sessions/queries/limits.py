# SPDX-License-Identifier: Apache-2.0
"""What one query may take, wherever it is asked from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import code_of, reading
from otel_sessions.clickhouse.readers import Reader
from otel_sessions.clickhouse.surface import Client
from otel_sessions.errors import Permanent

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as FullClient

_OF_A_SERVER: Final = 4 << 30
_REACHED: Final = {
    159: "time", 160: "time", 241: "memory", 158: "rows", 307: "rows", 396: "rows",
}  # fmt: skip


_LESS: Final = {
    "time": "a shorter window (from, to), a query that fewer sessions can meet, or one by user, model or service",
    "memory": "a smaller page (limit), fewer members (fields, preview), a shorter window (from, to)",
    "rows": "a shorter window (from, to), or a query by user, model, service or the beginning of an id",
}
"""What to narrow."""


class LimitExceeded(Permanent):
    """A query took more than one may: HTTP 422. `limit` is `time`, `memory` or `rows`, `less` what to narrow."""

    def __init__(self, limit: str, less: str = "") -> None:
        less = f"ask for less: {less or _LESS[limit]}"
        super().__init__(f"the query reached the limit of {limit} that one query has; {less}")
        self.limit = limit


def limit_of(error: BaseException) -> str | None:
    """The limit that a query reached, of those of `LimitExceeded`; None where it failed for something else."""
    return _REACHED.get(code_of(error) or 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and rows read, of which 0 is no bound, and bytes of memory.

    None is what `clickhouse.readers` has for the embedded engine, in this process, and `_OF_A_SERVER` elsewhere.
    """

    max_execution_time: float = 30.0
    max_memory_usage: int | None = None
    max_rows_to_read: int = 0

    def connect(self, endpoint: Endpoint) -> Client:
        """A client of which every query has these limits. Raises `Retryable` when ClickHouse is not reached.

        With the embedded engine it is one of `clickhouse.readers`.
        """
        with reading():
            open_ = partial(self._opened, endpoint)
            return Reader(open_, open_, self.max_memory_usage) if endpoint.embedded else open_()

    def _opened(self, endpoint: Endpoint) -> FullClient:
        timeout_s = int(self.max_execution_time) + 10
        client = connect(endpoint, database=endpoint.database, timeout_s=timeout_s, long_parameters=True)
        client.set_client_setting("max_execution_time", self.max_execution_time)
        client.set_client_setting("max_memory_usage", self.max_memory_usage or _OF_A_SERVER)
        client.set_client_setting("max_rows_to_read", self.max_rows_to_read)
        return client


@contextmanager
def limited() -> Iterator[None]:
    """Raises `LimitExceeded` for the error of a query that reached a limit; none that may go well later has."""
    try:
        yield
    except LimitExceeded:
        raise
    except Permanent as error:
        limit = limit_of(error)
        if limit is not None:
            raise LimitExceeded(limit) from error
        raise
