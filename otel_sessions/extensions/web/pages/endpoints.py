# SPDX-License-Identifier: Apache-2.0
"""Where this service takes spans, as an application on another machine would write it."""

from __future__ import annotations

from otel_sessions.extensions.web.pages.visit import Visit


def otlp(visit: Visit) -> dict[str, str]:
    """`grpc` and `http` as `host:port`, `grpc_url` and `http_url` as URLs; the defaults where none is running."""
    known = visit.host.endpoints
    grpc, http = known.get("otlp/grpc", "127.0.0.1:4317"), known.get("otlp/http", "127.0.0.1:4318")
    return {"grpc": grpc, "http": http, "grpc_url": f"http://{grpc}", "http_url": f"http://{http}"}
