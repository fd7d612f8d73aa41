# SPDX-License-Identifier: Apache-2.0
"""`clickhouse_http`: SQL over ClickHouse's HTTP protocol on the embedded engine, for curl, clickhouse-connect, Grafana.

`server` takes requests in; each becomes a `Job` (`job`, `bodies`), the `Engine` runs it past the guard of `sqlguard`,
and `answers` says what came of it in ClickHouse's own words. `native_blocks` and `native_compression` are what clients
of ClickHouse's own protocol want over HTTP too.
"""

from otel_sessions.extensions.clickhouse_http.config import Config
from otel_sessions.extensions.clickhouse_http.server import ClickHouseHttp, create, factory

__all__ = ["ClickHouseHttp", "Config", "create", "factory"]
