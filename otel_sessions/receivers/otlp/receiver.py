# SPDX-License-Identifier: Apache-2.0
"""The receiver `otlp`: one object over all its protocols."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from otel_sessions.component import AuthSettings, ComponentId, Consumer, Factory, Host, Listening
from otel_sessions.http.auth import Access, access_to
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.config import OtlpSettings
from otel_sessions.receivers.otlp.grpc import GrpcServer
from otel_sessions.receivers.otlp.http import http_server


class OtlpReceiver:
    """Listens on the protocols of its settings and hands every request to `consumer`."""

    def __init__(self, id_: ComponentId, settings: OtlpSettings, host: Host, consumer: Consumer) -> None:
        self._id = id_
        self._settings = settings
        self._host = host
        self._consumer = consumer
        self._servers: list[Listening] = []
        self._endpoints: dict[str, str] = {}

    @property
    def endpoints(self) -> Mapping[str, str]:
        return dict(self._endpoints)

    def start(self) -> None:
        """Listens; `ConfigError` naming the endpoint when its port cannot be had."""
        grpc, http = self._settings.protocols.grpc, self._settings.protocols.http
        if grpc is not None:
            accounting, access = self._door("grpc", grpc.auth)
            name, path = f"{self._id}/grpc", self._path("grpc.endpoint")
            self._open(GrpcServer(grpc, self._consumer, accounting, access, self._host, name=name, path=path))
        if http is not None:
            accounting, access = self._door("http", http.auth)
            name, path = f"{self._id}/http", self._path("http.endpoint")
            self._open(http_server(http, self._consumer, accounting, access, self._host, name=name, path=path))

    def shutdown(self, timeout: float) -> None:
        """Takes no new requests, and lets those at work be answered within `timeout` seconds."""
        servers, self._servers = self._servers, []
        if servers:
            with ThreadPoolExecutor(len(servers)) as pool:
                list(pool.map(lambda server: server.shutdown(timeout), servers))

    def _open(self, server: Listening) -> None:
        server.start()
        self._servers.append(server)
        self._endpoints.update(server.endpoints)

    def _door(self, transport: str, auth: AuthSettings | None) -> tuple[Accounting, Access]:
        accounting = Accounting(self._id, transport, self._host.metrics)
        return accounting, access_to(self._host, auth, self._path(transport))

    def _path(self, key: str) -> str:
        return f"receivers.{self._id}.protocols.{key}"


factory = Factory("otlp", OtlpSettings, OtlpReceiver, "OpenTelemetry's own protocol")
