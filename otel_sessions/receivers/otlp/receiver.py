"""The receiver `otlp`: one object over all its protocols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from otel_sessions.component import AuthSettings, ComponentId, Consumer, Factory, Host
from otel_sessions.http.auth import Access, access_to
from otel_sessions.langfuse import LangfuseApi
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.config import OtlpSettings
from otel_sessions.receivers.otlp.export import TraceService
from otel_sessions.receivers.otlp.grpc_server import GrpcServer
from otel_sessions.receivers.otlp.http_export import HttpTraces
from otel_sessions.receivers.otlp.http_listener import HttpListener
from otel_sessions.types import HostPort


class Server(Protocol):
    """One protocol."""

    def start(self, path: str) -> HostPort:
        """Listens, and returns the address taken; `ConfigError` at `path` when it cannot be had."""
        ...

    def shutdown(self, timeout: float) -> None: ...


class OtlpReceiver:
    """Listens on the protocols of its settings and hands every request to `consumer`."""

    def __init__(self, id_: ComponentId, settings: OtlpSettings, host: Host, consumer: Consumer) -> None:
        self._id = id_
        self._settings = settings
        self._host = host
        self._consumer = consumer
        self._servers: list[Server] = []
        self._endpoints: dict[str, str] = {}

    @property
    def endpoints(self) -> Mapping[str, str]:
        return dict(self._endpoints)

    def start(self) -> None:
        """Listens; `ConfigError` naming the endpoint when its port cannot be had."""
        for name, server in self._protocols():
            taken = server.start(f"{self._path(name)}.endpoint")
            self._servers.append(server)
            self._endpoints[f"{self._id}/{name}"] = str(taken)

    def shutdown(self, timeout: float) -> None:
        """Takes no new requests, and lets those at work be answered within `timeout` seconds."""
        servers, self._servers = self._servers, []
        if servers:
            with ThreadPoolExecutor(len(servers)) as pool:
                list(pool.map(lambda server: server.shutdown(timeout), servers))

    def _protocols(self) -> Iterator[tuple[str, Server]]:
        grpc, http = self._settings.protocols.grpc, self._settings.protocols.http
        if grpc is not None:
            accounting, access = self._accounting("grpc"), self._access("grpc", grpc.auth)
            yield "grpc", GrpcServer(grpc, TraceService(self._consumer, accounting, access, grpc.tls))
        if http is not None:
            accounting, access = self._accounting("http"), self._access("http", http.auth)
            traces = HttpTraces(self._consumer, accounting, http.max_request_body_size)
            langfuse = LangfuseApi(self._consumer, self._host.clickhouse, http.max_request_body_size)
            yield "http", HttpListener(http, traces, access, accounting, langfuse)

    def _accounting(self, transport: str) -> Accounting:
        return Accounting(self._id, transport, self._host.metrics)

    def _access(self, transport: str, auth: AuthSettings | None) -> Access:
        return access_to(self._host, auth, transport, self._path(transport))

    def _path(self, transport: str) -> str:
        return f"receivers.{self._id}.protocols.{transport}"


factory = Factory("otlp", OtlpSettings, OtlpReceiver, "OpenTelemetry's own protocol")
