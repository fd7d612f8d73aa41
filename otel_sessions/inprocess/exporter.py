# SPDX-License-Identifier: Apache-2.0
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
from otel_sessions.sdk.safely import log_once, logger

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
    are stored, or, with `sending_queue={"storage": "wal"}`, on disk. Raises `OtelSessionsError` for settings that are
    wrong, and nothing else: where the server's packages are not installed the log says which, and exports fail.
    """

    def __init__(self, endpoint: str | None = None, **settings: Any) -> None:
        chosen = endpoint or os.environ.get("OTEL_SESSIONS_CLICKHOUSE_ENDPOINT") or DEFAULT_ENDPOINT
        self._is_embedded = chosen.startswith("chdb:")
        self._closed = False
        self._parts: Any = None
        try:
            import_module("chdb" if self._is_embedded else "clickhouse_connect")
            self._parts = import_module("otel_sessions.inprocess.service")
        except ImportError as error:
            extra = "embedded" if self._is_embedded else "server"
            logger.error(
                "no spans are stored: %s; what is missing comes with the extra %r of otel-sessions, as in pip install "
                "'.[%s]' in its clone",
                error,
                extra,
                extra,
            )
        else:
            self._config = self._parts.config(chosen, settings)
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._running: tuple[Service, Consumer] | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._parts is None:
            return SpanExportResult.FAILURE
        try:
            request = self._parts.encode(spans)
            outcome = self._consumer().consume(request).result(_ANSWER_S)
        except Exception as error:  # noqa: BLE001 - an exporter does not raise
            log_once("storing spans in ClickHouse", type(error), error)
            return SpanExportResult.FAILURE
        return SpanExportResult.FAILURE if outcome.rejected_spans else SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        """Drains and lets go of the data; a second call does nothing."""
        self._be_of_this_process()
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
        if running is not None:
            running[0].shutdown()

    def _be_of_this_process(self) -> None:
        """The service that a parent process runs is not here, where its threads are not; nor are embedded data."""
        if self._pid != os.getpid():
            self._closed = self._closed or self._is_embedded
            self._begin()

    def _consumer(self) -> Consumer:
        self._be_of_this_process()
        with self._lock:
            if self._closed:
                raise RuntimeError(
                    "the exporter is shut down, or its embedded data belong to the parent of this process"
                )
            if self._running is None:
                self._running = self._parts.start(self._config)
            return self._running[1]
