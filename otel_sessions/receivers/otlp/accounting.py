# SPDX-License-Identifier: Apache-2.0
"""What became of the requests of one receiver over one transport, in numbers; and what came to it in vain."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import Final

from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from otel_sessions.component import ComponentId, Outcome
from otel_sessions.receivers.otlp.status import status_of
from otel_sessions.telemetry import Intervals, Metrics

_logger = logging.getLogger(__name__)
_A_DAY_S: Final = 86_400.0
SIGNALS: Final = ("logs", "metrics")
"""Which OTLP has services for, that clients call unasked."""


class Accounting:
    """Counts under the labels `receiver` and `transport`; any thread may call it."""

    def __init__(self, receiver: ComponentId, transport: str, metrics: Metrics) -> None:
        self._labels = (str(receiver), transport)
        self._accepted_spans = metrics.accepted_spans.labels(*self._labels)
        self._refused_spans = metrics.refused_spans.labels(*self._labels)
        self._refused_requests = metrics.refused_requests
        self._notices = Intervals(every_s=_A_DAY_S)

    def count(self, future: Future[Outcome]) -> None:
        """Counts the spans of a future that is done, whether or not anybody waits for it still; no errors."""
        if not future.cancelled() and future.exception() is None:
            self.count_outcome(future.result())

    def count_outcome(self, outcome: Outcome) -> None:
        """Counts the spans of a request that is answered."""
        self._accepted_spans.inc(outcome.accepted_spans)
        if outcome.rejected_spans:
            self._refused_spans.inc(outcome.rejected_spans)

    def count_refused(self, error: BaseException) -> Status:
        """Counts a request that is refused whole; what its client is told."""
        status = status_of(error)
        self.count_refused_as(status.code)
        return status

    def count_refused_as(self, code: int) -> None:
        """Counts a request that is refused whole, by a number of `google.rpc.Code`."""
        self._refused_requests.labels(*self._labels, Code.Name(code)).inc()

    def note_other_signal(self, signal: str, host: str) -> str:
        """Logs that logs or metrics come in vain, once a day and host; what their client is told."""
        message = (
            f"this service stores traces, not {signal}; "
            f"set OTEL_{signal.upper()}_EXPORTER=none in the sending application to turn its {signal} off"
        )
        if self._notices.due(f"{signal} {host}"):
            _logger.warning("%s sends %s, which are not stored: %s", host, signal, message)
        return message
