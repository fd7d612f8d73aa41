# SPDX-License-Identifier: Apache-2.0
"""Sends batches to another OTLP back end, over either transport."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_sessions.component import ComponentId, Host
from otel_sessions.errors import Permanent, Retryable, TooLarge
from otel_sessions.exporterhelper.bisect import Bisection
from otel_sessions.exporters.otlp.answers import shown
from otel_sessions.exporters.otlp.encode import chunks, encoded
from otel_sessions.pdata import SpanBatch, split

logger = logging.getLogger("otel_sessions.exporter.otlp")
REQUEST_BYTES: Final = 3 * 2**20
"""Of requests that are sent on together: the Collector's gRPC receivers take 4 MiB unless they are told otherwise."""
_REMEMBERED: Final = 64


class Client(Protocol):
    """A connection to a back end; `peer` is its name in messages."""

    peer: str

    def send(self, body: bytes) -> bytes:
        """The response's bytes; one attempt. Raises `Permanent` or `Retryable`."""
        ...

    def close(self) -> None: ...


class OtlpExporter:
    """Called by one thread at a time; `start` and `shutdown` may come from another.

    A back end that is away is no fault.
    """

    wants_requests = True

    def __init__(self, component_id: ComponentId, host: Host, connect: Callable[[], Client]) -> None:
        self._id = str(component_id)
        self._host = host
        self._connect = connect
        self._client: Client | None = None
        self._rejected = host.metrics.partly_rejected_spans.labels(self._id)
        self._sent: OrderedDict[str, set[bytes]] = OrderedDict()  # of exports that were not completed, by token

    def start(self) -> None:
        self._client = self._connect()

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        """Returns when the other side has taken all spans; one attempt. Raises `Permanent` or `Retryable`.

        A repeated attempt begins with what the one before had not come to, if the spans come in the same batches.
        """
        sent = self._sent.setdefault(token, set())
        try:
            for part in chunks(batches, REQUEST_BYTES):
                self._send(part, sent)
        except (Permanent, Retryable) as error:
            self._host.report(self._id, str(error))
            if len(self._sent) > _REMEMBERED:
                self._sent.popitem(last=False)
            raise
        del self._sent[token]
        self._host.report(self._id, None)

    def shutdown(self, timeout: float) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _send(self, batches: Sequence[SpanBatch], sent: set[bytes]) -> None:
        """Sends these spans, in halves where the other side says they are too large; `TooLarge` for a single span."""
        search, waiting = Bisection[Sequence[SpanBatch]](_halves), deque([batches])
        digests = set[bytes]()
        while waiting:
            piece = waiting.popleft()
            body = encoded(piece)
            digest = hashlib.sha256(body).digest()
            digests.add(digest)
            if digest in sent:
                continue
            try:
                self._deliver(body)
            except TooLarge:
                parts = search.refuse(piece)
                if parts is None:
                    raise
                waiting.extendleft(reversed(parts))
            else:
                search.accept()
                sent.add(digest)
        sent |= digests  # those that were too large, too: their pieces were taken

    def _deliver(self, body: bytes) -> None:
        if self._client is None:
            raise Retryable(f"{self._id} is stopped")
        answer = self._client.send(body)
        try:
            partial = ExportTraceServiceResponse.FromString(answer).partial_success
        except DecodeError:
            return  # it has said that it took them
        if partial.rejected_spans or partial.error_message:
            self._rejected.inc(max(0, partial.rejected_spans))
            logger.warning(
                "%s took a request but %d of its spans: %s",
                self._client.peer,
                partial.rejected_spans,
                shown(partial.error_message),
            )


def _halves(batches: Sequence[SpanBatch]) -> tuple[Sequence[SpanBatch], Sequence[SpanBatch]] | None:
    spans = sum(map(len, batches))
    return split(batches, spans // 2) if spans > 1 else None
