"""The HTTP server of the receiver: its port and its end."""

from __future__ import annotations

from otel_sessions.errors import ConfigError, Fault
from otel_sessions.http.auth import Access
from otel_sessions.http.server import HttpServer
from otel_sessions.langfuse import LangfuseApi
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.config import HttpSettings
from otel_sessions.receivers.otlp.http_app import application
from otel_sessions.receivers.otlp.http_export import HttpTraces
from otel_sessions.types import HostPort

_KEEP_ALIVE_S = 75  # well over the 5 s after which an SDK sends again, so that it never meets a closing connection


class HttpListener:
    """Serves `traces` and `langfuse` from `start()` until `shutdown()`."""

    def __init__(
        self, settings: HttpSettings, traces: HttpTraces, access: Access, accounting: Accounting, langfuse: LangfuseApi
    ) -> None:
        self._closing = (traces, langfuse)
        app = application(settings, traces, access, accounting, langfuse)
        tls = settings.tls.context() if settings.tls else None
        self._server = HttpServer(app, settings.endpoint, on_stop=self._close, keep_alive_s=_KEEP_ALIVE_S, tls=tls)

    def start(self, path: str) -> HostPort:
        """Listens, and returns the address taken; `ConfigError` at `path` when it cannot be had."""
        try:
            self._server.start()
        except OSError as error:
            raise ConfigError([Fault(path, error.strerror or str(error))]) from error
        return HostPort.parse(self._server.address)

    def shutdown(self, timeout: float) -> None:
        """Takes no new requests, answers those at work within `timeout` seconds, and the rest with 503."""
        self._server.shutdown(timeout)

    def _close(self) -> None:
        for each in self._closing:
            each.close()
