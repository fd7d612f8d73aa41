# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC: its port and limits, `TraceService/Export`, and the services beside it.

`Export` itself is in `grpc_export`. All that reads a message reads it by `Messages`, which ends calls whose message
does not come, and sooner where others stand in line.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from otel_sessions.component import Consumer, Host
from otel_sessions.errors import ConfigError, Fault
from otel_sessions.http.auth import Access
from otel_sessions.http.mounts import GrpcListener, PooledBehavior
from otel_sessions.http.protocol import MAX_CONNECTIONS
from otel_sessions.http.tls import ServerTls
from otel_sessions.receivers.otlp.accounting import SIGNALS, Accounting
from otel_sessions.receivers.otlp.config import GrpcSettings
from otel_sessions.receivers.otlp.grpc_export import TRACE_SERVICE, Events, TraceService, client_of
from otel_sessions.receivers.otlp.grpc_slots import Messages
from otel_sessions.types import HostPort

LOOKAHEAD_BYTES: Final = 256 << 10
"""What a call in line may have sent of its message: one that is no longer is there when it is asked for."""
READ_BUFFER_BYTES: Final = 64 << 10
"""What a connection has ready for what comes next. gRPC's core would make it as long as the most that came at once, and
keep it: 600 KB for each connection that ever sent megabytes, until it is closed."""
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
        self._host = host
        self._accounting = accounting
        self._messages = Messages(name, host)
        self._traces = TraceService(consumer, accounting, access, self._messages, settings.tls)
        self._name = name
        self._path = path
        self._port = settings.endpoint.port
        self._pools = [ThreadPoolExecutor(n, thread_name_prefix="grpc") for n in (_SMALL_CALLS, _REFLECTING)]
        self._health = health.HealthServicer()
        listener = GrpcListener(self._traces.project_of, self._messages.read, self._refuse, self._tell)
        self._mounted = [each for mount in host.grpc_mounts if (each := mount(listener))]
        self._services = (TRACE_SERVICE, *(each.name for each in self._mounted))
        for service in self._services:
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self._server: grpc.Server | None = None

    def _refuse(self, error: Exception, context: grpc.ServicerContext) -> Any:
        return self._accounting.refuse(error, client_of(context))

    def _tell(self, status: Any, context: grpc.ServicerContext, method: str, project: str) -> None:
        self._accounting.tell_of_read(status, client_of(context), method, project)

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The name and the `host:port` taken."""
        return {self._name: str(HostPort(self._settings.endpoint.host, self._port))}

    def start(self) -> None:
        """Listens; `ConfigError` at the path when the address cannot be had."""
        reflected = _reflection_service(self._services, self._pools[1], self._messages)
        services = [*(each.handler for each in self._mounted), _health_service(self._health, self._messages), reflected]
        handlers = [OtherSignals(self._accounting), *services]
        server = grpc.server(self._pools[0], handlers=handlers, options=options(self._settings))
        self._port = _bind(server, self._settings.endpoint, self._settings.tls, self._path)
        self._messages.start()
        Events(server, self._traces, self._name, self._host).start()
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
            message = self._accounting.note_other_signal(signal, client_of(context))
            context.abort(grpc.StatusCode.UNIMPLEMENTED, message)

        return grpc.stream_unary_rpc_method_handler(refuse)


def options(settings: GrpcSettings) -> list[Option]:
    """The settings as options of gRPC's core."""
    server, policy = settings.keepalive.server_parameters, settings.keepalive.enforcement_policy
    times = {
        "grpc.max_connection_idle_ms": server.max_connection_idle,
        "grpc.max_connection_age_ms": server.max_connection_age,
        "grpc.max_connection_age_grace_ms": server.max_connection_age_grace,
        "grpc.keepalive_time_ms": server.time,
        "grpc.keepalive_timeout_ms": server.timeout,
        "grpc.http2.min_ping_interval_without_data_ms": policy.min_time if policy else None,
    }
    found = {
        "grpc.so_reuseport": 0,  # else two servers could share a port unawares
        "grpc.http2.bdp_probe": 0,  # it would widen what each call in line may send unasked, to megabytes
        "grpc.http2.lookahead_bytes": LOOKAHEAD_BYTES,
        "grpc.experimental.tcp_max_read_buffer_size": READ_BUFFER_BYTES,
        "grpc.max_allowed_incoming_connections": MAX_CONNECTIONS,
        "grpc.max_receive_message_length": settings.max_recv_msg_size_mib << 20,
        "grpc.max_concurrent_streams": settings.max_concurrent_streams,
        "grpc.keepalive_permit_without_calls": int(policy.permit_without_stream) if policy else 1,
        "grpc.http2.max_ping_strikes": None if policy else 0,
        **{name: min(round(value * 1000), 2**31 - 1) for name, value in times.items() if value is not None},
    }
    return [(name, value) for name, value in found.items() if value is not None]


def _bind(server: grpc.Server, endpoint: HostPort, tls: ServerTls | None, path: str) -> int:
    """Adds the address to those of the server, and returns its port; `ConfigError` at `path` if it cannot be had."""
    address, obstacle, port = str(endpoint), "", 0
    try:  # gRPC would only say that it failed, not what the system says against this address
        family, _, _, _, place = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as exc:
        obstacle = exc.strerror or str(exc)
    try:
        if not obstacle and tls is None:
            port = server.add_insecure_port(address)
        elif not obstacle and tls is not None:
            pair = (Path(tls.key_file).read_bytes(), Path(tls.cert_file).read_bytes())
            authorities = Path(tls.client_ca_file).read_bytes() if tls.client_ca_file is not None else None
            credentials = grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)
            port = server.add_secure_port(address, credentials)
    except RuntimeError as exc:
        obstacle = str(exc)
    if not port:
        raise ConfigError([Fault(path, f"cannot listen on {endpoint}: {obstacle}")])
    return port


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
