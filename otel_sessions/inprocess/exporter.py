"""`ClickHouseSpanExporter`: the service's pipeline inside the application, without a receiver.

It stands above the service, not in `sdk`: it is the one part of the in-app half that needs `otel-sessions[server]`.
The server's modules are imported when an exporter is made.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_sessions.sdk.export import let_finalizers_wait
from otel_sessions.sdk.safely import log_once

if TYPE_CHECKING:
    from otel_sessions.component import Consumer
    from otel_sessions.service import Service

DEFAULT_ENDPOINT: Final = "chdb://./otel-sessions-data"
_ANSWER_S: Final = 30.0
let_finalizers_wait()


class ClickHouseSpanExporter(SpanExporter):
    """Stores the spans it is given as sessions in ClickHouse: `ClickHouseSpanExporter("chdb://./data")`.

    `endpoint` is that of the exporter `clickhouse` (`chdb://DIRECTORY` or `http(s)://...`), and `settings` its further
    keys; without one it is `OTEL_SESSIONS_CLICKHOUSE_ENDPOINT`, or embedded data in ./otel-sessions-data. The tables
    are made, and embedded data owned, from the first export until `shutdown`. An export is `SUCCESS` when the spans
    are stored, or, with `sending_queue={"storage": "wal"}`, on disk. Raises ImportError where the server's packages are
    not installed and `OtelSessionsError` for settings that are wrong; nothing after that.
    """

    def __init__(self, endpoint: str | None = None, **settings: Any) -> None:
        chosen = endpoint or os.environ.get("OTEL_SESSIONS_CLICKHOUSE_ENDPOINT") or DEFAULT_ENDPOINT
        self._parts = _server_parts(chosen)
        self._config = self._parts.config(chosen, settings)
        self._lock = threading.Lock()
        self._running: tuple[Service, Consumer] | None = None
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            request = self._parts.encoded(spans)
            outcome = self._consumer().consume(request).result(_ANSWER_S)
        except Exception as error:  # noqa: BLE001 - an exporter does not raise
            log_once("storing spans in ClickHouse", type(error), error)
            return SpanExportResult.FAILURE
        return SpanExportResult.FAILURE if outcome.rejected_spans else SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        """Drains and lets go of the data; a second call does nothing."""
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
        if running is not None:
            running[0].shutdown()

    def _consumer(self) -> Consumer:
        with self._lock:
            if self._closed:
                raise RuntimeError("the exporter is shut down")
            if self._running is None:
                self._running = self._parts.started(self._config)
            return self._running[1]


def _server_parts(endpoint: str) -> Any:
    """The module with all that an exporter needs; ImportError that says what to install."""
    embedded = endpoint.startswith("chdb:")
    try:
        import_module("chdb" if embedded else "clickhouse_connect")
        return import_module("otel_sessions.inprocess.service")
    except ImportError as error:
        extra = "embedded" if embedded else "server"
        raise ImportError(f"ClickHouseSpanExporter needs pip install 'otel-sessions[{extra}]': {error}") from error
