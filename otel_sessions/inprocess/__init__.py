# SPDX-License-Identifier: Apache-2.0
"""`ClickHouseSpanExporter`, which needs `otel-sessions[server]`, and the service it runs."""

from otel_sessions.inprocess.exporter import ClickHouseSpanExporter

__all__ = ["ClickHouseSpanExporter"]
