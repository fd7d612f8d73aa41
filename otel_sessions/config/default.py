# SPDX-License-Identifier: Apache-2.0
"""The configuration that a service has without one."""

DEFAULT_CONFIG = """\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:4317"}
      http: {endpoint: "127.0.0.1:4318"}
processors:
  session: {}
exporters:
  clickhouse:
    endpoint: "chdb://./otel-sessions-data"  # or http(s)://user:password@host:8123/database
    sending_queue: {storage: wal}
extensions:
  web: {endpoint: "127.0.0.1:8080"}  # pages and REST
  clickhouse_http: {endpoint: "127.0.0.1:8123"}  # read-only SQL over the embedded engine
  health_check: {endpoint: "127.0.0.1:13133"}
service:
  extensions: [web, clickhouse_http, health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [session], exporters: [clickhouse]}
  telemetry: {metrics: {endpoint: "127.0.0.1:8888"}}
"""
"""What runs when nothing is given."""
