# SPDX-License-Identifier: Apache-2.0
"""The service's own traces and logs over OTLP, as `service.telemetry.traces` and `.logs` say.

A trace is an attempt to store spans; logs are what standard error has. What the SDK itself logs is not sent, so that an
end point that is away does not make more to send.
"""

from __future__ import annotations

import logging
import socket
import traceback
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry._logs import Logger as OtelLogger
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracer, Tracer

from otel_sessions._version import __version__
from otel_sessions.config.model import Otlp, Telemetry

_ROOT: Final = logging.getLogger("otel_sessions")
_SEVERITIES: Final = (
    (logging.ERROR, SeverityNumber.ERROR),
    (logging.WARNING, SeverityNumber.WARN),
    (logging.INFO, SeverityNumber.INFO),
)


class OwnTelemetry:
    """Sends from `start` to `shutdown`; `tracer` makes the spans, and makes nothing where no trace is to be sent."""

    def __init__(self, settings: Telemetry) -> None:
        self._settings = settings
        self.tracer: Tracer = NoOpTracer()
        self._spans: TracerProvider | None = None
        self._logs: LoggerProvider | None = None
        self._handler: logging.Handler | None = None

    def start(self) -> None:
        if not self._settings.traces.processors and not self._settings.logs.processors:
            return
        resource = Resource.create(
            {
                "service.name": "otel-sessions",
                "service.version": __version__,
                "service.instance.id": socket.gethostname(),
            }
        )
        if self._settings.traces.processors:
            self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
            for each in self._settings.traces.processors:
                self._spans.add_span_processor(BatchSpanProcessor(_exporter(each.batch.exporter.otlp, "traces")))
            self.tracer = self._spans.get_tracer("otel_sessions", __version__)
        if self._settings.logs.processors:
            self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
            for each in self._settings.logs.processors:
                self._logs.add_log_record_processor(
                    BatchLogRecordProcessor(_exporter(each.batch.exporter.otlp, "logs"))
                )
            self._handler = _Handler(self._logs.get_logger("otel_sessions", __version__))
            _ROOT.addHandler(self._handler)

    def shutdown(self, timeout: float) -> None:
        """Sends what waits, as far as `timeout` seconds allow; a second call does nothing."""
        if self._handler is not None:
            _ROOT.removeHandler(self._handler)
        for provider in (self._spans, self._logs):
            if provider is not None:
                provider.force_flush(int(timeout * 1000))
                provider.shutdown()
        self._spans = self._logs = self._handler = None
        self.tracer = NoOpTracer()


class _Handler(logging.Handler):
    """Hands records of logging on as log records of OpenTelemetry, with the exception's type, message and stack."""

    def __init__(self, logger: OtelLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        attributes: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            attributes |= {
                "exception.type": record.exc_info[0].__name__,
                "exception.message": str(record.exc_info[1]),
                "exception.stacktrace": "".join(traceback.format_exception(*record.exc_info)),
            }
        at = int(record.created * 1e9)
        self._logger.emit(
            LogRecord(
                timestamp=at,
                observed_timestamp=at,
                severity_text=record.levelname,
                severity_number=next(
                    (number for level, number in _SEVERITIES if record.levelno >= level), SeverityNumber.DEBUG
                ),
                body=record.getMessage(),
                attributes=attributes,
            )
        )


def _exporter(otlp: Otlp, signal: str) -> Any:
    """The SDK's exporter of one signal; what is loaded is what the protocol needs."""
    headers = {each.name.lower(): each.value.get_secret_value() for each in otlp.headers}
    if otlp.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans  # noqa: PLC0415

        grpc = GrpcSpans if signal == "traces" else GrpcLogs
        insecure = otlp.insecure or otlp.endpoint.startswith("http://")
        return grpc(endpoint=otlp.endpoint, insecure=insecure, headers=headers)
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans  # noqa: PLC0415

    http = HttpSpans if signal == "traces" else HttpLogs
    base = otlp.endpoint.rstrip("/")
    return http(endpoint=base if urlsplit(base).path else f"{base}/v1/{signal}", headers=headers)
