# SPDX-License-Identifier: Apache-2.0
"""`TraceService/Export` over gRPC, on the thread that has the events of gRPC's core.

gRPC for Python gives each call a state, a context and a thread, wakes it for the message and again for the answer: two
thirds of what a small request costs here. So `Events` takes the new calls of this one method out of the loop over the
core's events, and hands all others on to grpcio. An export is a few callbacks: its call has come, its message has come,
its outcome is known. None of them waits; who may have to, an authenticator or the digest of a large body, has a thread.

`Export` is unary for its clients. On this side the message is read when we say so: before that, a call costs its
headers and one flow control window, and only a few messages, each of at most `max_recv_msg_size_mib`, are being read at
a time, as many as have room beside all else that was received (`footprint.Room`).

The names of grpcio with an underscore are its own ground: its version is pinned, and
tests/http/test_private_ground.py says what we use.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import grpc
from google.rpc.status_pb2 import Status
from grpc import _common, _server
from grpc._cython import cygrpc  # type: ignore[attr-defined] # compiled
from grpc_status import rpc_status

from otel_sessions.component import DEFAULT_PROJECT, Consumer, Host, Outcome, Request, Worker
from otel_sessions.errors import InvalidData, Retryable, TooLarge, Unauthenticated
from otel_sessions.footprint import give_back_pieces
from otel_sessions.http.auth import Access
from otel_sessions.http.body import too_long
from otel_sessions.http.tls import ServerTls
from otel_sessions.receivers.otlp.accounting import Accounting
from otel_sessions.receivers.otlp.grpc_slots import Messages
from otel_sessions.receivers.otlp.status import response_of, status_of

TRACE_SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
METHOD: Final = f"/{TRACE_SERVICE}/Export"
OPEN_CALLS: Final = 1024
"""Calls at work or in line; those beyond are told at once to come back."""
LARGE_BYTES: Final = 256 * 2**10
"""Of a body whose digest takes long enough to keep others waiting."""
_NO_MESSAGE: Final = InvalidData("the call has no message")
_METHOD_BYTES: Final = METHOD.encode()
_POLL_S: Final = 1.0
_SLOW_CALLS: Final = 32  # threads for authenticators and large bodies


class TraceService:
    """Answers every call with what its consumer says, and counts it."""

    def __init__(
        self, consumer: Consumer, accounting: Accounting, access: Access, messages: Messages, tls: ServerTls | None
    ) -> None:
        self.consumer = consumer
        self.accounting = accounting
        self.messages = messages
        self.access = access
        self._tls = tls
        self.admits_all = access.is_open and not _asks_for_version(tls)
        self.slow = ThreadPoolExecutor(_SLOW_CALLS, thread_name_prefix="otlp-grpc")
        self._open_calls = 0
        self._turn = threading.Lock()
        self._closed_call = threading.Condition(self._turn)

    def project_of(self, context: grpc.ServicerContext) -> str:
        """Whose a call is. Raises `Unauthenticated`."""
        check_version(self._tls, context)
        if self.access.is_open:
            return DEFAULT_PROJECT
        headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
        return self.access.project_of(headers, client_of(context))

    def enter(self) -> None:
        """Counts a call that is open from now on; raises `Retryable` where there are too many."""
        with self._turn:
            self._open_calls += 1
            if self._open_calls > OPEN_CALLS:
                raise Retryable(f"{OPEN_CALLS} requests are waiting already")

    def leave(self) -> None:
        """Counts a call that is over."""
        with self._turn:
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
    """One call, of which gRPC has told by `event`. Its events call `_close`, `_read` and `_finish`, which say to grpcio
    whether it is over; the future of the outcome calls `_answer`."""

    __slots__ = (
        "_event",
        "_is_ended",
        "_is_over",
        "_is_told",
        "_nbytes",
        "_peer",
        "_project",
        "_service",
        "_turn",
        "_under_way",
    )

    def __init__(self, service: TraceService, event: Any) -> None:
        self._service = service
        self._event = event
        self._project = DEFAULT_PROJECT
        self._nbytes = 0
        self._peer = b""
        self._turn = threading.Lock()
        self._is_over = False  # for its client, or answered
        self._is_ended = False  # by us, as its message did not come
        self._is_told = False  # what becomes of it: it is taken, or refused
        self._under_way = 0  # batches of operations that the core has
        self._start(self._close, cygrpc.ReceiveCloseOnServerOperation(0))

    def begin(self) -> None:
        self._peer = self._event.call.peer()  # of a call that gRPC has ended it is not known any more
        try:
            self._service.enter()
            if self._service.access.is_open:
                self._admit()
            else:
                self._attempt_slowly(self._admit)
        except Exception as error:  # noqa: BLE001 - none may end in UNKNOWN, G5 of the checklist
            self._refuse(error)

    def cancel(self) -> None:
        """Ends the call; its client sees CANCELLED, after which it sends again."""
        self._is_ended = True
        self._event.call.cancel()

    def send_away(self) -> None:
        """Tells its client to come back, instead of having its message read."""
        self._refuse(too_long())

    def peer(self) -> bytes:
        """The connection."""
        return self._peer

    def read(self) -> bool:
        """Has the message read; False if the call is over."""
        return self._start(self._read, cygrpc.ReceiveMessageOperation(0))

    def _context(self) -> grpc.ServicerContext:
        """For what it says of the connection; a call of ours has no state."""
        return _server._Context(self._event, None, None)  # type: ignore[arg-type]

    def _client(self) -> str:
        return host_of(_common.decode(self._peer or self._event.call.peer())) or "somebody"

    def _start(self, then: Callable[[Any], _Done], *operations: Any, ends: bool = False) -> bool:
        """Has the core do this, and call `then`; False if the call is over. It is from now on, if this `ends` it."""
        with self._turn:
            if self._is_over:
                return False
            self._under_way += 1
            self._is_over = ends
        # not with `_turn`: what comes of it is told on another thread, maybe before this one goes on
        try:
            self._event.call.start_server_batch(operations, then)
        except BaseException:
            with self._turn:
                self._under_way -= 1
                self._is_over = False
            raise
        return True

    def _attempt_slowly(self, step: Callable[..., None], *arguments: object) -> None:
        """Takes the step on a thread of its own."""

        def attempt() -> None:
            try:
                step(*arguments)
            except Exception as error:  # noqa: BLE001 - whatever it is, the client is told what to do
                self._refuse(error)

        self._service.slow.submit(attempt)

    def _admit(self) -> None:
        if not self._service.admits_all:
            self._project = self._service.project_of(self._context())
        self._service.messages.enter(self)

    def _take(self, body: bytes) -> None:
        self._is_told = True
        self._nbytes = len(body)
        if len(body) < LARGE_BYTES:
            self._consume(body)
        else:
            self._attempt_slowly(self._consume_large, body)

    def _consume_large(self, body: bytes) -> None:
        give_back_pieces(len(body))
        self._consume(body)

    def _consume(self, body: bytes) -> None:
        self._service.consumer.consume(Request(body, self._project)).add_done_callback(self._answer)

    def _answer(self, future: Future[Outcome]) -> None:
        """Where the client has gone its spans take their way all the same."""
        try:
            outcome = future.result()
            self._service.accounting.count_outcome(outcome, self._client, self._project)
            told = outcome.rejected_spans or outcome.message
            response = response_of(outcome).SerializeToString() if told else b""  # a message without fields
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(error)
        else:
            self._end(cygrpc.SendMessageOperation(response, 0), status=(None, cygrpc.StatusCode.ok, b""))

    def _refuse(self, error: BaseException) -> None:
        self._is_told = True
        self._end_as(self._service.accounting.refuse(error, self._client(), self._project, self._nbytes))

    def _end_as(self, told: Status) -> None:
        status = rpc_status.to_status(told)
        code = _common.STATUS_CODE_TO_CYGRPC_STATUS_CODE[status.code]
        self._end(status=(status.trailing_metadata, code, status.details.encode()))

    def _end(self, *message: Any, status: tuple[Any, Any, bytes]) -> None:
        headers, trailers = (
            cygrpc.SendInitialMetadataOperation(None, 0),
            cygrpc.SendStatusFromServerOperation(*status, 0),
        )
        self._start(self._finish, headers, *message, trailers, ends=True)

    # --- what the core has done ---

    def _close(self, event: Any) -> _Done:
        """The call is over, for its client, or because it was answered."""
        is_cancelled = event.batch_operations[0].cancelled()
        if is_cancelled:
            with self._turn:
                self._is_over = True
        if not self._is_told and is_cancelled:
            self._service.accounting.count_cancelled(self._client(), self._project, is_ended=self._is_ended)
        elif not self._is_told:
            self._service.accounting.refuse(_NO_MESSAGE, self._client(), self._project)
        return self._finish(event)

    def _read(self, event: Any) -> _Done:
        body = event.batch_operations[0].message()
        self._service.messages.release(self, len(body or b""))
        try:
            if body is not None:
                self._take(body)
            elif event.success:  # the client sends none, or has gone: it is counted once `_close` says which
                self._end_as(status_of(_NO_MESSAGE))
            else:  # gRPC has ended the call
                self._refuse(TooLarge("the request is over the size limit, or cannot be unpacked"))
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(error)
        return self._finish(event)

    def _finish(self, _: Any) -> _Done:
        """What grpcio is to be told: whether nothing of the call is left."""
        with self._turn:
            self._under_way -= 1
            if self._under_way or not self._is_over:
                return None, ()
        self._service.messages.leave(self)
        self._service.leave()
        return self, ()


_Done = tuple[Export | None, tuple[()]]


class Events:
    """grpcio's loop over the events of a server's core, with the exports taken out; on a thread of its own."""

    def __init__(self, server: grpc.Server, service: TraceService, name: str, host: Host) -> None:
        self._state: Any = server._state  # type: ignore[attr-defined] # as said above
        self._service = service
        self._worker = Worker(name, "events", self._run, host)

    def start(self) -> None:
        """As the server's own `start`."""
        state = self._state
        with state.lock:
            state.server.start()
            state.stage = _server._ServerStage.STARTED
            _server._request_call(state)
        self._worker.start()

    def _run(self) -> None:
        state, more = self._state, True
        while more:
            event = state.completion_queue.poll(time.time() + _POLL_S)
            if event.tag is _server._REQUEST_CALL_TAG and event.success and event.call_details.method == _METHOD_BYTES:
                self._begin(event)
            elif event.completion_type != cygrpc.CompletionType.queue_timeout:
                more = _server._process_event_and_continue(state, event)
            event = None  # as grpcio does: what it refers to ends before the next is waited for

    def _begin(self, event: Any) -> None:
        """Begins an export, and asks for the next call."""
        state = self._state
        export = Export(self._service, event)
        with state.lock:
            state.due.remove(_server._REQUEST_CALL_TAG)
            state.rpc_states.add(export)
            if state.stage is _server._ServerStage.STARTED:
                _server._request_call(state)
        export.begin()


def check_version(tls: ServerTls | None, context: grpc.ServicerContext) -> None:
    """Raises `Unauthenticated` for a call over a connection of TLS 1.2 where 1.3 is asked for.

    gRPC takes connections of both, and nothing older, and cannot be told of `min_version`.
    """
    if tls is None or not _asks_for_version(tls):
        return
    found: Any = context.auth_context().get("ssl_tls_version", [])
    version = b"".join(found).decode()
    if version != f"TLSv{tls.min_version}":
        raise Unauthenticated(f"TLS {tls.min_version} is asked for, not {version or 'another'}", challenge="")


def _asks_for_version(tls: ServerTls | None) -> bool:
    return tls is not None and tls.min_version != "1.2"


def client_of(context: grpc.ServicerContext) -> str:
    """Its address without the port."""
    return host_of(context.peer())


def host_of(peer: str) -> str:
    """The address in what gRPC says of a connection, as in `ipv4:127.0.0.1:43210`."""
    return peer.rpartition(":")[0]
