"""What became of the requests of one receiver over one transport, in numbers."""

from __future__ import annotations

from concurrent.futures import Future

from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from otel_sessions.component import ComponentId, Outcome
from otel_sessions.receivers.otlp.status import status_of
from otel_sessions.telemetry import Metrics


class Accounting:
    """Counts under the labels `receiver` and `transport`; any thread may call it."""

    def __init__(self, receiver: ComponentId, transport: str, metrics: Metrics) -> None:
        self._labels = (str(receiver), transport)
        self._accepted_spans = metrics.accepted_spans.labels(*self._labels)
        self._refused_spans = metrics.refused_spans.labels(*self._labels)
        self._refused_requests = metrics.refused_requests

    def count(self, future: Future[Outcome]) -> None:
        """The spans of a future that is done, whether or not anybody waits for it still; errors are `refused`."""
        if not future.cancelled() and future.exception() is None:
            outcome = future.result()
            self._accepted_spans.inc(outcome.accepted_spans)
            self._refused_spans.inc(outcome.rejected_spans)

    def refused(self, error: BaseException) -> Status:
        """Counts a request that is refused whole; what its client is told."""
        status = status_of(error)
        self.refused_as(status.code)
        return status

    def refused_as(self, code: int) -> None:
        """Counts a request that is refused whole, by a number of `google.rpc.Code`."""
        self._refused_requests.labels(*self._labels, Code.Name(code)).inc()
