# SPDX-License-Identifier: Apache-2.0
"""`SessionService` on one gRPC listener.

Calls have threads of their own, so that neither those who read nor those who watch keep spans waiting: reads a few, and
each watcher one, which sleeps between two looks. Beyond what they may be in number, calls are told to come back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.connection import Pool
from otel_sessions.clickhouse.surface import Client
from otel_sessions.errors import NotStored, Retryable
from otel_sessions.http.answers import SMALL, UNSENT
from otel_sessions.http.mounts import GrpcListener, GrpcMounted, PooledBehavior
from otel_sessions.queries import detail, shapes
from otel_sessions.queries.limits import Limits, limited
from otel_sessions.queries.paging import CursorError
from otel_sessions.queries.watch import POLL_S, Watch
from otel_sessions.session_service import messages, reads
from otel_sessions.session_service.errors import InvalidRequest, Refused, refuse, status_of

READS: Final = 8
OPEN_READS: Final = 128
WATCHERS: Final = 64
_LOOKS: Final = 2
"""Looks of watchers at a time."""
_logger = logging.getLogger(__name__)
_Read = Callable[[Client, str, Any], Message]
_READS: Final[dict[str, _Read]] = {
    "ListSessions": reads.list_sessions,
    "GetSession": reads.get_session,
    "ListTraces": reads.list_traces,
    "ListSpans": reads.list_spans,
}


def mount(endpoint: Endpoint | None, listener: GrpcListener) -> GrpcMounted | None:
    """The service on a listener, over the ClickHouse at `endpoint`, if there is one.

    None where the install has not compiled its messages, which the log says.
    """
    if not messages.load():
        _logger.error("%s is missing, so there is no %s; install again", messages.DESCRIPTORS, messages.SERVICE)
        return None
    service = SessionService(endpoint, listener)
    return GrpcMounted(messages.SERVICE, service, service.stop, service.close)


class Lane:
    """Threads for one kind of call, and how many calls may be open; beyond, `enter` returns False."""

    def __init__(self, name: str, threads: int, open_calls: int) -> None:
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threading.BoundedSemaphore(open_calls)

    def enter(self) -> bool:
        return self._room.acquire(blocking=False)

    def leave(self) -> None:
        self._room.release()


class SessionService(grpc.GenericRpcHandler):  # type: ignore[type-arg] # generic in the stubs only
    """Answers the calls of the methods of `SessionService`, and no others."""

    def __init__(self, endpoint: Endpoint | None, listener: GrpcListener) -> None:
        self._endpoint = endpoint
        self._listener = listener
        self._clients = Pool(self._connect)
        self._looks = threading.BoundedSemaphore(_LOOKS)
        self._stopping = threading.Event()
        self._reads = Lane("sessions-grpc", READS, OPEN_READS)
        self._watches = Lane("watch-grpc", WATCHERS, WATCHERS)
        self._handlers: dict[str, tuple[Lane, grpc.RpcMethodHandler[Any, Any]]] = {
            f"/{messages.SERVICE}/{name}": (self._reads, self._unary(name, read)) for name, read in _READS.items()
        }
        watching = PooledBehavior(self._watch, self._watches.pool)
        watch = (self._watches, grpc.stream_stream_rpc_method_handler(watching))
        self._handlers[f"/{messages.SERVICE}/WatchSession"] = watch
        self._busy = grpc.stream_stream_rpc_method_handler(self._refuse_busy)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        lane, handler = self._handlers.get(handler_call_details.method, (None, None))
        if lane is None:
            return None
        return handler if lane.enter() else self._busy

    def stop(self) -> None:
        """Ends the calls of watchers."""
        self._stopping.set()

    def close(self) -> None:
        self.stop()
        for lane in (self._reads, self._watches):
            lane.pool.shutdown(wait=False, cancel_futures=True)
        self._clients.close()

    def _unary(self, name: str, read: _Read) -> grpc.RpcMethodHandler[Any, Any]:
        def answer(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            if not context.add_callback(self._reads.leave):
                self._reads.leave()
                return b""
            project = ""
            try:
                project, request = self._admit(name, requests, context)
                with limited(), self._client() as client:
                    body = read(client, project, request).SerializeToString()
                return _unsent(body, context)
            except grpc.RpcError:  # the call is over
                raise
            except Exception as error:  # noqa: BLE001 - status_of knows what each means
                self._refuse(error, context, name, project)

        return grpc.stream_unary_rpc_method_handler(PooledBehavior(answer, self._reads.pool))

    def _watch(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        gone = threading.Event()
        if not context.add_callback(self._watches.leave):
            self._watches.leave()
            return
        context.add_callback(gone.set)
        context.add_callback(partial(UNSENT.leave, context))
        project = ""
        try:
            project, request = self._admit("WatchSession", requests, context)
            yield from self._arrivals(project, request, context, gone)
        except grpc.RpcError:
            raise
        except Exception as error:  # noqa: BLE001
            self._refuse(error, context, "WatchSession", project)
        if not gone.is_set():
            refuse(status_of(Retryable("the service stops; go on behind the last id", retry_after=1.0)), context)

    def _arrivals(
        self, project: str, request: Any, context: grpc.ServicerContext, gone: threading.Event
    ) -> Iterator[bytes]:
        """The turns of the session, until the client has gone or the service stops.

        The call answers its headers when it has looked for the first time: all that comes later is told.
        """
        try:
            watch = Watch(project, request.session_id, after=request.last_event_id, from_start=request.from_start)
        except CursorError as error:
            raise InvalidRequest("last_event_id", str(error)) from error
        preview = reads.preview_of(request)
        filling, response = reads.filling("Trace"), messages.message_type("WatchSessionResponse")
        with limited(), self._client() as client:
            if not detail.has_session(client, project=project, session_id=request.session_id):
                raise reads.no_session(request.session_id)
        is_begun = False
        while not gone.is_set() and not self._stopping.is_set():
            with self._looks, limited(), self._client() as client:
                began = time.monotonic()
                told = [
                    response(id=arrival.id, trace=filling(shapes.turn(arrival.turn, preview))).SerializeToString()
                    for arrival in watch.look(client)
                ]
                took = time.monotonic() - began
            if not is_begun:
                context.send_initial_metadata(())
                is_begun = True
            yield from _taken(told, context)
            _sleep(watch.pause_after(took), gone, self._stopping)

    def _admit(self, name: str, requests: Iterator[bytes], context: grpc.ServicerContext) -> tuple[str, Any]:
        """Whose a call is, and its request. Raises `Refused`, `InvalidRequest`, `NotStored`, `grpc.RpcError`."""
        try:
            project = self._listener.project_of(context)
        except Exception as error:
            raise Refused(self._listener.refuse(error, context)) from error
        body = self._listener.read(requests, context)
        if body is None:
            raise InvalidRequest("", "the call has no message")
        try:
            request = messages.message_type(f"{name}Request").FromString(body)
        except DecodeError as error:
            raise InvalidRequest("", "this is no message of this method") from error
        fields: Any = UnknownFieldSet(request)
        if unknown := [field.field_number for field in fields]:
            raise InvalidRequest("", f"this version does not know the fields {unknown[:5]} of the request")
        if self._endpoint is None:
            raise NotStored("this service has no exporter `clickhouse`, so it reads nothing")
        return project, request

    def _client(self) -> Any:
        return self._clients.client()

    def _connect(self) -> Client:
        assert self._endpoint is not None
        return Limits().connect(self._endpoint)

    def _refuse_busy(self, _: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        self._refuse(Retryable("as many calls as may be are open already", retry_after=1.0), context, "a call")

    def _refuse(self, error: Exception, context: grpc.ServicerContext, method: str, project: str = "") -> NoReturn:
        """Ends a call with what its client is told, and tells the log as of reads over HTTP."""
        status = status_of(error)
        if not isinstance(error, Refused):
            self._listener.tell(status, context, method, project)
        refuse(status, context)


def _unsent(body: bytes, context: grpc.ServicerContext) -> bytes:
    """An answer that is counted until its client has taken it. Raises `Retryable` where others leave no room."""
    if len(body) > SMALL:
        if not UNSENT.wait(context, len(body), context.cancel):
            raise UNSENT.refusal()
        if not context.add_callback(partial(UNSENT.leave, context)):
            UNSENT.leave(context)
    return body


def _taken(told: list[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    """Messages that are counted until their client has taken them. Raises `Retryable` where others leave no room."""
    nbytes = sum(map(len, told))
    if nbytes > SMALL and not UNSENT.wait(context, nbytes, context.cancel):
        raise UNSENT.refusal()
    try:
        for message in told:
            yield message
            UNSENT.note_read(context)
    finally:
        UNSENT.leave(context)


def _sleep(seconds: float, gone: threading.Event, stopping: threading.Event) -> None:
    """Returns after so many seconds, when the client has gone, or a moment after the service stops."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not stopping.is_set():
        if gone.wait(min(left, POLL_S)):
            return
