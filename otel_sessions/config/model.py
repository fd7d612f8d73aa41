# SPDX-License-Identifier: Apache-2.0
"""What a configuration is once it is known to be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from otel_sessions.component import GROUPS, ComponentId, Kind, Settings
from otel_sessions.types import Duration, HostPort

_LEVELS = {"WARN": "WARNING", "FATAL": "CRITICAL"}


def _level(value: object) -> object:
    """The Collector's names of levels, in any case, as Python's."""
    return _LEVELS.get(value.upper(), value.upper()) if isinstance(value, str) else value


class MetricsSettings(Settings):
    """`service.telemetry.metrics`: where Prometheus finds `/metrics`; level `none` turns it off."""

    level: Literal["none", "basic", "normal", "detailed"] = "normal"
    endpoint: HostPort = HostPort("127.0.0.1", 8888)


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or not urlsplit(text).hostname:
        raise ValueError("write where to send it, as in https://collector.example.com:4318")
    return text


class Header(Settings):
    name: str = Field(min_length=1)
    value: SecretStr


class Otlp(Settings):
    """Where own telemetry goes; over HTTP to `/v1/traces` and `/v1/logs` below an endpoint without a path."""

    protocol: Literal["http/protobuf", "grpc"] = "http/protobuf"
    endpoint: Annotated[str, AfterValidator(_url)]
    headers: tuple[Header, ...] = ()
    insecure: bool = False


class OwnExporter(Settings):
    otlp: Otlp


class BatchProcessor(Settings):
    exporter: OwnExporter


class OwnProcessor(Settings):
    """An entry of `processors` of the service's own traces or logs, as the Collector writes it."""

    batch: BatchProcessor


class LogsSettings(Settings):
    """`service.telemetry.logs`; `level` is a name that Python's logging knows; `json` is an object a line. They go to
    standard error, and to each of the `processors` besides."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_level)] = "INFO"
    encoding: Literal["console", "json"] = "console"
    processors: tuple[OwnProcessor, ...] = ()


class TracesSettings(Settings):
    """`service.telemetry.traces`: where the service's own traces go; nowhere by default."""

    processors: tuple[OwnProcessor, ...] = ()


class Telemetry(Settings):
    """`service.telemetry`: what the service tells of itself."""

    metrics: MetricsSettings = MetricsSettings()
    logs: LogsSettings = LogsSettings()
    traces: TracesSettings = TracesSettings()


class ServiceSettings(Settings):
    """`service`. Its references to components are checked on their own, see `check`."""

    extensions: Any = None
    pipelines: Any = None
    telemetry: Telemetry = Telemetry()
    shutdown_timeout: Duration = 30.0


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Component ids in the order of the configuration; no id twice in a list."""

    receivers: tuple[ComponentId, ...]
    processors: tuple[ComponentId, ...]
    exporters: tuple[ComponentId, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """What runs. `pipelines` has at least one, each with a receiver and an exporter; `shutdown_timeout` in seconds."""

    pipelines: Mapping[ComponentId, Pipeline]
    extensions: tuple[ComponentId, ...] = ()
    telemetry: Telemetry = field(default_factory=Telemetry)
    shutdown_timeout: float = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """A whole configuration: every component's own `Settings` by id, and the service that uses them.

    Every id in `service` is configured; a configured one may be unused, which `warnings` then says. Has no
    `repr` of its own, so that no log shows a password by accident.
    """

    receivers: Mapping[ComponentId, Settings]
    processors: Mapping[ComponentId, Settings]
    exporters: Mapping[ComponentId, Settings]
    extensions: Mapping[ComponentId, Settings]
    service: Service
    warnings: tuple[str, ...] = ()

    def settings(self, kind: Kind) -> Mapping[ComponentId, Settings]:
        """The configured components of a kind."""
        found: Mapping[ComponentId, Settings] = getattr(self, kind)
        return found

    def used(self, kind: Kind) -> tuple[ComponentId, ...]:
        """The ids of a kind that the service names, each once, in the order it names them."""
        if kind == "extensions":
            return self.service.extensions
        named = (id_ for pipeline in self.service.pipelines.values() for id_ in getattr(pipeline, kind))
        return tuple(dict.fromkeys(named))

    @property
    def forget_for_s(self) -> float | None:
        """How long spans of a deleted session stay away, in seconds, None for ever: as the first exporter in use with
        `retention` says, else a day."""
        kept = (getattr(self.exporters[id_], "retention", None) for id_ in self.used("exporters"))
        return next((retention.forget_for for retention in kept if retention is not None), 86_400.0)

    def is_whole(self) -> bool:
        """Whether there are settings of all that the service names; those with faults are left out."""
        return all(id_ in self.settings(kind) for kind in GROUPS for id_ in self.used(kind))
