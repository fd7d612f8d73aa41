"""The extension."""

from __future__ import annotations

from collections.abc import Mapping

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.errors import ConfigError, Fault
from otel_sessions.extensions.clickhouse_http.app import application
from otel_sessions.extensions.clickhouse_http.config import Config
from otel_sessions.extensions.clickhouse_http.engine import Engine
from otel_sessions.http.server import HttpServer


class ClickHouseHttp:
    """Serves the embedded engine of `endpoint`. The engine opens with the first request."""

    def __init__(self, id_: ComponentId, config: Config, endpoint: Endpoint, owner_secret: str = "") -> None:
        self._engine = Engine(endpoint, config)
        app = application(self._engine, config, owner_secret)
        self._server = HttpServer(
            app, config.endpoint, name="clickhouse_http", path=f"extensions.{id_}.endpoint", on_stop=self._engine.close
        )

    @property
    def endpoints(self) -> Mapping[str, str]:
        return self._server.endpoints

    def start(self) -> None:
        self._server.start()

    def shutdown(self, timeout: float) -> None:
        self._server.shutdown(timeout)


def create(component_id: ComponentId, config: Config, host: Host) -> ClickHouseHttp:
    """Raises `ConfigError` where the service has no embedded data to serve."""
    path = f"extensions.{component_id}"
    endpoint: Endpoint | None = host.clickhouse
    if endpoint is None:
        raise ConfigError([Fault(path, "serves the data of a clickhouse exporter, and there is none")])
    if not endpoint.embedded:
        raise ConfigError([Fault(path, f"serves embedded data only; {endpoint} has an HTTP port of its own")])
    return ClickHouseHttp(component_id, config, endpoint, host.owner_secret)


factory = Factory("clickhouse_http", Config, create, "ClickHouse's HTTP protocol over the embedded data.")
