"""`TraceService/Export` over gRPC, on the thread that has gRPC's events.

gRPC for Python gives each call a thread, wakes it for the message and again for the answer: more than half of what a
request of ten spans costs here. So an export is a few callbacks: its call has come, its message has come, its outcome
is known. None of them waits; who may have to, an authenticator or the digest of a large body, has a thread.

`Export` is unary for its clients. On this side it is a stream of one message, because then the message is read when we
say so: before that, a call costs its headers and one flow control window, and only `READING` messages, each of at most
`max_recv_msg_size_mib`, are being read at a time. What has been read is bounded by the consumer.

The names of grpcio with an underscore are its own ground: its version is pinned, and
tests/http/test_private_ground.py says what we use.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import grpc
from google.rpc.code_pb2 import RESOURCE_EXHAUSTED
from grpc import _server
from grpc._cython import cygrpc  # type: ignore[attr-defined] # compiled
from grpc_status import rpc_status

from otel_sessions.component import DEFAULT_PROJECT, Consumer, Outcome, Request
from otel_sessions.errors import Retryable, TooLarge, Unauthenticated
from otel_sessions.http.auth import Access
from otel_sessions.http.tls import ServerTls
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.grpc_messages import Messages
from otel_sessions.receivers.otlp.status import response_of

TRACE_SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
METHOD: Final = f"/{TRACE_SERVICE}/Export"
OPEN_CALLS: Final = 1024
"""Calls at work or in line; those beyond are told at once to come back."""
LARGE_BYTES: Final = 256 * 2**10
"""Of a body whose digest takes long enough to keep others waiting."""
_SLOW_CALLS: Final = 32  # threads for authenticators and large bodies


class TraceService(grpc.GenericRpcHandler):  # type: ignore[type-arg] # generic in the stubs only
    """Answers every call with what its consumer says, and counts it."""

    def __init__(
        self, consumer: Consumer, accounting: Accounting, access: Access, messages: Messages, tls: ServerTls | None
    ) -> None:
        self.consumer = consumer
        self.accounting = accounting
        self.messages = messages
        self.access = access
        self._tls = tls
        self.slow = ThreadPoolExecutor(_SLOW_CALLS, thread_name_prefix="otlp-grpc")
        self._open_calls = 0
        self._closed_call = threading.Condition()
        self._handler = grpc.stream_unary_rpc_method_handler(_Behavior(_Calls(self)))

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Of the one method; called by gRPC for every call, before anything of it is read."""
        return self._handler if handler_call_details.method == METHOD else None

    def project_of(self, context: grpc.ServicerContext) -> str:
        """Whose a call is. Raises `Unauthenticated`."""
        check_version(self._tls, context)
        if self.access.is_open:
            return DEFAULT_PROJECT
        headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
        return self.access.project_of(headers, client_of(context))

    def enter(self) -> None:
        """Counts a call that is open from now on; raises `Retryable` where there are too many."""
        with self._closed_call:
            self._open_calls += 1
            if self._open_calls > OPEN_CALLS:
                raise Retryable(f"{OPEN_CALLS} requests are waiting already")

    def leave(self) -> None:
        """Counts a call that is over."""
        with self._closed_call:
            self._open_calls -= 1
            if not self._open_calls:
                self._closed_call.notify_all()

    def wait_until_idle(self, timeout: float) -> None:
        """Returns when every call has been answered, or after `timeout` seconds."""
        with self._closed_call:
            self._closed_call.wait_for(lambda: self._open_calls == 0, timeout)

    def close(self) -> None:
        self.slow.shutdown(wait=False)


class Export:
    """One call. gRPC calls `begin` and `_read`; the future of the outcome calls `_answer`."""

    __slots__ = ("_event", "_project", "_service", "_state", "context")

    def __init__(self, service: TraceService, event: Any, state: Any) -> None:
        self._service = service
        self._event = event
        self._state = state
        self._project = DEFAULT_PROJECT
        self.context = _server._Context(event, state, None)

    def begin(self) -> None:
        self._state.callbacks.append(self._leave)
        try:
            self._service.enter()
        except Retryable as error:
            self._refuse(error)
        else:
            self._attempt(self._service.access.is_open, self._admit)

    def cancel(self) -> None:
        """Ends the call; its client sees CANCELLED, after which it sends again."""
        self._event.call.cancel()

    def peer(self) -> str:
        """The connection."""
        return self.context.peer()

    def read(self) -> bool:
        """Has the message read; False if the call is over."""
        with self._state.condition:
            if not _server._is_rpc_state_active(self._state):
                self._service.accounting.count_refused_as(RESOURCE_EXHAUSTED)
                return False
            self._event.call.start_server_batch((cygrpc.ReceiveMessageOperation(0),), self._read)
            self._state.due.add(_server._RECEIVE_MESSAGE_TOKEN)
            return True

    def _leave(self) -> None:
        self._service.messages.leave(self)
        self._service.leave()

    def _attempt(self, quick: bool, step: Callable[..., None], *arguments: object) -> None:
        """Takes the step, on a thread of its own unless it is `quick`; none may end in UNKNOWN, G5 of the checklist."""
        try:
            if quick:
                step(*arguments)
            else:
                self._service.slow.submit(self._attempt, True, step, *arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told what to do
            self._refuse(error)

    def _admit(self) -> None:
        self._project = self._service.project_of(self.context)
        self._service.messages.enter(self)

    def _read(self, event: Any) -> Any:
        """What gRPC calls with the message."""
        self._attempt(True, self._take, event.batch_operations[0].message())
        with self._state.condition:
            return _server._possibly_finish_call(self._state, _server._RECEIVE_MESSAGE_TOKEN)

    def _take(self, body: bytes | None) -> None:
        self._service.messages.release(self)
        if body is None:  # the client has gone, or gRPC has ended the call
            raise TooLarge("the request is over the size limit, or has no message")
        self._attempt(len(body) < LARGE_BYTES, self._consume, body)

    def _consume(self, body: bytes) -> None:
        future = self._service.consumer.consume(Request(body, self._project))
        future.add_done_callback(self._service.accounting.count)
        future.add_done_callback(self._answer)

    def _answer(self, future: Future[Outcome]) -> None:
        """Where the client has gone its spans take their way all the same."""
        try:
            response = response_of(future.result()).SerializeToString()
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(error)
        else:
            with self._state.condition:
                if _server._is_rpc_state_active(self._state):
                    _server._status(self._event, self._state, response)

    def _refuse(self, error: BaseException) -> None:
        status = rpc_status.to_status(self._service.accounting.count_refused(error))
        with self._state.condition:
            if _server._is_rpc_state_active(self._state):
                self._state.trailing_metadata = status.trailing_metadata
                self._state.code = status.code
                details = status.details.encode()
                _server._abort(self._state, self._event.call, cygrpc.StatusCode.unknown, details)


class _Calls(ThreadPoolExecutor):
    """What grpcio takes for the pool of threads that a call is to be run in; it has none."""

    def __init__(self, service: TraceService) -> None:
        super().__init__(1)
        self._service = service

    def submit(self, run: Any, in_pool: Any, /, *arguments: Any, **_: Any) -> Future[Any]:  # type: ignore[override]
        event, state = arguments[:2]
        Export(self._service, event, state).begin()
        return _BEGUN


class _Behavior:
    """What grpcio would run in the pool."""

    def __init__(self, calls: _Calls) -> None:
        self.experimental_thread_pool = calls

    def __call__(self, requests: object, context: grpc.ServicerContext) -> bytes:
        raise NotImplementedError("an export is answered without a thread")


_BEGUN: Final[Future[Any]] = Future()
_BEGUN.set_result(None)


def check_version(tls: ServerTls | None, context: grpc.ServicerContext) -> None:
    """Raises `Unauthenticated` for a call over a connection of TLS 1.2 where 1.3 is asked for.

    gRPC takes connections of both, and nothing older, and cannot be told of `min_version`.
    """
    if tls is None or tls.min_version == "1.2":
        return
    found: Any = context.auth_context().get("ssl_tls_version", [])
    version = b"".join(found).decode()
    if version != f"TLSv{tls.min_version}":
        raise Unauthenticated(f"TLS {tls.min_version} is asked for, not {version or 'another'}", challenge="")


def client_of(context: grpc.ServicerContext) -> str:
    """Its address without the port."""
    return context.peer().rpartition(":")[0]
