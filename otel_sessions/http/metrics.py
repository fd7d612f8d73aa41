"""The service's own metrics for Prometheus: `GET /metrics`."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otel_sessions.http.server import HttpServer
from otel_sessions.telemetry import Metrics
from otel_sessions.types import HostPort


class MetricsServer:
    """Serves `Metrics.exposition()` at `/metrics` in the Prometheus text format."""

    def __init__(self, endpoint: HostPort, metrics: Metrics) -> None:
        self._metrics = metrics
        self._server = HttpServer(Starlette(routes=[Route("/metrics", self._exposition)]), endpoint)

    @property
    def endpoints(self) -> Mapping[str, str]:
        return {"metrics": self._server.address}

    def start(self) -> None:
        self._server.start()

    def shutdown(self, timeout: float) -> None:
        self._server.shutdown(timeout)

    def _exposition(self, _: Request) -> Response:
        return Response(self._metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})
