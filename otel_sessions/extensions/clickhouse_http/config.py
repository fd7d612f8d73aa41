# SPDX-License-Identifier: Apache-2.0
"""The configuration of `clickhouse_http`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from otel_sessions.clickhouse.attempts import MOST
from otel_sessions.clickhouse.client import endpoint_in_use
from otel_sessions.clickhouse.places import LARGEST
from otel_sessions.component import Settings, Used
from otel_sessions.errors import Fault
from otel_sessions.sqlguard.allowed import TABLE_FUNCTIONS, Bounds
from otel_sessions.types import ByteSize, HostPort

_MIB = 1 << 20
_MAX_READ_BODY = 8 * _MIB  # a statement and its parameters; ClickHouse parses 256 KiB of a statement


class Config(Settings):
    """`read_only: false` lets every statement and insert through, for development and tests.

    Without `max_memory_usage` a query has what `clickhouse.readers` leaves it.
    """

    endpoint: HostPort = HostPort("127.0.0.1", 8123)
    read_only: bool = True
    max_request_body_size: Annotated[ByteSize, Field(gt=0)] = 256 * _MIB
    max_concurrent_queries: Annotated[int, Field(ge=1, le=32)] = 8
    max_waiting_queries: Annotated[int, Field(ge=0, le=10_000)] = 100
    max_execution_time_s: Annotated[int, Field(ge=1)] = 60
    max_memory_usage: Annotated[ByteSize, Field(gt=0)] | None = None
    max_result_bytes: Annotated[ByteSize, Field(gt=0)] = 64 * _MIB
    max_result_rows: Annotated[int, Field(ge=0)] = 0
    table_functions: list[str] = sorted(TABLE_FUNCTIONS)

    def find_faults(self, used: Used) -> Iterator[Fault]:
        endpoint = endpoint_in_use(used["exporters"])
        if endpoint is None:
            yield Fault("", "serves the data of a clickhouse exporter, and none is in use")
        elif not endpoint.embedded:
            yield Fault("", f"serves embedded data only; {endpoint} has an HTTP port of its own: leave this out")

    @property
    def max_body(self) -> int:
        """Bytes of a request's body; readers bring no data."""
        return min(self.max_request_body_size, _MAX_READ_BODY) if self.read_only else self.max_request_body_size

    @property
    def bounds(self) -> Bounds:
        memory = self.max_memory_usage or MOST
        written = self.max_memory_usage or LARGEST
        return Bounds(self.max_execution_time_s, memory, self.max_result_bytes, self.max_result_rows, written)
