"""The gRPC server: its port, its limits, the services beside OTLP, and its end."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from otel_sessions.errors import ConfigError, Fault
from otel_sessions.http.tls import ServerTls
from otel_sessions.receivers.otlp.config import GrpcSettings, Keepalive
from otel_sessions.receivers.otlp.export import TRACE_SERVICE, PooledBehavior, TraceService
from otel_sessions.receivers.otlp.unimplemented import OtherSignals
from otel_sessions.types import HostPort

_SMALL_CALLS: Final = 8  # threads for health checks and refusals, which never wait
_REFLECTING: Final = 2  # a client of reflection may keep its thread for as long as it likes

Option = tuple[str, int]


class GrpcServer:
    """Serves `traces`, `grpc.health.v1` and server reflection on one port from `start()` until `shutdown()`."""

    def __init__(self, settings: GrpcSettings, traces: TraceService) -> None:
        self._settings = settings
        self._traces = traces
        self._pools = [ThreadPoolExecutor(n, thread_name_prefix="grpc") for n in (_SMALL_CALLS, _REFLECTING)]
        self._health = health.HealthServicer()
        self._health.set(TRACE_SERVICE, health_pb2.HealthCheckResponse.SERVING)
        self._server: grpc.Server | None = None

    def start(self, path: str) -> HostPort:
        """Listens, and returns the address taken; `ConfigError` at `path` when it cannot be had."""
        handlers = [self._traces, OtherSignals(), _reflection(self._pools[1])]
        server = grpc.server(self._pools[0], handlers=handlers, options=options(self._settings))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        port = _bind(server, self._settings, path)
        server.start()
        self._server = server
        return HostPort(self._settings.endpoint.host, port)

    def shutdown(self, timeout: float) -> None:
        """Takes no new calls, answers those at work within `timeout` seconds, then ends what is left."""
        server, self._server = self._server, None
        if server is None:
            return
        self._health.enter_graceful_shutdown()
        server.stop(timeout)
        self._traces.wait_until_idle(timeout)
        server.stop(None)  # those who watch our health would stay for ever
        self._traces.close()
        for pool in self._pools:
            pool.shutdown(wait=False)


def options(settings: GrpcSettings) -> list[Option]:
    """The settings as options of gRPC's core."""
    found = {
        "grpc.so_reuseport": 0,  # else two servers could share a port unawares
        "grpc.max_receive_message_length": settings.max_recv_msg_size_mib << 20,
        "grpc.max_concurrent_streams": settings.max_concurrent_streams,
        **_keepalive(settings.keepalive),
    }
    return [(name, value) for name, value in found.items() if value is not None]


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
    return server.add_insecure_port(address) if tls is None else server.add_secure_port(address, tls.credentials())


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


def _reflection(pool: ThreadPoolExecutor) -> grpc.GenericRpcHandler[Any, Any]:
    names = (TRACE_SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
    servicer = reflection.ReflectionServicer(names)
    method = grpc.stream_stream_rpc_method_handler(
        PooledBehavior(servicer.ServerReflectionInfo, pool),
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, {"ServerReflectionInfo": method})
