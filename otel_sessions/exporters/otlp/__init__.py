"""Exporters `otlp` and `otlphttp`: spans to another OTLP back end, as they came but for what the processors changed."""

from __future__ import annotations

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.exporters.otlp.config import OtlpConfig, OtlpHttpConfig
from otel_sessions.exporters.otlp.exporter import OtlpExporter
from otel_sessions.exporters.otlp.grpc_client import GrpcClient
from otel_sessions.exporters.otlp.http_client import HttpClient

__all__ = ["OtlpConfig", "OtlpExporter", "OtlpHttpConfig", "factory", "http_factory"]


def _grpc(component_id: ComponentId, config: OtlpConfig, host: Host) -> OtlpExporter:
    return OtlpExporter(component_id, host, lambda: GrpcClient(config))


def _http(component_id: ComponentId, config: OtlpHttpConfig, host: Host) -> OtlpExporter:
    return OtlpExporter(component_id, host, lambda: HttpClient(config))


factory = Factory("otlp", OtlpConfig, _grpc, "Forwards spans to another OTLP back end over gRPC.")
http_factory = Factory("otlphttp", OtlpHttpConfig, _http, "Forwards spans to another OTLP back end over HTTP.")
