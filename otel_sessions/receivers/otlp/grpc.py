"""OTLP over gRPC: its port and limits, `TraceService/Export`, and the services beside it.

`Export` is unary for its clients. On this side it is a stream of one message, because then the message is read when we
say so: before that, a call costs its headers and one flow control window, and only `READING` messages, each of at most
`max_recv_msg_size_mib`, are being read at a time. What has been read is bounded by the consumer. All that reads a
message reads it by `Messages`, which ends calls whose message does not come, and sooner where others stand in line.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import grpc
from google.rpc.code_pb2 import RESOURCE_EXHAUSTED
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_status import rpc_status

from otel_sessions.component import Consumer, Host, Outcome, Request, Worker
from otel_sessions.errors import ConfigError, Fault, Retryable, TooLarge, Unauthenticated
from otel_sessions.http.auth import Access
from otel_sessions.http.mounts import GrpcListener, PooledBehavior
from otel_sessions.http.tls import ServerTls
from otel_sessions.receivers.otlp.accounting import SIGNALS, Accounting
from otel_sessions.receivers.otlp.config import GrpcSettings, Keepalive
from otel_sessions.receivers.otlp.status import response_of
from otel_sessions.types import HostPort

TRACE_SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
METHOD: Final = f"/{TRACE_SERVICE}/Export"
WORKERS: Final = 128
"""Calls that may wait for their outcome; each has a thread, which is made when it is first needed."""
READING: Final = 32
OPEN_CALLS: Final = 1024
"""Calls at work or in line; those beyond are told at once to come back."""
READ_TIMEOUT_S: Final = 30.0
"""For the message of an export, from the moment that it is waited for; as long as over HTTP."""
CROWDED_S: Final = 5.0
"""The same while other calls stand in line to be read, and for the messages of other services, which are small."""
GREEDY_S: Final = 1.0
"""The same while others stand in line, for a connection that has over a quarter of the messages that are being read."""
_SMALL_CALLS: Final = 8  # threads for health checks and refusals, which never wait for anything of ours
_REFLECTING: Final = 2

Option = tuple[str, int]


class GrpcServer:
    """A component: serves OTLP, `grpc.health.v1` and server reflection on one port.

    `name` is what the service calls the endpoint, `path` where its `host:port` stands in the configuration.
    """

    def __init__(
        self,
        settings: GrpcSettings,
        consumer: Consumer,
        accounting: Accounting,
        access: Access,
        host: Host,
        *,
        name: str,
        path: str,
    ) -> None:
        self._settings = settings
        self._accounting = accounting
        self._messages = Messages(name, host)
        self._traces = TraceService(consumer, accounting, access, self._messages, settings.tls)
        self._name = name
        self._path = path
        self._port = settings.endpoint.port
        self._pools = [ThreadPoolExecutor(n, thread_name_prefix="grpc") for n in (_SMALL_CALLS, _REFLECTING)]
        self._health = health.HealthServicer()
        listener = GrpcListener(self._traces.project_of, self._messages.read, accounting.count_refused)
        self._mounted = [each for mount in host.grpc_mounts if (each := mount(listener))]
        self._services = (TRACE_SERVICE, *(each.name for each in self._mounted))
        for service in self._services:
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self._server: grpc.Server | None = None

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The name and the `host:port` taken."""
        return {self._name: str(HostPort(self._settings.endpoint.host, self._port))}

    def start(self) -> None:
        """Listens; `ConfigError` at the path when the address cannot be had."""
        reflected = _reflection_service(self._services, self._pools[1], self._messages)
        services = [*(each.handler for each in self._mounted), _health_service(self._health, self._messages), reflected]
        handlers = [self._traces, OtherSignals(self._accounting), *services]
        server = grpc.server(self._pools[0], handlers=handlers, options=options(self._settings))
        self._port = _bind(server, self._settings, self._path)
        self._messages.start()
        server.start()
        self._server = server

    def shutdown(self, timeout: float) -> None:
        """Takes no new calls, answers those at work within `timeout` seconds, then ends what is left."""
        server, self._server = self._server, None
        if server is None:
            return
        self._health.enter_graceful_shutdown()
        server.stop(timeout)
        for mounted in self._mounted:
            mounted.stop()
        self._traces.wait_until_idle(timeout)
        server.stop(None)  # those who watch our health would stay for ever
        self._traces.close()
        for mounted in self._mounted:
            mounted.close()
        self._messages.close()
        for pool in self._pools:
            pool.shutdown(wait=False)


class Messages:
    """Reads the messages of calls, and cancels a call that keeps its reader waiting.

    Its client sees CANCELLED, after which it sends again.
    """

    def __init__(self, name: str, host: Host) -> None:
        self._worker = Worker(name, "silence", self._watch, host)
        self._waiting: dict[grpc.ServicerContext, float] = {}  # until when
        self._places = threading.BoundedSemaphore(READING)
        self._placed: dict[grpc.ServicerContext, float] = {}  # of those that are read in turn: since when
        self._in_line: set[grpc.ServicerContext] = set()
        self._closed = False
        self._changed = threading.Event()

    def start(self) -> None:
        self._worker.start()

    def read(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """The next message, a small one; None if the client sends no more; `grpc.RpcError` if the call is over."""
        self._waiting[context] = time.monotonic() + CROWDED_S
        try:
            return next(messages, None)
        finally:
            del self._waiting[context]

    def read_in_turn(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """The same of any size, as one of `READING` that are read at a time."""
        if not self._places.acquire(blocking=False):
            self._in_line.add(context)
            self._changed.set()
            self._places.acquire()
            self._in_line.discard(context)
        self._placed[context] = time.monotonic()
        try:
            return next(messages, None)
        finally:
            del self._placed[context]
            self._places.release()

    def read_one(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """The one message of a call, which is over without it."""
        message = self.read(messages, context)
        if message is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
        return message

    def close(self) -> None:
        self._closed = True
        self._changed.set()

    def _watch(self) -> None:
        while not self._closed:
            self._changed.wait(GREEDY_S / 4 if self._in_line else CROWDED_S / 4)
            self._changed.clear()
            now = time.monotonic()
            late = [context for context, until in list(self._waiting.items()) if until < now]
            for context in late + self._too_slow(now):
                context.cancel()  # type: ignore[no-untyped-call]

    def _too_slow(self, now: float) -> list[grpc.ServicerContext]:
        """Of the calls that are read in turn: those read for 30 s, and of those in the way as many as stand in line."""
        placed = dict(self._placed)
        held = Counter(context.peer() for context in placed)
        allowed = {peer: GREEDY_S if calls > READING // 4 else CROWDED_S for peer, calls in held.items()}
        in_the_way = [context for context, began in placed.items() if now - began > allowed[context.peer()]]
        late = [context for context, began in placed.items() if now - began > READ_TIMEOUT_S]
        return late + in_the_way[: len(self._in_line)]


class TraceService(grpc.GenericRpcHandler):  # type: ignore[type-arg] # generic in the stubs only
    """Answers every call with what its consumer says, and counts it."""

    def __init__(
        self, consumer: Consumer, accounting: Accounting, access: Access, messages: Messages, tls: ServerTls | None
    ) -> None:
        self._consumer = consumer
        self._accounting = accounting
        self._messages = messages
        self._access = access
        self._tls = tls
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="otlp-grpc")
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

    def project_of(self, context: grpc.ServicerContext) -> str:
        """Whose a call is. Raises `Unauthenticated`."""
        check_version(self._tls, context)
        headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
        return self._access.project_of(headers, _client_of(context))

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
            project = self.project_of(context)
            outcome = self._wait(self._consumer.consume(Request(self._read(requests, context), project)), context)
            return b"" if outcome is None else response_of(outcome).SerializeToString()
        except grpc.RpcError:  # gRPC has ended the call while it was read: over the limit, slow, or its client has gone
            self._accounting.count_refused_as(RESOURCE_EXHAUSTED)
            raise
        except Exception as error:  # noqa: BLE001 - none may end in UNKNOWN, G5 of the checklist
            self._refuse(error, context)

    def _leave(self) -> None:
        with self._closed_call:
            self._open_calls -= 1
            self._closed_call.notify_all()

    def _read(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        body: bytes | None = self._messages.read_in_turn(requests, context)
        if body is None:  # gRPC has ended the call, seen a moment earlier
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
        context.abort_with_status(rpc_status.to_status(self._accounting.count_refused(error)))


class OtherSignals(grpc.GenericRpcHandler):  # type: ignore[type-arg] # generic in the stubs only
    """Answers the services for logs and metrics UNIMPLEMENTED without reading what was sent, and logs it."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting
        self._handlers = {
            f"/opentelemetry.proto.collector.{signal}.v1.{signal.title()}Service/Export": self._handler(signal)
            for signal in SIGNALS
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        return self._handlers.get(handler_call_details.method)

    def _handler(self, signal: str) -> grpc.RpcMethodHandler[Any, Any]:
        def refuse(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            message = self._accounting.note_other_signal(signal, _client_of(context))
            context.abort(grpc.StatusCode.UNIMPLEMENTED, message)

        return grpc.stream_unary_rpc_method_handler(refuse)


def options(settings: GrpcSettings) -> list[Option]:
    """The settings as options of gRPC's core."""
    found = {
        "grpc.so_reuseport": 0,  # else two servers could share a port unawares
        "grpc.max_receive_message_length": settings.max_recv_msg_size_mib << 20,
        "grpc.max_concurrent_streams": settings.max_concurrent_streams,
        **_keepalive(settings.keepalive),
    }
    return [(name, value) for name, value in found.items() if value is not None]


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


def _keepalive(keepalive: Keepalive) -> dict[str, int | None]:
    server, policy = keepalive.server_parameters, keepalive.enforcement_policy
    times = {
        "grpc.max_connection_idle_ms": server.max_connection_idle,
        "grpc.max_connection_age_ms": server.max_connection_age,
        "grpc.max_connection_age_grace_ms": server.max_connection_age_grace,
        "grpc.keepalive_time_ms": server.time,
        "grpc.keepalive_timeout_ms": server.timeout,
        "grpc.http2.min_ping_interval_without_data_ms": policy.min_time if policy else None,
    }
    found = {name: None if value is None else min(round(value * 1000), 2**31 - 1) for name, value in times.items()}
    if policy is None:
        return found | {"grpc.http2.max_ping_strikes": 0, "grpc.keepalive_permit_without_calls": 1}
    return found | {"grpc.keepalive_permit_without_calls": int(policy.permit_without_stream)}


def _bind(server: grpc.Server, settings: GrpcSettings, path: str) -> int:
    endpoint = settings.endpoint
    obstacle, port = _obstacle(endpoint), 0
    if obstacle is None:
        try:
            port = _add_port(server, str(endpoint), settings.tls)
        except RuntimeError as exc:
            obstacle = str(exc)
    if not port:
        raise ConfigError([Fault(path, f"cannot listen on {endpoint}: {obstacle}")])
    return port


def _add_port(server: grpc.Server, address: str, tls: ServerTls | None) -> int:
    if tls is None:
        return server.add_insecure_port(address)
    pair = (Path(tls.key_file).read_bytes(), Path(tls.cert_file).read_bytes())
    authorities = Path(tls.client_ca_file).read_bytes() if tls.client_ca_file is not None else None
    credentials = grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)
    return server.add_secure_port(address, credentials)


def _obstacle(endpoint: HostPort) -> str | None:
    """What the system says against this address; gRPC would only say that it failed."""
    try:
        family, _, _, _, address = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        return exc.strerror or str(exc)
    return None


@dataclass(frozen=True)
class _Watch:
    """`Health.Watch`, which keeps no thread while it waits for a change."""

    servicer: health.HealthServicer
    messages: Messages
    experimental_non_blocking: bool = True

    def __call__(self, requests: Any, context: grpc.ServicerContext, send_response_callback: Any) -> None:
        self.servicer.Watch(self.messages.read_one(requests, context), context, send_response_callback)


def _health_service(servicer: health.HealthServicer, messages: Messages) -> grpc.GenericRpcHandler[Any, Any]:
    coding = {
        "request_deserializer": health_pb2.HealthCheckRequest.FromString,
        "response_serializer": health_pb2.HealthCheckResponse.SerializeToString,
    }

    def check(requests: Any, context: grpc.ServicerContext) -> Any:
        return servicer.Check(messages.read_one(requests, context), context)

    methods = {
        "Check": grpc.stream_unary_rpc_method_handler(check, **coding),
        "Watch": grpc.stream_stream_rpc_method_handler(_Watch(servicer, messages), **coding),
    }
    return grpc.method_handlers_generic_handler(health.SERVICE_NAME, methods)


def _reflection_service(
    services: tuple[str, ...], pool: ThreadPoolExecutor, messages: Messages
) -> grpc.GenericRpcHandler[Any, Any]:
    servicer = reflection.ReflectionServicer((*services, health.SERVICE_NAME, reflection.SERVICE_NAME))

    def answer(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        infos: Any = servicer.ServerReflectionInfo
        found: Iterator[Any] = infos(iter(lambda: messages.read(requests, context), None), context)
        return found

    method = grpc.stream_stream_rpc_method_handler(
        PooledBehavior(answer, pool),
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, {"ServerReflectionInfo": method})


def _client_of(context: grpc.ServicerContext) -> str:
    """Its address without the port."""
    return context.peer().rpartition(":")[0]
