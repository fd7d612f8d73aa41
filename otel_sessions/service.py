# SPDX-License-Identifier: Apache-2.0
"""Start and stop order, and nothing else: components from a configuration, and a drain."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from opentelemetry.trace import NoOpTracer, Tracer

from otel_sessions import langfuse, session_service
from otel_sessions.clickhouse.client import clear_inserts, endpoint_in_use
from otel_sessions.component import (
    Authenticator,
    AuthenticatorSettings,
    ComponentId,
    Consumer,
    Exporter,
    Extension,
    Host,
    Kind,
    Receiver,
)
from otel_sessions.config import Config, dotted, listeners
from otel_sessions.config.plugins import EntryPoints, Registry
from otel_sessions.errors import ConfigError, Fault
from otel_sessions.exporterhelper.config import SendingQueue, SendingSettings
from otel_sessions.http.metrics import metrics_server
from otel_sessions.http.server import HttpServer
from otel_sessions.lock import OWNER_SECRET, DataLock
from otel_sessions.pdata import decoder
from otel_sessions.pipeline import Fanout, Outlet, Pipeline
from otel_sessions.telemetry import Metrics
from otel_sessions.types import address_problem

if TYPE_CHECKING:
    from otel_sessions.own_telemetry import OwnTelemetry

logger = logging.getLogger("otel_sessions.service")
_LIFE = "service"
_BEFORE = "service/before"
_TELEMETRY_S = 2.0
"""How long what the service tells of itself may take at the end."""


@runtime_checkable
class LookingBack(Protocol):
    """An exporter that looks after what it has stored, and on call at all that was stored of late."""

    def look_back(self) -> None: ...


class Service:
    """All components of a configuration, running between `start` and `shutdown`.

    What is asked stops before what answers: receivers, pipelines, exporters, extensions. A start that fails stops what
    it had started and raises `OtelSessionsError`.
    """

    def __init__(self, config: Config, registry: Registry | None = None) -> None:
        self.config = config
        self._registry = registry or EntryPoints()
        self._lock: DataLock | None = None
        self._exporters: dict[ComponentId, Exporter] = {}
        self._pipelines: dict[ComponentId, Pipeline] = {}
        self._listening: dict[str, str] = {}
        self._host = Host(Metrics())
        self._telemetry: OwnTelemetry | None = None
        self._extensions: list[Extension | HttpServer] = []
        self._receivers: list[Receiver] = []

    @property
    def endpoints(self) -> Mapping[str, str]:
        """What listens where: `otlp/grpc`, `clickhouse_http`, `health_check`, `metrics`, ... to `host:port`."""
        return dict(self._listening)

    @property
    def running(self) -> list[str]:
        """Names of its threads that have not ended; after `shutdown` those that were not done in time."""
        return sorted(self._host.running)

    def look_back(self) -> None:
        """Has exporters look after what was stored of late, by whomever: threads of a service before this one."""
        for exporter in self._exporters.values():
            if isinstance(exporter, LookingBack):
                exporter.look_back()

    def tell_of_left(self, threads: Sequence[str]) -> None:
        """Says, as a problem that keeps no request from being taken, which threads of a service before are left."""
        named = f"threads of the service before the reload have not ended: {', '.join(threads)}"
        self._host.report(_BEFORE, named if threads else None)

    def start(self) -> None:
        try:
            self._start()
        except BaseException:
            self.shutdown()
            raise

    def shutdown(self) -> list[str]:
        """Drains within `service.shutdown_timeout`, and returns the names of threads that have not ended by then.

        What they were at is done at the next start. A second call does nothing.
        """
        self._host.report(_LIFE, "stopping", refuses=True)
        end = time.monotonic() + self.config.service.shutdown_timeout
        for receiver in self._receivers:
            _shutdown(receiver, end)
        for pipeline in self._pipelines.values():
            _shutdown(pipeline, end)
        for exporter in self._exporters.values():
            _shutdown(exporter, end)
        for extension in reversed(self._extensions):
            _shutdown(extension, end)
        self._receivers, self._pipelines, self._exporters, self._extensions = [], {}, {}, []
        self._host.metrics.refusals.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if self._telemetry is not None:
            self._telemetry.shutdown(_TELEMETRY_S)
            self._telemetry = None
        return self.running

    def _start(self) -> None:
        clickhouse = endpoint_in_use({id_: self.config.exporters[id_] for id_ in self.config.used("exporters")})
        self._host = Host(
            Metrics(),
            clickhouse,
            mounts=[partial(langfuse.mount, clickhouse)],
            grpc_mounts=[partial(session_service.mount, clickhouse)],
            forget_for_s=self.config.forget_for_s,
            tracer=self._own_tracer(),
        )
        self._host.report(_LIFE, "starting", refuses=True)
        self._listening = {}
        data = clickhouse and clickhouse.path
        if data and data.is_dir():  # a service that has the data already has the ports too
            self._lock = DataLock(data)
        self._find_taken_ports()
        if data and self._lock is None:
            self._lock = DataLock(data)
        if data:
            clear_inserts(data)
        self._tell_where_data_are()
        logger.info("requests are decoded by the %s decoder", decoder())
        for id_ in self.config.used("exporters"):
            self._exporters[id_] = self._create("exporters", id_)
            self._exporters[id_].start()
        outlets = {id_: self._outlet(id_) for id_ in self._exporters}
        for name, parts in self.config.service.pipelines.items():
            processors = [(id_, self._create("processors", id_)) for id_ in parts.processors]
            pipeline = Pipeline(str(name), processors, [outlets[id_] for id_ in parts.exporters], self._host)
            pipeline.start()
            self._pipelines[name] = pipeline
        self._tell_of_forgotten_logs()
        for id_ in sorted(self.config.used("extensions"), key=self._is_no_authenticator):  # who listens may ask one
            extension = self._create("extensions", id_)
            self._listen(extension, self._extensions)
            if isinstance(extension, Authenticator):
                self._host.authenticators[id_] = extension
        metrics = self.config.service.telemetry.metrics
        if metrics.level != "none":
            self._listen(metrics_server(metrics.endpoint, self._host), self._extensions)
        for id_ in self.config.used("receivers"):
            self._listen(self._create("receivers", id_, self._consumer(id_)), self._receivers)
        if self._lock is not None:
            self._lock.describe({**self._listening, OWNER_SECRET: self._host.owner_secret})
        self._host.report(_LIFE, None)

    def _own_tracer(self) -> Tracer:
        """Starts sending what the service tells of itself; the SDK is loaded where it is to be sent."""
        telemetry = self.config.service.telemetry
        if telemetry.traces.processors or telemetry.logs.processors:
            from otel_sessions.own_telemetry import OwnTelemetry  # noqa: PLC0415

            self._telemetry = OwnTelemetry(telemetry)
            self._telemetry.start()
            return self._telemetry.tracer
        return NoOpTracer()

    def _find_taken_ports(self) -> None:
        """`ConfigError` with every address that is not to be had, before anything is made on disk."""
        faults = [
            Fault(dotted(path), f"{problem}, as in --set {dotted(path)}={replace(address, port=0)}")
            for path, address in listeners(self.config)
            if (problem := address_problem(address))
        ]
        if faults:
            raise ConfigError(faults)

    def _outlet(self, id_: ComponentId) -> Outlet:
        """An exporter with its settings for sending; one without any stores from memory."""
        config = self.config.exporters[id_]
        memory = SendingSettings(sending_queue=SendingQueue(storage="memory"))
        return Outlet(id_, self._exporters[id_], config if isinstance(config, SendingSettings) else memory)

    def _tell_of_forgotten_logs(self) -> None:
        """A pipeline or exporter that was renamed leaves its log behind."""
        logs = [
            (config.log_directory(), config.log_of(str(id_), str(name)))
            for name, parts in self.config.service.pipelines.items()
            for id_ in parts.exporters
            if isinstance(config := self.config.exporters[id_], SendingSettings)
        ]
        left = {segment.parent for base, _ in logs for segment in base.glob("*/*/*.wal")}
        for directory in sorted(left - {used for _, used in logs}):
            logger.warning("requests wait in %s, of a pipeline or exporter that is not configured any more", directory)

    def _tell_where_data_are(self) -> None:
        if self._host.clickhouse:
            logger.info("sessions are stored in %s", self._host.clickhouse)
        for id_ in self.config.used("exporters"):
            settings = self.config.exporters[id_]
            if isinstance(settings, SendingSettings) and settings.sending_queue.storage == "wal":
                logger.info("requests wait in %s until %s has stored them", settings.log_directory(), id_)

    def _is_no_authenticator(self, extension: ComponentId) -> bool:
        return not isinstance(self.config.extensions[extension], AuthenticatorSettings)

    def _listen(self, component: Any, running: list[Any]) -> None:
        running.append(component)
        component.start()
        self._listening.update(component.endpoints)
        self._host.endpoints.update(component.endpoints)

    def _create(self, kind: Kind, id_: ComponentId, *more: object) -> Any:
        factory = self._registry.factory(kind, id_.type, f"{kind}.{id_}")
        return factory.create(id_, self.config.settings(kind)[id_], self._host, *more)

    def _consumer(self, receiver: ComponentId) -> Consumer:
        pipelines = self.config.service.pipelines
        fed = [pipeline for name, pipeline in self._pipelines.items() if receiver in pipelines[name].receivers]
        return fed[0] if len(fed) == 1 else Fanout(fed)


def _shutdown(component: Any, end: float) -> None:
    """Stops one component; what it raises is logged, so that the others are stopped too."""
    try:
        component.shutdown(max(0.0, end - time.monotonic()))
    except Exception:
        logger.exception("a component did not stop well")
