# SPDX-License-Identifier: Apache-2.0
"""Exporter `clickhouse`: columnar inserts into `otel_traces`, and late claims put into force."""

from otel_sessions.component import Factory
from otel_sessions.exporters.clickhouse.config import ClickHouseConfig
from otel_sessions.exporters.clickhouse.exporter import ClickHouseExporter

factory = Factory("clickhouse", ClickHouseConfig, ClickHouseExporter, "Stores spans in ClickHouse, embedded or remote.")

__all__ = ["ClickHouseConfig", "ClickHouseExporter", "factory"]
