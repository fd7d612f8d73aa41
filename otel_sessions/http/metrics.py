"""The service's own metrics for Prometheus: `GET /metrics`."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otel_sessions.http.server import HttpServer
from otel_sessions.telemetry import Metrics
from otel_sessions.types import HostPort


def metrics_server(endpoint: HostPort, metrics: Metrics) -> HttpServer:
    """Serves `Metrics.exposition()` at `/metrics` in the Prometheus text format."""

    def exposition(_: Request) -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = Starlette(routes=[Route("/metrics", exposition)])
    return HttpServer(app, endpoint, name="metrics", path="service.telemetry.metrics.endpoint")
