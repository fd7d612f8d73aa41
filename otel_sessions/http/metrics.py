# SPDX-License-Identifier: Apache-2.0
"""The service's own metrics for Prometheus: `GET /metrics`."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otel_sessions.component import Host
from otel_sessions.http.server import HttpServer
from otel_sessions.types import HostPort


def metrics_server(endpoint: HostPort, host: Host) -> HttpServer:
    """Serves `Metrics.exposition()` of the host at `/metrics` in the Prometheus text format."""

    def exposition(_: Request) -> Response:
        return Response(host.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = Starlette(routes=[Route("/metrics", exposition)])
    return HttpServer(app, endpoint, host, name="metrics", path="service.telemetry.metrics.endpoint")
