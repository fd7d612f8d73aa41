# SPDX-License-Identifier: Apache-2.0
"""Exporters `otlp_grpc` and `otlp_http`: spans to another OTLP back end, as the processors left them."""

from __future__ import annotations

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.exporters.otlp.client import GrpcClient, HttpClient
from otel_sessions.exporters.otlp.config import OtlpConfig, OtlpHttpConfig
from otel_sessions.exporters.otlp.exporter import OtlpExporter

__all__ = ["OtlpConfig", "OtlpExporter", "OtlpHttpConfig", "factory", "http_factory", "old_factory", "old_http_factory"]


def _grpc(component_id: ComponentId, config: OtlpConfig, host: Host) -> OtlpExporter:
    return OtlpExporter(component_id, host, lambda: GrpcClient(config))


def _http(component_id: ComponentId, config: OtlpHttpConfig, host: Host) -> OtlpExporter:
    return OtlpExporter(component_id, host, lambda: HttpClient(config))


factory = Factory("otlp_grpc", OtlpConfig, _grpc, "Forwards spans to another OTLP back end over gRPC.")
http_factory = Factory("otlp_http", OtlpHttpConfig, _http, "Forwards spans to another OTLP back end over HTTP.")
old_factory = Factory("otlp", OtlpConfig, _grpc, "The older name of otlp_grpc.", replaced_by="otlp_grpc")
old_http_factory = Factory("otlphttp", OtlpHttpConfig, _http, "The older name of otlp_http.", replaced_by="otlp_http")
