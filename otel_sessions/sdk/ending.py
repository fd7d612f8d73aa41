"""The end of a process: what waits is sent if somebody listens, and nobody is waited for who does not.

OpenTelemetry's exporters try again for 10 s, by default, when a connection is refused, also when the program has ended.
"""

from __future__ import annotations

import socket
import weakref
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from otel_sessions.sdk.quietly import Quietly, logger

CONNECT_S: Final = 1.0
_PORTS: Final = {"http": 80, "https": 443}
_asking = Quietly("asking whether a receiver listens")
_stopping = Quietly("stopping an exporter")


class EndingProcessor(BatchSpanProcessor):
    """Sends spans in batches. `shutdown` sends what waits, or drops it where nobody listens at `endpoint`."""

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        super().__init__(exporter)
        self._endpoint = endpoint

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """False at once where nobody listens; what waits goes on waiting."""
        return listens(self._endpoint) and super().force_flush(timeout_millis)

    def shutdown(self) -> None:
        if not listens(self._endpoint):
            logger.warning("nobody listens at %s: spans that were not sent yet are dropped", self._endpoint)
            with _stopping:
                # Before the processor, which would wait for it: it stops trying again.
                self.span_exporter.shutdown()
        super().shutdown()  # type: ignore[no-untyped-call]


def let_finalizers_wait() -> None:
    """Lets the finalizers of this process, one of which closes a chDB client, run after the tracer providers that are
    made from now on have sent what waits: at exit they have the place of the first finalizer that was ever made."""
    weakref.finalize(EndingProcessor, int)


def listens(endpoint: str) -> bool:
    """Whether a connection to the host and port of a URL is taken within a second; True where that says nothing: for
    other URLs, and where a proxy stands between."""
    with _asking:
        url = urlsplit(endpoint)
        port = url.port or _PORTS.get(url.scheme)
        if not url.hostname or not port or _is_proxied(url.scheme, url.hostname):
            return True
        try:
            socket.create_connection((url.hostname, port), CONNECT_S).close()
        except OSError:
            return False
    return True


def _is_proxied(scheme: str, host: str) -> bool:
    from urllib import request  # noqa: PLC0415 - imports the whole of HTTP

    return bool({scheme, "all"} & request.getproxies().keys()) and not request.proxy_bypass(host)
