"""The processors with the exporters that arguments and OpenTelemetry's environment variables ask for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from otel_sessions.sdk.ending import EndingProcessor, let_finalizers_wait

GROUP: Final = "opentelemetry_traces_exporter"
_HTTP_PORT: Final = 4318
_DEFAULTS: Final = {"grpc": "localhost:4317", "http/protobuf": "localhost:4318"}
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def processors(endpoint: str | None, protocol: str | None, headers: Mapping[str, str] | None) -> list[SpanProcessor]:
    """OTLP to `endpoint`; without one, what `OTEL_TRACES_EXPORTER` names, OTLP by default. May raise anything."""
    names = ["otlp"] if endpoint is not None else os.environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",")
    return [
        _otlp(endpoint, protocol, headers) if name == "otlp" else BatchSpanProcessor(_named(name))
        for name in map(str.strip, names)
        if name not in _NONE
    ]


def environment_endpoint() -> str | None:
    return _first(_ENDPOINTS)


def _otlp(endpoint: str | None, protocol: str | None, headers: Mapping[str, str] | None) -> SpanProcessor:
    """Over gRPC or HTTP: by `protocol`, the environment, or the port and path of the endpoint; gRPC by default."""
    target = endpoint or environment_endpoint()
    wanted = protocol or _first(_PROTOCOLS) or _guessed(target)
    sent = dict(headers) if headers else None
    exporter: SpanExporter
    if wanted == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        exporter = OTLPSpanExporter(endpoint=endpoint and _with_scheme(endpoint), headers=sent)
    elif wanted == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http import trace_exporter  # noqa: PLC0415

        exporter = trace_exporter.OTLPSpanExporter(endpoint=endpoint and _traces_url(endpoint), headers=sent)
    else:
        raise ValueError(f"the protocol {wanted!r} is not known here; there are grpc and http/protobuf")
    return EndingProcessor(exporter, _with_scheme(target or _DEFAULTS[wanted]))


def _named(name: str) -> SpanExporter:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, seldom needed

    for entry in entry_points(group=GROUP, name=name):
        exporter: SpanExporter = entry.load()()
        return exporter
    raise ValueError(f"no exporter of the name {name!r} is installed")


def _guessed(endpoint: str | None) -> str:
    if endpoint is None:
        return "grpc"
    url = urlsplit(_with_scheme(endpoint))
    return "http/protobuf" if url.port == _HTTP_PORT or url.path.strip("/") else "grpc"


def _traces_url(endpoint: str) -> str:
    """The URL for spans; one that has a path beyond `/v1/traces` or `/` is a base, as in the environment variable."""
    url = _with_scheme(endpoint).rstrip("/")
    return url if url.endswith("/v1/traces") else f"{url}/v1/traces"


def _with_scheme(endpoint: str) -> str:
    return endpoint if "://" in endpoint else f"http://{endpoint}"


def _first(names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := os.environ.get(name, "").strip())), None)


_NONE: Final = ("", "none")
let_finalizers_wait()  # whatever exporter is named, `configure` makes its provider later
