# SPDX-License-Identifier: Apache-2.0
"""The service that `ClickHouseSpanExporter` runs: no listener, and a receiver that is a function call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan

from otel_sessions.component import ComponentId, Consumer, Factory, Host, Kind, Request, Settings
from otel_sessions.config import Config, load
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.service import Service

_TYPE: Final = "in_process"
_FIXED: Final = (
    f"receivers.{_TYPE}={{}}",
    f"service.pipelines.traces.receivers=[{_TYPE}]",
    "service.extensions=[]",
    "service.telemetry.metrics.level=none",
    "exporters.clickhouse.sending_queue.storage=memory",
)


class _Receiver:
    """Knows the consumer; listens nowhere."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.endpoints: Mapping[str, str] = {}

    def start(self) -> None:
        pass

    def shutdown(self, timeout: float) -> None:
        pass


class _Registry(EntryPoints):
    """The installed plugins and this receiver."""

    def __init__(self) -> None:
        self.receivers: list[_Receiver] = []

    def factory(self, kind: Kind, type_: str, path: str) -> Factory[Any]:
        if (kind, type_) == ("receivers", _TYPE):
            return Factory(_TYPE, Settings, self._create)
        return super().factory(kind, type_, path)

    def _create(self, id_: ComponentId, config: Settings, host: Host, consumer: Consumer) -> _Receiver:
        self.receivers.append(_Receiver(consumer))
        return self.receivers[-1]


def config(endpoint: str, settings: Mapping[str, Any]) -> Config:
    """The default pipeline with the exporter's settings; raises `ConfigError`."""
    values = {"endpoint": endpoint, **settings}
    sets = [f"exporters.clickhouse.{key}={json.dumps(value).replace('$', '$$')}" for key, value in values.items()]
    return load((), [*_FIXED, *sets], registry=_Registry())


def start(config: Config) -> tuple[Service, Consumer]:
    """Starts a service; returns it and what takes its requests; raises `OtelSessionsError`."""
    registry = _Registry()
    service = Service(config, registry)
    service.start()
    return service, registry.receivers[0].consumer


def encode(spans: Sequence[ReadableSpan]) -> Request:
    """Encodes the spans as one OTLP request."""
    return Request(encode_spans(spans).SerializeToString())
