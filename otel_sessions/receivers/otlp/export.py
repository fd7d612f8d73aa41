"""`TraceService/Export` over gRPC: raw bytes in, the consumer's outcome out.

The call is unary for its clients. On this side it is a stream of one message, because then the message is read when we
say so: before that, a call costs its headers and one flow control window, and only `READING` messages, each of at most
`max_recv_msg_size_mib`, are being read at a time. What has been read is bounded by the consumer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import grpc
from google.rpc.code_pb2 import RESOURCE_EXHAUSTED
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from otel_sessions.component import Consumer, Outcome, Request
from otel_sessions.errors import Retryable, TooLarge
from otel_sessions.http.auth import Access
from otel_sessions.http.tls import ServerTls, check_version
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.status import response_of

TRACE_SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
METHOD: Final = f"/{TRACE_SERVICE}/Export"
WORKERS: Final = 128
"""Calls that may wait for their outcome; each has a thread, which is made when it is first needed."""
READING: Final = 32
OPEN_CALLS: Final = 1024
"""Calls at work or in line; those beyond are told at once to come back."""


@dataclass(frozen=True)
class PooledBehavior:
    """A behaviour that grpcio runs in its own pool, so that calls in line here keep no health check waiting."""

    behavior: Callable[[Any, grpc.ServicerContext], Any]
    experimental_thread_pool: ThreadPoolExecutor

    def __call__(self, requests: Any, context: grpc.ServicerContext) -> Any:
        return self.behavior(requests, context)


class TraceService(grpc.GenericRpcHandler):  # type: ignore[type-arg] # generic in the stubs only
    """Answers every call with what its consumer says, and counts it."""

    def __init__(
        self, consumer: Consumer, accounting: Accounting, access: Access, tls: ServerTls | None = None
    ) -> None:
        self._consumer = consumer
        self._access = access
        self._tls = tls
        self._accounting = accounting
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="otlp-grpc")
        self._reading = threading.BoundedSemaphore(READING)
        self._open_calls = 0
        self._closed_call = threading.Condition()
        self._handler = grpc.stream_unary_rpc_method_handler(PooledBehavior(self._export, self._pool))
        self._busy_handler = grpc.stream_unary_rpc_method_handler(self._refuse_busy)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Of the one method; called by gRPC for every call, before anything of it is read."""
        if handler_call_details.method != METHOD:
            return None
        with self._closed_call:
            if self._open_calls >= OPEN_CALLS:
                return self._busy_handler
            self._open_calls += 1
        return self._handler

    def wait_until_idle(self, timeout: float) -> None:
        """Returns when every call has been answered, or after `timeout` seconds."""
        with self._closed_call:
            self._closed_call.wait_for(lambda: self._open_calls == 0, timeout)

    def close(self) -> None:
        self._pool.shutdown(wait=False)

    def _export(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        if not context.add_callback(self._leave):
            self._leave()
            return b""
        try:
            check_version(self._tls, context)
            project = self._access.project_of(_headers(context), client_of(context))
            future = self._consumer.consume(Request(self._read(requests), project))
            outcome = self._wait(future, context)
            return b"" if outcome is None else response_of(outcome).SerializeToString()
        except grpc.RpcError:  # gRPC has ended the call while it was read: over the size limit, or its client has gone
            self._accounting.refused_as(RESOURCE_EXHAUSTED)
            raise
        except Exception as error:  # noqa: BLE001 - none may end in UNKNOWN, checklist G5
            self._refuse(error, context)

    def _leave(self) -> None:
        with self._closed_call:
            self._open_calls -= 1
            self._closed_call.notify_all()

    def _read(self, requests: Iterator[bytes]) -> bytes:
        with self._reading:
            body = next(requests, None)
        if body is None:  # the same, seen a moment earlier
            raise TooLarge("the request is over the size limit, or has no message")
        return body

    def _wait(self, future: Future[Outcome], context: grpc.ServicerContext) -> Outcome | None:
        """The outcome, or None when the client has gone: its spans take their way without it."""
        over = threading.Event()
        future.add_done_callback(self._accounting.count)
        future.add_done_callback(lambda _: over.set())
        if context.add_callback(over.set):
            over.wait()
        return future.result() if future.done() else None

    def _refuse_busy(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        self._refuse(Retryable(f"{OPEN_CALLS} requests are waiting already"), context)

    def _refuse(self, error: Exception, context: grpc.ServicerContext) -> NoReturn:
        abort(self._accounting.refused(error), context)


def _headers(context: grpc.ServicerContext) -> dict[str, str]:
    """The text ones; gRPC has their names in lower case."""
    return {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}


def client_of(context: grpc.ServicerContext) -> str:
    """Its address without the port."""
    return context.peer().rpartition(":")[0]


def abort(status: Status, context: grpc.ServicerContext) -> NoReturn:
    """Ends the call with this status, its details in the trailers; does not return."""
    context.abort_with_status(rpc_status.to_status(status))
