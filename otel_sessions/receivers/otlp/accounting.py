# SPDX-License-Identifier: Apache-2.0
"""Counts and logs what became of the requests of one receiver over one transport."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from google.rpc.code_pb2 import CANCELLED, Code
from google.rpc.status_pb2 import Status

from otel_sessions.component import ComponentId, Outcome
from otel_sessions.http.refusals import OF_READS, REJECTED, tell
from otel_sessions.receivers.otlp.status import http_status, status_of
from otel_sessions.telemetry import Intervals, Metrics

_logger = logging.getLogger(__name__)
_A_DAY_S: Final = 86_400.0
SIGNALS: Final = ("logs", "metrics")
"""The other signals of OTLP, which SDKs send unless they are told not to."""


class Accounting:
    """Counts under the labels `receiver` and `transport`; any thread may call it."""

    def __init__(self, receiver: ComponentId, transport: str, metrics: Metrics) -> None:
        self._labels = (str(receiver), transport)
        self._accepted_spans = metrics.accepted_spans.labels(*self._labels)
        self._refused_spans = metrics.refused_spans.labels(*self._labels)
        self._refused_requests = metrics.refused_requests
        self._log = metrics.refusals
        self._notices = Intervals(every_s=_A_DAY_S)

    def count(self, future: Future[Outcome], client: str, project: str) -> None:
        """Counts the spans of a future that is done, whether or not anybody waits for it still; no errors."""
        if not future.cancelled() and future.exception() is None:
            self.count_outcome(future.result(), lambda: client, project)

    def count_outcome(self, outcome: Outcome, client: Callable[[], str], project: str) -> None:
        """Counts the spans of a request that is answered; what is told of them the log has as well."""
        self._accepted_spans.inc(outcome.accepted_spans)
        if outcome.rejected_spans:
            self._refused_spans.inc(outcome.rejected_spans)
        if outcome.rejected_spans or outcome.message:
            total = outcome.accepted_spans + outcome.rejected_spans
            what = f"{outcome.rejected_spans} of {total} spans"
            self._tell(200, outcome.message or "not spans", client(), what=what, project=project, advice=REJECTED)

    def count_refused(self, error: BaseException) -> Status:
        """Counts a request that is refused whole, and returns what its client is told."""
        status = status_of(error)
        self.count_refused_as(status.code)
        return status

    def refuse(self, error: BaseException, client: str, project: str = "", nbytes: int = 0) -> Status:
        """Counts a call over gRPC that is refused whole, logs it, and returns what its client is told."""
        status = self.count_refused(error)
        reason = f"{Code.Name(status.code)} {status.message}"
        self._tell(http_status(status), reason, client, project=project, nbytes=nbytes)
        return status

    def count_cancelled(self, client: str, project: str, *, is_ended: bool) -> None:
        """Counts a call over gRPC that is over before its message was there. The log has it where it `is_ended` by us,
        as one over HTTP that takes too long; a client that goes away knows it."""
        self.count_refused_as(CANCELLED)
        if is_ended:
            self._tell(503, "CANCELLED its message did not come in time", client, project=project)

    def tell_of_read(self, status: Status, client: str, method: str, project: str) -> None:
        """Logs a read over gRPC that is refused, where a read over HTTP would be logged too."""
        of_http = http_status(status)
        if of_http in OF_READS:
            self._tell(of_http, f"{Code.Name(status.code)} {status.message}", client, what=method, project=project)

    def _tell(self, status: int, reason: str, client: str, **more: Any) -> None:
        tell(self._log, status, reason, client=client, transport="/".join(self._labels), **more)

    def count_refused_as(self, code: int) -> None:
        """Counts a request that is refused whole, by a number of `google.rpc.Code`."""
        self._refused_requests.labels(*self._labels, Code.Name(code)).inc()

    def note_other_signal(self, signal: str, host: str) -> str:
        """Logs, once a day for each host, that logs or metrics are not stored; returns what their client is told."""
        message = (
            f"this service stores traces, not {signal}; "
            f"set OTEL_{signal.upper()}_EXPORTER=none in the sending application to turn its {signal} off"
        )
        if self._notices.due(f"{signal} {host}"):
            _logger.warning("%s sends %s, which are not stored: %s", host, signal, message)
        return message
