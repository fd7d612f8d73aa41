"""The receiver `otlp`: one object over all its protocols."""

from __future__ import annotations

from collections.abc import Mapping

from otel_sessions.component import ComponentId, Consumer, Factory, Host
from otel_sessions.receivers.otlp.config import GrpcSettings, OtlpSettings
from otel_sessions.receivers.otlp.export import TraceService
from otel_sessions.receivers.otlp.grpc_server import GrpcServer


class OtlpReceiver:
    """Listens on the protocols of its settings and hands every request to `consumer`."""

    def __init__(self, id_: ComponentId, settings: OtlpSettings, host: Host, consumer: Consumer) -> None:
        self._id = id_
        self._settings = settings
        self._host = host
        self._consumer = consumer
        self._servers: list[GrpcServer] = []
        self._endpoints: dict[str, str] = {}

    @property
    def endpoints(self) -> Mapping[str, str]:
        return dict(self._endpoints)

    def start(self) -> None:
        """Listens; `ConfigError` naming the endpoint when its port cannot be had."""
        if self._settings.protocols.grpc is not None:
            self._start_grpc(self._settings.protocols.grpc)

    def stop(self, timeout: float) -> None:
        """Takes no new requests, and lets those at work be answered within `timeout` seconds."""
        for server in self._servers:
            server.stop(timeout)
        self._servers.clear()

    def _start_grpc(self, settings: GrpcSettings) -> None:
        server = GrpcServer(settings, TraceService(self._id, self._consumer, self._host.metrics))
        taken = server.start(f"receivers.{self._id}.protocols.grpc.endpoint")
        self._servers.append(server)
        self._endpoints[f"{self._id}/grpc"] = str(taken)


factory = Factory("otlp", OtlpSettings, OtlpReceiver, "OpenTelemetry's own protocol")
